#pragma once

/* Checks files that a program needs, inside its root directory if it has one. */

#include <sys/stat.h>

#define EXECUTABLE_WHY_MAX 512

/*
 * Opens @path in such a way that a symbolic link cannot leave the directory @top. Returns the
 * descriptor or a negative errno.
 */
int executable_open(int top, const char *path, int flags);

enum executable_kind {
	EXECUTABLE_BINARY, /* or it cannot be read */
	EXECUTABLE_SCRIPT,
	EXECUTABLE_TEXT, /* what the kernel cannot execute: no "#!" */
};

enum executable_kind executable_kind(const char *root, const char *path);

/* As stat(2). @root may be NULL. Returns 0 or a negative errno. */
int executable_stat(const char *root, const char *path, struct stat *out);

/*
 * Whether execve(2) should be able to execute @path, which is absolute. Returns 0, or a negative
 * errno with a message in @out_why: "the program '/bin/x' is not a regular file". The path is
 * escaped in it.
 */
int executable_check(const char *root, const char *path, char out_why[static EXECUTABLE_WHY_MAX]);
