#include "base/answers.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

/* The files of a configuration have up to 64 MiB. Pages that are not used take no memory. */
#define ROOM ((size_t)128 << 20)

/* Begins each answer, is aligned, and is followed by the key with its terminator and the answer. */
struct head {
	uint32_t key_size;
	uint32_t size;
	char kind;
};

struct answers {
	_Alignas(16) size_t used; /* as the child says */
	_Alignas(16) char bytes[];
};

#define BYTES_MAX (ROOM - sizeof(struct answers))

static struct answers *recorded, *replayed;
static size_t at; /* the next answer of @replayed */

int answers_new(struct answers **out)
{
	void *memory = mmap(NULL, ROOM, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	*out = memory;
	return 0;
}

void answers_free(struct answers *answers)
{
	if (answers)
		munmap(answers, ROOM);
}

void answers_hide(struct answers *answers)
{
	(void)madvise(answers, ROOM, MADV_DONTFORK);
}

void answers_record(struct answers *answers)
{
	recorded = answers;
}

void answers_replay(struct answers *answers)
{
	replayed = answers;
	at = 0;
}

void answers_end(void)
{
	recorded = replayed = NULL;
}

static size_t align(size_t n)
{
	return (n + 15) & ~(size_t)15;
}

static size_t size_of(const struct head *head)
{
	return align(sizeof(*head) + head->key_size + head->size);
}

void answers_keep(char kind, const char *key, const void *answer, size_t size)
{
	const struct head head = {
		.kind = kind,
		.key_size = (uint32_t)strlen(key) + 1,
		.size = (uint32_t)size,
	};
	char *to;

	if (!recorded || size > BYTES_MAX || size_of(&head) > BYTES_MAX - recorded->used)
		return;
	to = recorded->bytes + recorded->used;
	memcpy(to, &head, sizeof(head));
	memcpy(to + sizeof(head), key, head.key_size);
	memcpy(to + sizeof(head) + head.key_size, answer, size);
	recorded->used += size_of(&head);
}

/* Returns the answer at @offset, or NULL where there is none, or none that can be. */
static const struct head *head_at(size_t offset)
{
	size_t used = replayed->used < BYTES_MAX ? replayed->used : BYTES_MAX;
	const struct head *head = (const struct head *)(replayed->bytes + offset);
	const char *key = (const char *)(head + 1);

	if (offset >= used || used - offset < sizeof(*head) || head->key_size > BYTES_MAX ||
	    head->size > BYTES_MAX || size_of(head) > used - offset)
		return NULL;
	return head->key_size > 0 && key[head->key_size - 1] == '\0' ? head : NULL;
}

/* The child may have asked for more, for a warning perhaps. */
int answers_take(char kind, const char *key, const void **out, size_t *out_size)
{
	const struct head *head;

	if (!replayed)
		return 1;
	for (size_t offset = at; (head = head_at(offset)); offset += size_of(head)) {
		const char *kept = (const char *)(head + 1);

		if (head->kind != kind || strcmp(kept, key) != 0)
			continue;
		at = offset + size_of(head);
		*out = kept + head->key_size;
		*out_size = head->size;
		return 0;
	}
	return -EIO;
}

int answers_take_fixed(char kind, const char *key, void *out, size_t size)
{
	const void *answer;
	size_t found;
	int r;

	r = answers_take(kind, key, &answer, &found);
	if (r != 0)
		return r;
	if (found != size)
		return -EIO;
	memcpy(out, answer, size);
	return 0;
}
