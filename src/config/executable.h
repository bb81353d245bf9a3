#pragma once

/* Checks files that a program needs, inside its root directory if it has one. */

#include <sys/stat.h>

#define EXECUTABLE_WHY_MAX 512

/* As stat(2). @root may be NULL. Returns 0 or a negative errno. */
int executable_stat(const char *root, const char *path, struct stat *out);

/*
 * Whether execve(2) should be able to execute @path, which is absolute. Returns 0, or a negative
 * errno with a message in @out_why: "the program '/bin/x' is not a regular file". The path is
 * escaped in it.
 */
int executable_check(const char *root, const char *path, char out_why[static EXECUTABLE_WHY_MAX]);
