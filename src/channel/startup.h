#pragma once

/*
 * What a front is born with. It is a fork of the keeper, so all of this is simply
 * in its memory; nothing is sent. The front reads it and frees none of it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct service_stats;
struct drop_counts;
struct listener;
struct pass_table;
struct settings;
struct session_counts;

/* The pool of a service of dispatch `pool` or `pass`, as CHANNEL_POOL tells later changes. */
struct startup_pool {
	unsigned ready;
	bool may_grow;
	struct pass_table *table; /* of `pass` alone */
};

/* A child of dispatch `pass` that is ready. Its socket is the front's from now on. */
struct startup_process {
	size_t service;
	unsigned process_index; /* in the table of its service */
	pid_t pid;
	int fd;
};

/* The pipe of `stderr = log`; programs of a service that is gone may have one yet. */
struct startup_stderr {
	const char *service;
	int fd; /* the end to read */
};

struct startup {
	const struct settings *settings;
	struct listener *const *listeners; /* by endpoint number; some without a socket yet */
	const unsigned *children;          /* by service: how many of its programs run now */
	const unsigned *stats_indices;     /* by service: its place on the board */
	const struct startup_pool *pools;  /* by service; zeroes for other ways of dispatch */
	const struct startup_process *processes;
	size_t n_processes;
	const struct startup_stderr *stderr_pipes;
	size_t n_stderr_pipes;
	struct service_stats *stats;
	struct drop_counts *drop_counts;
	struct session_counts *session_counts; /* this front's own */
	struct session_counts *const *older;
	size_t n_older;
	int channel;
	bool hold; /* born while processes are short: as after CHANNEL_PAUSE */
};

/* Runs the front in the forked process and returns its exit status. */
typedef int front_main_fn(const struct startup *startup);
