#pragma once

/*
 * For tests of listeners: a directory for the file of a Unix socket, which is there for the whole
 * group of tests, and listeners that are open.
 */

#include <stdio.h>
#include <stdlib.h>

#include "listener-text.h"

static const struct listener_options options = {
	.backlog = 16, .packet_info = true, .mode = 0640, .uid = (uid_t)-1, .gid = (gid_t)-1
};
static char directory[] = "/tmp/superd-listener-XXXXXX";
static char path[64], path_text[80];

static inline int make_directory(void **state)
{
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/socket", directory);
	(void)snprintf(path_text, sizeof(path_text), "unix:%s", path);
	return 0;
}

/* Fails where a test, or what it tests, left a file behind. */
static inline int remove_directory(void **state)
{
	return rmdir(directory);
}

static inline struct listener *make_open(const char *text)
{
	struct listener *listener = make_listener(text);

	assert_int_equal(listener_open(listener, &options), 0);
	return listener;
}
