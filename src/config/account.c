#include "config/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/answers.h"
#include "base/cleanup.h"
#include "base/number.h"
#include "base/table.h"

/* The limit of the kernel: setgroups() refuses more. */
#define GROUPS_MAX 65536

#define USER_NAME_MAX 256 /* names that are longer than those of useradd(8) are left out */

struct found_account {
	char *text; /* "u" or "g", and the name that was asked for */
	int error;
	struct account account;
	UT_hash_handle hh;
};

/* What the rehearsal keeps. */
struct answer {
	int error;
	uid_t uid;
	gid_t gid;
	char name[USER_NAME_MAX];
};

static void free_found(struct found_account *found)
{
	free(found->text);
	free(found->account.name);
	free(found);
}

void accounts_fini(struct accounts *accounts)
{
	struct found_account *at, *following;

	HASH_ITER(hh, accounts->found, at, following)
	{
		HASH_DEL(accounts->found, at);
		free_found(at);
	}
}

/* The databases have several errors that mean "does not exist". */
static int error_of_database(void)
{
	return errno == ENOMEM || errno == EIO || errno == EMFILE || errno == ENFILE ? -errno
										     : -ENOENT;
}

/* In the databases names that begin with "+" or "-" are instructions, not users. */
static int ask_user(const char *text, struct account *out)
{
	struct passwd *entry;
	int64_t id;

	if (strchr("+-", *text))
		return -ENOENT;

	errno = 0;
	entry = number_parse(text, 0, ACCOUNT_ID_MAX, &id) == 0 ? getpwuid(id) : getpwnam(text);
	if (!entry)
		return error_of_database();

	out->uid = entry->pw_uid;
	out->gid = entry->pw_gid;
	out->name = strdup(entry->pw_name);
	return out->name ? 0 : -ENOMEM;
}

static int ask_group(const char *text, struct account *out)
{
	struct group *entry;
	int64_t id;

	if (strchr("+-", *text))
		return -ENOENT;

	errno = 0;
	entry = number_parse(text, 0, ACCOUNT_ID_MAX, &id) == 0 ? getgrgid(id) : getgrnam(text);
	if (!entry)
		return error_of_database();
	out->gid = entry->gr_gid;
	return 0;
}

static int ask(char kind, const char *text, struct account *out)
{
	struct answer answer = { 0 };
	int r;

	r = answers_take_fixed(kind, text, &answer, sizeof(answer));
	if (r < 0)
		return r;
	if (r == 0) {
		answer.name[sizeof(answer.name) - 1] = '\0';
		*out = (struct account){ strdup(answer.name), answer.uid, answer.gid };
		return out->name ? answer.error : -ENOMEM;
	}
	answer.error = kind == 'u' ? ask_user(text, out) : ask_group(text, out);
	answer.uid = out->uid;
	answer.gid = out->gid;
	if (out->name && strlen(out->name) < sizeof(answer.name))
		strcpy(answer.name, out->name);
	answers_keep(kind, text, &answer, sizeof(answer));
	return answer.error;
}

static int find(struct accounts *accounts, char kind, const char *text, struct found_account **out)
{
	AUTO(auto_free) char *key = NULL;
	struct found_account *found;

	key = malloc(strlen(text) + 2);
	if (!key)
		return -ENOMEM;
	key[0] = kind;
	strcpy(key + 1, text);

	HASH_FIND_STR(accounts->found, key, *out);
	if (*out)
		return (*out)->error;

	found = calloc(1, sizeof(*found));
	if (!found)
		return -ENOMEM;
	found->text = take_ptr(key);
	found->error = ask(kind, text, &found->account);
	HASH_ADD_KEYPTR(hh, accounts->found, found->text, strlen(found->text), found);
	if (!found->hh.tbl) {
		free_found(found);
		return -ENOMEM;
	}
	*out = found;
	return found->error;
}

int accounts_find_user(struct accounts *accounts, const char *text, const struct account **out)
{
	struct found_account *found;
	int r;

	r = find(accounts, 'u', text, &found);
	if (r == 0)
		*out = &found->account;
	return r;
}

int accounts_find_group(struct accounts *accounts, const char *text, gid_t *out)
{
	struct found_account *found;
	int r;

	r = find(accounts, 'g', text, &found);
	if (r == 0)
		*out = found->account.gid;
	return r;
}

static int ask_groups(const struct account *account, gid_t gid, gid_t **out_groups, size_t *out_n)
{
	AUTO(auto_free) gid_t *groups = NULL;
	int n = 16;

	for (;;) {
		int room = n;
		gid_t *larger = reallocarray(groups, n, sizeof(*groups));

		if (!larger)
			return -ENOMEM;
		groups = larger;
		if (getgrouplist(account->name, gid, groups, &n) >= 0)
			break;
		if (room >= GROUPS_MAX)
			return -E2BIG;
		if (n <= room)
			n = 2 * room;
	}

	*out_groups = take_ptr(groups);
	*out_n = n;
	return 0;
}

static int take_groups(const char *name, gid_t **out_groups, size_t *out_n)
{
	const void *kept;
	size_t size;
	int r;

	r = answers_take('l', name, &kept, &size);
	if (r != 0)
		return r;
	*out_groups = malloc(size + 1);
	if (!*out_groups)
		return -ENOMEM;
	memcpy(*out_groups, kept, size);
	*out_n = size / sizeof(**out_groups);
	return 0;
}

int account_groups(const struct account *account, gid_t gid, gid_t **out_groups, size_t *out_n)
{
	int r;

	r = take_groups(account->name, out_groups, out_n);
	if (r <= 0)
		return r;
	r = ask_groups(account, gid, out_groups, out_n);
	if (r == 0)
		answers_keep('l', account->name, *out_groups, *out_n * sizeof(**out_groups));
	return r;
}
