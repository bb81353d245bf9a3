#pragma once

/*
 * Whether the user of a program may execute it. Asks the kernel, as that user, so that access lists
 * and mounts count. Changes the user of the process for a moment: only for a process of one thread,
 * such as the rehearsal.
 */

#include <stdbool.h>

struct identity;

enum user_access {
	USER_ACCESS_YES,     /* or it cannot be known */
	USER_ACCESS_REACH,   /* a folder on the way is closed */
	USER_ACCESS_EXECUTE, /* the program is not executable for the user */
	USER_ACCESS_READ,    /* the program is a script that the user cannot read */
};

/* @root may be NULL. */
enum user_access user_access(const struct identity *identity, const char *root, const char *path,
			     bool is_script);
