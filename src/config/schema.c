#include "config/schema.h"

#include <string.h>

#include "base/text.h"
#include "config/option.h"

/* Build options may choose another poller than AUTO. */
#include "build-config.h"

#define ROOT SECTION_ROOT
#define SERVICE SECTION_SERVICE
#define BOTH (SECTION_SERVICE | SECTION_DEFAULTS)

#define IN_ROOT(field) offsetof(struct root, field)
#define IN_DRAFT(field) offsetof(struct draft, field)

#define YES_OR_NO "'yes' or 'no'"
#define DURATION "a duration from 1ms to 1d, such as '500ms', '10s' or '2m'"
#define DURATION_OR_NEVER "a duration from 1ms to 365d, such as '10s' or '2m', or 'never'"
#define SIZE "a size from 1k to 1g, such as '256k'"

/* clang-format off */
const struct option schema_options[OPTION_COUNT] = {
	[OPTION_INCLUDE] = { "include", ROOT, true, parse_nothing, 0,
		"paths" },
	[OPTION_PORT_BASE] = { "port_base", ROOT, false, parse_port_base, IN_ROOT(port_base),
		"a whole number from 0 to 65535" },
	[OPTION_POLLER] = { "poller", ROOT, false, parse_poller, IN_ROOT(poller),
		"'auto', 'select' or 'epoll'" },
	[OPTION_LOG] = { "log", ROOT, false, parse_log, IN_ROOT(log),
		"'auto', 'journal', 'syslog', 'stderr' or the absolute path of a file" },
	[OPTION_FRONT_USER] = { "front_user", ROOT, false, parse_text, IN_ROOT(front_user),
		"the name of a user" },
	[OPTION_GRACE] = { "grace", ROOT, false, parse_grace, IN_ROOT(grace_ms),
		"a duration of at most a day, such as '10s', '500ms' or '2m'" },
	[OPTION_WORKERS] = { "workers", ROOT, false, parse_workers, IN_ROOT(workers),
		"a whole number from 0 to 64 or 'auto'" },

	[OPTION_ENABLED] = { "enabled", SERVICE, false, parse_boolean, IN_DRAFT(enabled),
		YES_OR_NO },
	[OPTION_LISTEN] = { "listen", SERVICE, true, parse_texts, IN_DRAFT(listen),
		"endpoints" },
	[OPTION_BUILTIN] = { "builtin", SERVICE, false, parse_builtin, IN_DRAFT(builtin),
		"'echo', 'discard', 'chargen', 'daytime' or 'time'" },
	[OPTION_EXEC] = { "exec", SERVICE, true, parse_texts, IN_DRAFT(exec),
		"a program and its arguments" },
	[OPTION_DISPATCH] = { "dispatch", SERVICE, false, parse_dispatch, IN_DRAFT(dispatch),
		"'spawn', 'wait', 'pool' or 'pass'" },
	[OPTION_PROCESSES] = { "processes", BOTH, true, parse_processes, IN_DRAFT(pool),
		"a whole number from 1 to 1000, or {MIN, MAX} with a MIN from 0 to MAX" },
	[OPTION_CLIENTS_PER_PROCESS] = { "clients_per_process", BOTH, false, parse_clients, IN_DRAFT(pool.clients_per_process),
		"a whole number from 1 to 10000" },
	[OPTION_IDLE_EXIT] = { "idle_exit", BOTH, false, parse_duration, IN_DRAFT(pool.idle_exit_ms),
		DURATION },
	[OPTION_READY] = { "ready", BOTH, false, parse_ready, IN_DRAFT(pool.ready_notify),
		"'start' or 'notify'" },
	[OPTION_READY_TIMEOUT] = { "ready_timeout", BOTH, false, parse_duration, IN_DRAFT(pool.ready_timeout_ms),
		DURATION },

	[OPTION_USER] = { "user", BOTH, false, parse_text, IN_DRAFT(user),
		"the name of a user" },
	[OPTION_GROUP] = { "group", BOTH, false, parse_text, IN_DRAFT(group),
		"the name of a group" },
	[OPTION_GROUPS] = { "groups", BOTH, false, parse_boolean, IN_DRAFT(groups),
		YES_OR_NO },
	[OPTION_DIRECTORY] = { "directory", BOTH, false, parse_path, IN_DRAFT(directory),
		"the absolute path of a directory" },
	[OPTION_CHROOT] = { "chroot", BOTH, false, parse_path, IN_DRAFT(chroot),
		"the absolute path of a directory" },
	[OPTION_UMASK] = { "umask", BOTH, false, parse_umask, IN_DRAFT(umask),
		"an octal number from 0 to 777" },
	[OPTION_NICE] = { "nice", BOTH, false, parse_nice, IN_DRAFT(nice),
		"a whole number from -20 to 19" },
	[OPTION_ENV] = { "env", BOTH, true, parse_variables, IN_DRAFT(env),
		"variables written as NAME=VALUE" },
	[OPTION_PASSENV] = { "passenv", BOTH, true, parse_variable_names, IN_DRAFT(passenv),
		"names of environment variables" },
	[OPTION_STDERR] = { "stderr", BOTH, false, parse_stderr, IN_DRAFT(stderr_to),
		"'socket', 'log' or 'null'" },

	[OPTION_INSTANCES] = { "instances", BOTH, false, parse_instances, IN_DRAFT(instances),
		"a whole number of at least 1 or 'unlimited'" },
	[OPTION_OVERFLOW] = { "overflow", BOTH, false, parse_overflow, IN_DRAFT(overflow),
		"'queue' or 'refuse'" },
	[OPTION_IDLE_TIMEOUT] = { "idle_timeout", BOTH, false, parse_duration_or_never, IN_DRAFT(idle_timeout_ms),
		DURATION_OR_NEVER },
	[OPTION_MAX_LIFETIME] = { "max_lifetime", BOTH, false, parse_duration_or_never, IN_DRAFT(max_lifetime_ms),
		DURATION_OR_NEVER },
	[OPTION_SHARDS] = { "shards", BOTH, false, parse_shards, IN_DRAFT(shards),
		"a whole number from 1 to 64 or 'auto'" },

	[OPTION_BACKLOG] = { "backlog", BOTH, false, parse_backlog, IN_DRAFT(backlog),
		"a whole number of at least 1" },
	[OPTION_KEEPALIVE] = { "keepalive", BOTH, false, parse_boolean, IN_DRAFT(keepalive),
		YES_OR_NO },
	[OPTION_NODELAY] = { "nodelay", BOTH, false, parse_boolean, IN_DRAFT(nodelay),
		YES_OR_NO },
	[OPTION_RCVBUF] = { "rcvbuf", BOTH, false, parse_buffer_size, IN_DRAFT(rcvbuf),
		SIZE },
	[OPTION_SNDBUF] = { "sndbuf", BOTH, false, parse_buffer_size, IN_DRAFT(sndbuf),
		SIZE },
	[OPTION_V6ONLY] = { "v6only", BOTH, false, parse_boolean, IN_DRAFT(v6only),
		YES_OR_NO },
	[OPTION_FREEBIND] = { "freebind", BOTH, false, parse_boolean, IN_DRAFT(freebind),
		YES_OR_NO },
	[OPTION_INTERFACE] = { "interface", BOTH, false, parse_interface, IN_DRAFT(interface),
		"the name of a network interface" },
	[OPTION_SOCKET_MODE] = { "socket_mode", BOTH, false, parse_socket_mode, IN_DRAFT(socket_mode),
		"an octal number from 0 to 777" },
	[OPTION_SOCKET_USER] = { "socket_user", BOTH, false, parse_text, IN_DRAFT(socket_user),
		"the name of a user" },
	[OPTION_SOCKET_GROUP] = { "socket_group", BOTH, false, parse_text, IN_DRAFT(socket_group),
		"the name of a group" },

	[OPTION_LOG_ON_SUCCESS] = { "log_on_success", BOTH, true, parse_records_of_success, IN_DRAFT(log_on_success),
		"any of 'host', 'pid', 'duration', 'exit', 'traffic', or 'none' alone" },
	[OPTION_LOG_ON_FAILURE] = { "log_on_failure", BOTH, true, parse_records_of_failure, IN_DRAFT(log_on_failure),
		"any of 'host', 'attempt', or 'none' alone" },
	[OPTION_AMPLIFY] = { "amplify", BOTH, false, parse_boolean, IN_DRAFT(amplify),
		YES_OR_NO },
};
/* clang-format on */

const struct root schema_root = {
	.poller = SUPERD_POLLER,
	.log = "auto",
	.front_user = "superd",
	.grace_ms = 10000,
	.workers = WORKERS_AUTO,
};

const struct draft schema_draft = {
	.enabled = true,
	.dispatch = DISPATCH_SPAWN,
	.stderr_to = STDERR_SOCKET,
	.overflow = OVERFLOW_QUEUE,
	.backlog = 4096,
	.instances = UINT_MAX,
	.log_on_success = RECORD_HOST | RECORD_PID | RECORD_DURATION | RECORD_EXIT | RECORD_TRAFFIC,
	.log_on_failure = RECORD_HOST | RECORD_ATTEMPT,
	.umask = 022,
	.socket_mode = 0666,
	.directory = "/",
	.pool = {
		.min = 1,
		.max = 1,
		.clients_per_process = 1,
		.idle_exit_ms = 60000,
		.ready_timeout_ms = 30000,
	},
};

int schema_find(const char *name, size_t length)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (strlen(schema_options[i].name) == length &&
		    memcmp(schema_options[i].name, name, length) == 0)
			return i;
	return -1;
}

const char *schema_nearest(const char *name, unsigned where)
{
	const char *names[OPTION_COUNT + 1];
	int n = 0;
	int nearest;

	for (int i = 0; i < OPTION_COUNT; i++)
		if (schema_options[i].where & where)
			names[n++] = schema_options[i].name;
	names[n] = NULL;

	nearest = text_nearest(name, names);
	return nearest < 0 ? NULL : names[nearest];
}
