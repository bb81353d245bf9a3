#pragma once

/*
 * For tests of listeners: a directory for the file of a Unix socket, which is there for the whole
 * group of tests and empty between them, and listeners that are open.
 */

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "listener-text.h"

static const struct listener_options options = {
	.backlog = 16, .packet_info = true, .mode = 0640, .uid = (uid_t)-1, .gid = (gid_t)-1
};
static char directory[] = "/tmp/superd-listener-XXXXXX";
static char path[64], path_text[80];
static unsigned n_left;
static const mode_t umask_of_tests = 022;

static inline int make_directory(void **state)
{
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/socket", directory);
	(void)snprintf(path_text, sizeof(path_text), "unix:%s", path);
	umask(umask_of_tests);
	return 0;
}

static inline int remove_directory(void **state)
{
	return rmdir(directory);
}

static inline int remove_left(const char *name, const struct stat *status, int type,
			      struct FTW *where)
{
	if (where->level == 0)
		return 0;
	n_left++;
	return remove(name);
}

/*
 * After each test, which may have failed before its own end: the next one must not find what is
 * left. Fails where a test, or what it tests, left a file behind.
 */
static inline int clean_directory(void **state)
{
	n_left = 0;
	umask(umask_of_tests);
	if (nftw(directory, remove_left, 4, FTW_DEPTH | FTW_PHYS) != 0)
		return -1;
	return n_left == 0 ? 0 : -1;
}

static inline struct listener *make_open(const char *text)
{
	struct listener *listener = make_listener(text);

	assert_int_equal(listener_open(listener, &options), 0);
	return listener;
}
