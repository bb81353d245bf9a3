#include "net/poller-select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

#define WORD_BITS (8 * (int)sizeof(unsigned long))

union set {
	fd_set fds;
	unsigned long words[FD_SETSIZE / (8 * sizeof(unsigned long))];
};

struct state {
	union set reading;
	union set writing;
	int highest; /* the highest descriptor in either set, or -1 */
	struct watch *watches[FD_SETSIZE];
};

static int select_open(void **out)
{
	struct state *state;

	state = calloc(1, sizeof(*state));
	if (!state)
		return -ENOMEM;

	state->highest = -1;
	*out = state;
	return 0;
}

static void select_close(void *state)
{
	free(state);
}

static void enter(struct state *state, struct watch *watch, unsigned wanted)
{
	if (wanted & WATCH_READ)
		FD_SET(watch->fd, &state->reading.fds);
	else
		FD_CLR(watch->fd, &state->reading.fds);
	if (wanted & WATCH_WRITE)
		FD_SET(watch->fd, &state->writing.fds);
	else
		FD_CLR(watch->fd, &state->writing.fds);

	state->watches[watch->fd] = wanted ? watch : NULL;
	if (wanted && watch->fd > state->highest)
		state->highest = watch->fd;
	while (state->highest >= 0 && !state->watches[state->highest])
		state->highest--;
}

static int select_add(void *data, struct watch *watch)
{
	struct state *state = data;

	if (watch->fd < 0)
		return -EBADF;
	if (watch->fd >= FD_SETSIZE)
		return -ERANGE;
	if (!watch->wanted)
		return 0;
	if (state->watches[watch->fd])
		return -EEXIST;

	enter(state, watch, watch->wanted);
	return 0;
}

static int select_change(void *data, struct watch *watch, unsigned old)
{
	struct state *state = data;

	if (!old && state->watches[watch->fd])
		return -EEXIST;

	enter(state, watch, watch->wanted);
	return 0;
}

static void select_remove(void *state, struct watch *watch)
{
	if (watch->wanted)
		enter(state, watch, 0);
}

/* Marks the watches of the descriptors from @first on whose bit is set in a word of a set. */
static void mark_word(struct watch **first, unsigned long bits, unsigned seen, struct list *ready)
{
	for (; bits; bits &= bits - 1)
		watch_mark(first[__builtin_ctzl(bits)], seen, ready);
}

static int select_await(void *data, struct list *ready, int timeout_ms)
{
	struct timeval timeout = { .tv_sec = timeout_ms / 1000,
				   .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000 };
	struct state *state = data;
	int n_words = state->highest / WORD_BITS + 1;
	union set reading, writing;
	int n;

	memcpy(reading.words, state->reading.words, (size_t)n_words * sizeof(unsigned long));
	memcpy(writing.words, state->writing.words, (size_t)n_words * sizeof(unsigned long));
	n = select(state->highest + 1, &reading.fds, &writing.fds, NULL,
		   timeout_ms < 0 ? NULL : &timeout);
	if (n < 0)
		return -errno;
	if (n == 0)
		return 0;

	for (int i = 0; i < n_words; i++) {
		struct watch **first = &state->watches[i * WORD_BITS];

		mark_word(first, reading.words[i], WATCH_READ, ready);
		mark_word(first, writing.words[i], WATCH_WRITE, ready);
	}

	return 0;
}

const struct poller_backend poller_select = {
	.name = "select",
	.open = select_open,
	.close = select_close,
	.add = select_add,
	.change = select_change,
	.remove = select_remove,
	.wait = select_await,
};
