#pragma once

/*
 * Users and groups by name or number. Each is looked up once in a load. A number must belong to a
 * user or group that exists, so that a typing error is found.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The largest number means "no change" to chown() and setresuid(). */
#define ACCOUNT_ID_MAX ((int64_t)UINT32_MAX - 1)

struct found_account;

/* All zero is an empty one. */
struct accounts {
	struct found_account *found;
};

struct account {
	char *name; /* from the database */
	uid_t uid;
	gid_t gid;
};

void accounts_fini(struct accounts *accounts);

/* Return 0, -ENOENT, or another negative errno. @out is valid as long as @accounts. */
int accounts_find_user(struct accounts *accounts, const char *text, const struct account **out);
int accounts_find_group(struct accounts *accounts, const char *text, gid_t *out);

/* The groups of @account, with @gid. The caller frees @out_groups. */
int account_groups(const struct account *account, gid_t gid, gid_t **out_groups, size_t *out_n);
