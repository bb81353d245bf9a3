#pragma once

/* Gives up privileges, for a process that needs none. */

#include <stdbool.h>
#include <sys/types.h>

struct privileges_user {
	bool change; /* to the user and group that follow, without other groups */
	uid_t uid;
	gid_t gid;
};

enum privileges_step {
	PRIVILEGES_BOUNDING_SET,
	PRIVILEGES_USER,
	PRIVILEGES_CAPABILITIES,
	PRIVILEGES_ARE_GONE, /* as the kernel says in the end */
};

/*
 * For good, also over execve(2). Returns 0, or a negative errno with the step that has failed. The
 * process must end then.
 */
int privileges_drop(const struct privileges_user *user, enum privileges_step *out_step);
