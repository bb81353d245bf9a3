#pragma once

/*
 * Settings are the immutable result of loading a configuration. Everything in them is checked and
 * resolved: users are ids, endpoints are addresses, programs exist. A reload makes new settings and
 * never changes old ones, so whoever still needs these may go on reading.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/log.h"
#include "base/privileges.h"
#include "base/token-bucket.h"
#include "config/access-times.h"
#include "config/arena.h"
#include "config/builtin.h"
#include "config/client-set.h"
#include "config/dispatch.h"
#include "net/endpoint.h"
#include "net/poller.h"

enum overflow {
	OVERFLOW_QUEUE,
	OVERFLOW_REFUSE,
};

enum stderr_to {
	STDERR_SOCKET,
	STDERR_LOG,
	STDERR_NULL,
};

/* Which datagrams get no program, besides those whose senders cannot be answered. */
enum reflection {
	REFLECTION_GUARD_STRICT, /* from a port below 1024, or one where superd receives */
	REFLECTION_GUARD_OWN,    /* only the latter */
};

/* What becomes of a program that has the listener when superd stops, or its service is removed. */
enum at_stop {
	AT_STOP_END,
	AT_STOP_LEAVE,
};

/* The choices of log_on_success and log_on_failure. */
enum {
	RECORD_HOST = 1 << 0,
	RECORD_PID = 1 << 1,
	RECORD_DURATION = 1 << 2,
	RECORD_EXIT = 1 << 3,
	RECORD_TRAFFIC = 1 << 4,
	RECORD_ATTEMPT = 1 << 5,
};

/* Each service has statistics, in memory that does not grow. */
#define SERVICES_MAX 32768

/* The user and groups of a program. */
struct identity {
	bool change; /* false: the program keeps those of superd */
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t n_groups;
};

struct program_settings {
	char *path;  /* absolute */
	char **argv; /* as written, NULL-terminated; argv[0] is the path, unless argv0 is set */
	char **env;  /* NULL-terminated NAME=VALUE, from env and passenv, without PATH unless set;
			secret: not in fronts */
	struct identity identity;
	char *directory;
	char *chroot; /* or NULL */
	mode_t umask;
	int nice;
	enum stderr_to stderr_to;
	enum at_stop at_stop;      /* of dispatch `wait` */
	int64_t launch_timeout_ms; /* how long it may take until the program is executed */
};

/* For processes that start before their clients: how many there are, and for how long. */
struct pool_settings {
	unsigned min;
	unsigned max;
	unsigned clients_per_process; /* if superd passes clients */
	int64_t idle_exit_ms;
	bool ready_notify;        /* a process says when it is ready; false: it is when it runs */
	int64_t ready_timeout_ms; /* how long it may take for that */
};

struct socket_settings {
	int backlog;
	int rcvbuf; /* bytes; 0: the system's default */
	int sndbuf;
	bool keepalive;
	bool nodelay;
	mode_t mode;
	uid_t uid; /* (uid_t)-1: not set */
	gid_t gid;
};

struct service {
	char *name;
	const char *file; /* where it was defined */
	int line;
	size_t index; /* in settings->services */

	struct endpoint *endpoints;
	size_t n_endpoints;
	size_t first_endpoint; /* this service's endpoints are numbers first_endpoint, +1, ... of
				  the settings */

	enum dispatch_kind dispatch;
	enum builtin_kind builtin;
	bool amplify;
	unsigned shards; /* sockets for its datagrams; 0: the main thread reads the only one */
	int64_t idle_timeout_ms; /* of a session; 0: none */
	int64_t max_lifetime_ms;
	struct program_settings program;
	struct pool_settings pool;

	struct client_list only_from;
	struct client_list no_access;
	struct access_times *access_times; /* NULL: at all times */
	struct rate cps;
	unsigned instances; /* UINT_MAX: no limit */
	enum overflow overflow;
	bool debug; /* see service_debug() */
	enum reflection reflection;
	struct socket_settings socket;
	unsigned log_on_success;
	unsigned log_on_failure;

	/*
	 * Of all that a program finds when it is started, but its endpoints. Two services of equal
	 * digests can use the same processes. 0 for a built-in.
	 */
	uint64_t digest;
	uint64_t options_digest; /* of all that is written of the service */
};

/*
 * Writes a line of LOG_DEBUG about the service, if its decisions are to be logged. Otherwise it
 * costs one branch, which the processor predicts, and the arguments are not evaluated.
 */
#define service_debug(service, ...)                                                    \
	do {                                                                           \
		if (__builtin_expect((service)->debug, false))                         \
			(void)log_service(LOG_DEBUG, (service)->name, 0, __VA_ARGS__); \
	} while (0)

/* What happens to a front that makes a system call that it must not make. */
enum front_seccomp {
	FRONT_SECCOMP_KILL,
	FRONT_SECCOMP_STRICT, /* calls about files, too */
	FRONT_SECCOMP_LOG,    /* the kernel's audit log has it */
	FRONT_SECCOMP_OFF,
};

struct front_settings {
	enum front_seccomp seccomp;
	struct privileges_user user;
};

/* A service as it is written, enabled or not. */
struct listed_service {
	char *name;
	char *endpoints; /* separated by spaces */
	char *answer;    /* what answers there */
	bool enabled;
};

struct settings {
	char *path;
	enum poller_kind poller;
	bool log_is_auto;
	enum log_target log_target; /* meaningless when log_is_auto */
	char *log_path;             /* for LOG_TO_FILE */
	char *pid_file;             /* or NULL */
	int64_t grace_ms;
	unsigned workers; /* threads for sessions; 0: sessions stay in the main thread */
	struct front_settings front;

	struct service *services; /* those that are enabled, in the order of the files */
	size_t n_services;
	size_t services_room;
	size_t n_disabled; /* services that are not among them */

	struct client_set **sets; /* named, or of one list */
	size_t n_sets;
	size_t sets_room;
	char **set_files; /* the names of their files; members point to them */
	size_t n_set_files;
	size_t set_files_room;

	struct listed_service *listed; /* for superd --list only */
	size_t n_listed;
	size_t listed_room;
	size_t n_endpoints;   /* of all services */
	struct arena secrets; /* what is not in fronts */
	char **files;         /* the names of all files; services point to them */
	size_t n_files;
};

void settings_free(struct settings *settings);

/* Returns a new set, which is empty, or NULL without memory. @name may be NULL. */
struct client_set *settings_add_set(struct settings *settings, const char *name);

/* From now on forked processes do not have what is secret in the settings. */
void settings_hide_secrets(struct settings *settings);

/* The service that owns endpoint @number of the settings; @number must be in range. */
const struct service *settings_service_of(const struct settings *settings, size_t number);
const struct endpoint *settings_endpoint(const struct settings *settings, size_t number);
