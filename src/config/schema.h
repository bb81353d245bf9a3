#pragma once

/*
 * The options: their names, where each may stand, what it takes. The table in
 * schema.c is the grammar of superd.conf; values are stored as they are written, in a
 * struct root or a struct draft, and what they mean together is decided in build.c.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/errors.h"
#include "config/settings.h"

enum option_number {
	OPTION_INCLUDE,
	OPTION_PORT_BASE,
	OPTION_POLLER,
	OPTION_LOG,
	OPTION_FRONT_USER,
	OPTION_GRACE,
	OPTION_WORKERS,
	OPTION_ENABLED,
	OPTION_LISTEN,
	OPTION_BUILTIN,
	OPTION_EXEC,
	OPTION_DISPATCH,
	OPTION_PROCESSES,
	OPTION_CLIENTS_PER_PROCESS,
	OPTION_IDLE_EXIT,
	OPTION_READY,
	OPTION_READY_TIMEOUT,
	OPTION_USER,
	OPTION_GROUP,
	OPTION_GROUPS,
	OPTION_DIRECTORY,
	OPTION_CHROOT,
	OPTION_UMASK,
	OPTION_NICE,
	OPTION_ENV,
	OPTION_PASSENV,
	OPTION_STDERR,
	OPTION_INSTANCES,
	OPTION_OVERFLOW,
	OPTION_IDLE_TIMEOUT,
	OPTION_MAX_LIFETIME,
	OPTION_SHARDS,
	OPTION_BACKLOG,
	OPTION_KEEPALIVE,
	OPTION_NODELAY,
	OPTION_RCVBUF,
	OPTION_SNDBUF,
	OPTION_V6ONLY,
	OPTION_FREEBIND,
	OPTION_INTERFACE,
	OPTION_SOCKET_MODE,
	OPTION_SOCKET_USER,
	OPTION_SOCKET_GROUP,
	OPTION_LOG_ON_SUCCESS,
	OPTION_LOG_ON_FAILURE,
	OPTION_AMPLIFY,
	OPTION_COUNT,
};

/* As a number of workers or shards: what `auto` is stored as. */
#define WORKERS_AUTO UINT_MAX

#define WORKERS_MAX 64

/* Decoded: without quotes and escapes. */
struct value {
	const char *text;
	int line;
};

struct values {
	const struct value *list;
	size_t n;
};

/* What stands at top level. */
struct root {
	struct location at[OPTION_COUNT]; /* where each option was set */
	bool own[OPTION_COUNT];
	int port_base;
	int poller;
	const char *log;
	const char *front_user;
	int64_t grace_ms;
	unsigned workers; /* or WORKERS_AUTO */
};

/* A service as it is written, or the defaults. */
struct draft {
	struct location at[OPTION_COUNT]; /* where each option was set, perhaps in the defaults */
	bool own[OPTION_COUNT];           /* set in the service itself */
	bool enabled;
	bool groups;
	bool keepalive;
	bool nodelay;
	bool v6only;
	bool freebind;
	bool amplify;
	struct values listen;
	struct values exec;
	struct values env;
	struct values passenv;
	int builtin;
	int dispatch;
	int stderr_to;
	int overflow;
	int nice;
	int backlog;
	int rcvbuf;
	int sndbuf;
	int64_t idle_timeout_ms;
	int64_t max_lifetime_ms;
	unsigned shards; /* 0: not set; or WORKERS_AUTO */
	unsigned instances;
	unsigned log_on_success;
	unsigned log_on_failure;
	mode_t umask;
	mode_t socket_mode;
	const char *user;
	const char *group;
	const char *directory;
	const char *chroot;
	const char *interface;
	const char *socket_user;
	const char *socket_group;
	struct pool_settings pool;
};

enum section_kind {
	SECTION_ROOT = 1 << 0,
	SECTION_DEFAULTS = 1 << 1,
	SECTION_SERVICE = 1 << 2,
};

/*
 * Stores @values to @field and returns NULL, or returns the value that is not accepted,
 * whose line is 0 where there is none.
 */
typedef const struct value *option_parse_fn(const struct values *values, void *field);

struct option {
	const char *name;
	unsigned where; /* enum section_kind */
	bool is_list;
	option_parse_fn *parse;
	size_t offset; /* in struct root or struct draft */
	const char *takes;
};

extern const struct option schema_options[OPTION_COUNT];

/* What holds where nothing is written. */
extern const struct root schema_root;
extern const struct draft schema_draft;

/* The number of the option, or -1. */
int schema_find(const char *name, size_t length);

/* The known name that is most like @name among those that may stand in @where, or NULL. */
const char *schema_nearest(const char *name, unsigned where);
