#pragma once

/*
 * What a front is born with. It is a fork of the keeper, so all of this is simply
 * in its memory; nothing is sent. The front reads it and frees none of it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct board_slot;
struct drops;
struct listener;
struct pass_table;
struct settings;
struct tally;

/* The crew of a service of dispatch `pool` or `pass`, as CHANNEL_CREW tells later changes. */
struct birth_crew {
	unsigned ready;
	bool may_grow;
	struct pass_table *table; /* of `pass` alone */
};

/* A child of dispatch `pass` that is ready. Its socket is the front's from now on. */
struct birth_member {
	size_t service;
	unsigned place; /* in the table of its crew */
	pid_t pid;
	int fd;
};

/* The pipe of `stderr = log`; programs of a service that is gone may have one yet. */
struct birth_stderr {
	const char *service;
	int fd; /* the end to read */
};

struct birth {
	const struct settings *settings;
	struct listener *const *listeners; /* by endpoint number; some without a socket yet */
	const unsigned *children;          /* by service: how many of its programs run now */
	const unsigned *slots;             /* by service: its place on the board */
	const struct birth_crew *crews;    /* by service; zeroes for other ways of dispatch */
	const struct birth_member *members;
	size_t n_members;
	const struct birth_stderr *stderr_pipes;
	size_t n_stderr_pipes;
	struct board_slot *board;
	struct drops *drops;
	struct tally *tally; /* this front's own */
	struct tally *const *elders;
	size_t n_elders;
	int channel;
	bool hold; /* born while processes are short: as after CHANNEL_HOLD */
};

/* Runs the front in the forked process and returns its exit status. */
typedef int front_main_fn(const struct birth *birth);
