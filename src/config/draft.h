#pragma once

/*
 * The options of a configuration as they are written, before they are checked together: those at
 * top level, and a draft for each service. A dialect makes drafts, and build-service.c turns them
 * into services.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/errors.h"
#include "config/option.h"
#include "config/settings.h"

/* `auto`, as a number of workers or shards. */
#define WORKERS_AUTO OPTION_UNLIMITED

#define WORKERS_MAX 64

/* The options at top level. */
struct root {
	struct location at[OPTION_COUNT]; /* where each option was set */
	bool own[OPTION_COUNT];
	bool bad[OPTION_COUNT];
	struct values enable; /* of one statement */
	bool strict;
	int port_base;
	int poller;
	const char *log;
	const char *pid_file; /* or NULL */
	const char *front_user;
	int front_seccomp;
	int64_t grace_ms;
	unsigned workers; /* or WORKERS_AUTO */
};

/* The options of a service, or the defaults. */
struct draft {
	const char *name;
	struct location location;         /* of the service */
	struct location at[OPTION_COUNT]; /* where each option was set, perhaps in the defaults */
	bool own[OPTION_COUNT];           /* set in the service itself */
	bool bad[OPTION_COUNT]; /* set in the service itself, to a value that is not accepted */
	bool unsure;            /* a line was not understood, so a missing option may be there */
	bool defaults_unsure;   /* the same for the defaults */

	bool enabled;
	bool groups;
	bool v6only;
	bool freebind;
	bool amplify;
	bool debug;
	struct values listen;
	struct values exec;
	struct values env;
	struct values passenv;
	struct values only_from;
	struct values no_access;
	struct values access_times;
	int builtin;
	int dispatch;
	int stderr_to;
	int at_stop;
	int64_t launch_timeout_ms;
	int overflow;
	int reflection;
	int nice;
	int64_t idle_timeout_ms;
	int64_t max_lifetime_ms;
	unsigned shards; /* 0: not set; or WORKERS_AUTO */
	unsigned instances;
	struct rate cps;
	unsigned log_on_success;
	unsigned log_on_failure;
	mode_t umask;
	const char *argv0;
	const char *user;
	const char *group;
	const char *directory;
	const char *chroot;
	const char *interface;
	const char *socket_user;
	const char *socket_group;
	struct socket_settings socket;
	struct pool_settings pool;
};

/* The options of a section `set`, as they are written. */
struct set_draft {
	struct location location;
	struct location at[OPTION_COUNT];
	bool own[OPTION_COUNT];
	bool bad[OPTION_COUNT];
	bool unsure; /* there were lines that were not understood */
	struct values addresses;
	struct values files;
};

/* Whether the option is set, in the service itself or in the defaults. */
static inline bool draft_sets(const struct draft *draft, enum option_number number)
{
	return draft->at[number].line > 0;
}

/* The values of options that are not written. */
extern const struct root draft_root;
extern const struct draft draft_defaults;
