#pragma once

/*
 * Users and groups by name or number, each asked for once in a load. A number is
 * good only where the system knows it: a slip of the finger makes no user.
 */

#include <stddef.h>
#include <sys/types.h>

struct found_account;

/* All zero is an empty one. */
struct accounts {
	struct found_account *found;
};

struct account {
	char *name; /* as the system writes it */
	uid_t uid;
	gid_t gid;
};

void accounts_fini(struct accounts *accounts);

/* 0, -ENOENT, or another negative errno. What is found lives as long as @accounts. */
int accounts_find_user(struct accounts *accounts, const char *text, const struct account **out);
int accounts_find_group(struct accounts *accounts, const char *text, gid_t *out);

/* The groups of @account, @gid among them; @out_groups is the caller's to free. */
int account_groups(const struct account *account, gid_t gid, gid_t **out_groups, size_t *out_n);
