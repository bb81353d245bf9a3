#pragma once

/*
 * Starts a program with a client: the one routine that every way of starting goes through.
 *
 * A program is complete before: ids, arguments, environment, limits. The child runs in
 * the keeper's memory, which waits, until it executes, as after vfork(2): it makes
 * system calls only, and a step that failed is simply written there. A failed step
 * means that the program is not run. Silent: the caller logs.
 */

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "net/address.h"

enum spawn_step {
	SPAWN_NONE,
	SPAWN_PROCESS,
	SPAWN_SESSION,
	SPAWN_DESCRIPTORS,
	SPAWN_PRIORITY,
	SPAWN_LIMITS,
	SPAWN_CHROOT,
	SPAWN_GROUPS,
	SPAWN_USER,
	SPAWN_CAPABILITIES,
	SPAWN_DIRECTORY,
	SPAWN_CONNECT,
	SPAWN_SIGNALS,
	SPAWN_EXEC,
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
};

/* What goes where, for one client. All of these stay the caller's. */
struct spawn_descriptors {
	int in;
	int out;
	int err;
	int *others; /* become 3, 4, ...; the array is overwritten */
	int n_others;
	/* A datagram socket that the child connects once it is its user, or NULL. */
	const struct address *connect_to;
};

struct spawn_failure {
	enum spawn_step step;
	int error; /* an errno */
};

/*
 * Returns the process id, or a negative errno with @out_failure filled in; then no process is left.
 */
pid_t spawn(const struct spawn_plan *program, const struct spawn_descriptors *descriptors,
	    struct spawn_failure *out_failure);

/* "cannot execute" and the like. */
const char *spawn_step_text(enum spawn_step step);

/* Whether the failure is one of the machine, which passes, and not one of the program. */
bool spawn_may_retry(const struct spawn_failure *failure);
