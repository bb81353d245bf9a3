#pragma once

/*
 * What one process needs for its start, which steps that takes, and which of them has failed. Ids,
 * arguments, environment and limits are prepared before. See launch.h for the start itself.
 */

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "net/address.h"

/* In the order in which the child takes them. */
enum spawn_step {
	SPAWN_NONE,
	SPAWN_QUEUE, /* for a launch, before there is a child */
	SPAWN_PROCESS,
	SPAWN_SESSION,
	SPAWN_DESCRIPTORS,
	SPAWN_PRIORITY,
	SPAWN_LIMITS,
	SPAWN_CHROOT,
	SPAWN_GROUPS,
	SPAWN_USER,
	SPAWN_CAPABILITIES,
	SPAWN_DEATH_SIGNAL,
	SPAWN_DIRECTORY,
	SPAWN_CONNECT,
	SPAWN_SIGNALS,
	SPAWN_EXEC,
	SPAWN_INTERPRETER, /* of a program that is there, and is said not to be */
	SPAWN_INSTANCES,   /* not tried: so many run already as the service may have */
};

struct spawn_plan {
	const char *path;
	char **argv;
	char **envp;
	char *listen_pid; /* where the child writes its process id, or NULL */

	bool change_user;
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t n_groups;

	const char *chroot; /* or NULL */
	const char *directory;
	mode_t umask;
	int nice;
	struct rlimit descriptors;
	int death_signal; /* for the program when the keeper ends, however it ends; 0: none */
};

/*
 * The descriptors for one client. The child shares the table of the keeper until it copies them, so
 * they stay open, and what they are, until the launch is over.
 */
struct spawn_descriptors {
	int in;
	int out;
	int err;
	int *others; /* become 3, 4, ...; the array is overwritten */
	int n_others;
	/* Where the child connects its datagram socket after it has changed its user, or NULL. */
	const struct address *connect_to;
};

struct spawn_failure {
	enum spawn_step step;
	int error;      /* an errno; 0: the step has not come to an end */
	int signal;     /* that ended the child in this step; 0: none */
	bool timed_out; /* the keeper has ended it, because the step took too long */
};

/* "cannot execute" and the like. */
const char *spawn_step_text(enum spawn_step step);

/* "Permission denied" and the like, for a line of debugging. */
const char *spawn_failure_reason(const struct spawn_failure *failure);

/* Whether the machine was short of something, so that a later attempt may succeed. */
bool spawn_may_retry(const struct spawn_failure *failure);
