#pragma once

/*
 * What a front inherits from the keeper. The front is a fork, so it finds all of this in its
 * memory, and nothing is sent. It reads this and frees nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct service_stats;
struct listener;
struct pass_table;
struct settings;
struct session_counts;

/* The pool of a service of dispatch `pool` or `pass`. CHANNEL_POOL reports later changes. */
struct startup_pool {
	unsigned ready;
	bool may_grow;
	struct pass_table *table; /* of `pass` only */
};

/* A process of dispatch `pass` that is ready. The front takes over its socket. */
struct startup_process {
	size_t service;
	unsigned process_index; /* in the table of its service */
	pid_t pid;
	int fd;
};

/* The pipe of `stderr = log`. Programs of a service that is gone may still use theirs. */
struct startup_stderr {
	const char *service;
	int fd; /* the end to read */
};

struct startup {
	const struct settings *settings;
	struct listener *const *listeners; /* by endpoint number; some have no socket yet */
	const unsigned *children;          /* by service: how many of its programs run now */
	const unsigned *stats_indices;     /* by service: its index in @stats */
	const struct startup_pool *pools;  /* by service; zeroes for other ways of dispatch */
	const struct startup_process *processes;
	size_t n_processes;
	const struct startup_stderr *stderr_pipes;
	size_t n_stderr_pipes;
	struct service_stats *stats;
	struct session_counts *session_counts; /* this front's own */
	struct session_counts *const *older;
	size_t n_older;
	int channel;
	bool hold; /* processes are short now, as after CHANNEL_PAUSE */
};

/* Runs the front in the forked process and returns its exit status. */
typedef int front_main_fn(const struct startup *startup);
