#pragma once

/*
 * Starts one process. Every way of dispatch uses this function.
 *
 * Ids, arguments, environment and limits are prepared before. As after vfork(2), the child runs in
 * the memory of the keeper until it executes the program, and the keeper waits. So the child makes
 * system calls only, and writes a failed step straight into that memory. After a failed step the
 * program is not run. Nothing is logged here: the caller does that.
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
	SPAWN_DEATH_SIGNAL,
	SPAWN_DIRECTORY,
	SPAWN_CONNECT,
	SPAWN_SIGNALS,
	SPAWN_EXEC,
	SPAWN_INSTANCES, /* not tried: so many run already as the service may have */
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

/* The descriptors for one client. The caller keeps and closes them. */
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
	int error; /* an errno */
};

/* Returns the process id. On failure, a negative errno and @out_failure, and no process is left. */
pid_t spawn(const struct spawn_plan *program, const struct spawn_descriptors *descriptors,
	    struct spawn_failure *out_failure);

/* "cannot execute" and the like. */
const char *spawn_step_text(enum spawn_step step);

/* Whether the machine was short of something, so that a later attempt may succeed. */
bool spawn_may_retry(const struct spawn_failure *failure);
