#pragma once

/* Files that a program needs, found as it will find them: in its root directory, if it has one. */

#include <sys/stat.h>

#define EXECUTABLE_WHY_MAX 512

/* As stat(2). @root may be NULL. Returns 0 or a negative errno. */
int executable_stat(const char *root, const char *path, struct stat *out);

/*
 * Whether execve(2) can be expected to take @path, an absolute one. Returns 0, or -EINVAL with
 * what is wrong in @out_why: "the program '/bin/x' is no regular file". What @path may hold is
 * shown as errors_quote() does.
 */
int executable_check(const char *root, const char *path, char out_why[static EXECUTABLE_WHY_MAX]);
