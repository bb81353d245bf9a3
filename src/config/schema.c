#include "config/schema.h"

#include <limits.h>
#include <string.h>

#include "base/text.h"
#include "config/builtin.h"
#include "config/dispatch.h"
#include "config/draft.h"
#include "config/word-table.h"

#define ROOT SECTION_ROOT
#define SERVICE SECTION_SERVICE
#define SET SECTION_SET
#define BOTH (SECTION_SERVICE | SECTION_DEFAULTS)

/* The type of a field says how it is compared. */
#define FIELD(type, member)                                                            \
	{                                                                              \
		.offset = offsetof(type, member),                                    \
		.size = sizeof(((type *)NULL)->member),                              \
		.kind = _Generic(((type *)NULL)->member,                             \
				 const char *: FIELD_TEXT, struct values: FIELD_LIST, \
				 default: FIELD_PLAIN), \
	}
#define IN_ROOT(member) FIELD(struct root, member)
#define IN_DRAFT(member) FIELD(struct draft, member)
#define IN_SET(member) FIELD(struct set_draft, member)

#define RESOLVED EFFECT_RESOLVED
#define LIVE EFFECT_LIVE

#define DAY_MS INT64_C(86400000)
#define YEAR_MS (365 * DAY_MS)

#define YES_OR_NO "'yes' or 'no'"
#define DURATION "a duration from 1ms to 1d, such as '500ms', '10s' or '2m'"
#define DURATION_OR_NEVER "a duration from 1ms to 365d, such as '10s' or '2m', or 'never'"
#define CLIENTS "addresses, prefixes, ranges, 'user:NAME', 'group:NAME' and '@SET'"
#define RATE "a rate such as '50/s', '600/10m' or '50/s burst 100', or 'unlimited'"
#define SIZE "a size from 1k to 1g, such as '256k'"

/* Bytes. The kernel doubles the number, and keeps it in an int. */
#define OF_SIZE .min = 1 << 10, .max = 1 << 30
/* To wait more than a day for the end of an idle program, or for a ready one, is an error. */
#define OF_DURATION .min = 1, .max = DAY_MS
#define OF_DURATION_OR_NEVER .min = 1, .max = YEAR_MS, .also = "never"
#define OF_MODE .max = 0777

#define FOR_PROGRAMS .only_with = DISPATCH_RUNS_PROGRAM
#define FOR_PROCESSES .only_with = DISPATCH_STARTS_PROCESSES
#define FOR_BUILTINS .not_with = DISPATCH_RUNS_PROGRAM
#define FOR_COUNTED_CLIENTS .not_with = DISPATCH_SHARES_LISTENER

#define TABLE(name, ...)                                          \
	static const char *const name##_list[] = { __VA_ARGS__ }; \
	static const struct word_table name = WORD_TABLE(name##_list)

/* In the order of the enumerations. */
TABLE(pollers, "auto", "select", "epoll");
TABLE(logs, "auto", "journal", "syslog", "stderr");
TABLE(front_seccomps, "kill", "strict", "log", "off");
TABLE(booleans, "no", "yes", "false", "true", "off", "on");
TABLE(readiness, "start", "notify");
TABLE(stderrs, "socket", "log", "null");
TABLE(at_stops, "end", "leave");
TABLE(overflows, "queue", "refuse");
TABLE(reflections, "strict", "own");
/* In the order of the bits. */
TABLE(successes, "host", "pid", "duration", "exit", "traffic");
TABLE(failures, "host", NULL, NULL, NULL, NULL, "attempt");

/* clang-format off */
const struct option schema_options[OPTION_COUNT] = {
	[OPTION_INCLUDE] = { "include", ROOT, .parse_list = option_nothing, .takes = "paths",
		.everywhere = true },
	[OPTION_ENABLE] = { "enable", ROOT, .parse_list = option_texts, .field = IN_ROOT(enable),
		"names of services", .everywhere = true, .instead = "enabled" },
	[OPTION_STRICT] = { "strict", ROOT, .parse = option_boolean, IN_ROOT(strict), YES_OR_NO,
		.words = &booleans },
	[OPTION_PORT_BASE] = { "port_base", ROOT, .parse = option_number, IN_ROOT(port_base),
		"a whole number from 0 to 65535", .max = 65535 },
	[OPTION_POLLER] = { "poller", ROOT, .parse = option_word, IN_ROOT(poller),
		.words = &pollers },
	[OPTION_LOG] = { "log", ROOT, .parse = option_log, IN_ROOT(log),
		"'auto', 'journal', 'syslog', 'stderr' or the absolute path of a file",
		.words = &logs },
	[OPTION_PID_FILE] = { "pid_file", ROOT, .parse = option_path, IN_ROOT(pid_file),
		"the absolute path of a file" },
	[OPTION_FRONT_USER] = { "front_user", ROOT, .parse = option_text, IN_ROOT(front_user),
		"a user, or a number such as '65533' or '65533:65533'" },
	[OPTION_FRONT_SECCOMP] = { "front_seccomp", ROOT, .parse = option_word,
		IN_ROOT(front_seccomp), .words = &front_seccomps },
	[OPTION_GRACE] = { "grace", ROOT, .parse = option_duration, IN_ROOT(grace_ms),
		"a duration of at most a day, such as '10s', '500ms' or '2m'", .max = DAY_MS },
	[OPTION_WORKERS] = { "workers", ROOT, .parse = option_count, IN_ROOT(workers),
		"a whole number from 0 to 64 or 'auto'", .max = WORKERS_MAX, .also = "auto",
		.instead = "shards" },

	[OPTION_ENABLED] = { "enabled", SERVICE, .parse = option_boolean, IN_DRAFT(enabled),
		YES_OR_NO, LIVE, .words = &booleans },
	[OPTION_LISTEN] = { "listen", SERVICE, .parse_list = option_texts,
		.field = IN_DRAFT(listen), "endpoints", LIVE },
	[OPTION_BUILTIN] = { "builtin", SERVICE, .parse = option_word, IN_DRAFT(builtin),
		.effect = LIVE, .words = &builtin_words },
	[OPTION_EXEC] = { "exec", SERVICE, .parse_list = option_texts, .field = IN_DRAFT(exec),
		"a program and its arguments" },
	[OPTION_ARGV0] = { "argv0", SERVICE, .parse = option_text, IN_DRAFT(argv0),
		"the name that the program finds as its own", FOR_PROGRAMS },
	[OPTION_DISPATCH] = { "dispatch", SERVICE, .parse = option_word, IN_DRAFT(dispatch),
		.words = &dispatch_words, FOR_PROGRAMS },
	/* Running processes go on if only the least number changes. */
	[OPTION_PROCESSES] = { "processes", BOTH, .parse_list = option_processes,
		.field = IN_DRAFT(pool.max),
		"a whole number from 1 to 1000, or {MIN, MAX} with a MIN from 0 to MAX", .min = 1,
		.max = 1000, FOR_PROCESSES },
	[OPTION_CLIENTS_PER_PROCESS] = { "clients_per_process", BOTH, .parse = option_number,
		IN_DRAFT(pool.clients_per_process), "a whole number from 1 to 10000", .min = 1,
		.max = 10000, .only_with = DISPATCH_PASSES_CLIENTS },
	[OPTION_IDLE_EXIT] = { "idle_exit", BOTH, .parse = option_duration,
		IN_DRAFT(pool.idle_exit_ms), DURATION, LIVE, OF_DURATION, FOR_PROCESSES },
	[OPTION_READY] = { "ready", BOTH, .parse = option_boolean, IN_DRAFT(pool.ready_notify),
		.words = &readiness, FOR_PROCESSES },
	[OPTION_READY_TIMEOUT] = { "ready_timeout", BOTH, .parse = option_duration,
		IN_DRAFT(pool.ready_timeout_ms), DURATION, LIVE, OF_DURATION, FOR_PROCESSES },

	[OPTION_AT_STOP] = { "at_stop", BOTH, .parse = option_word, IN_DRAFT(at_stop),
		.effect = LIVE, .words = &at_stops, .only_with = DISPATCH_LENDS_LISTENER },

	[OPTION_USER] = { "user", BOTH, .parse = option_text, IN_DRAFT(user), "the name of a user",
		RESOLVED, FOR_PROGRAMS },
	[OPTION_GROUP] = { "group", BOTH, .parse = option_text, IN_DRAFT(group),
		"the name of a group", RESOLVED, FOR_PROGRAMS },
	[OPTION_GROUPS] = { "groups", BOTH, .parse = option_boolean, IN_DRAFT(groups), YES_OR_NO,
		RESOLVED, .words = &booleans, FOR_PROGRAMS },
	[OPTION_DIRECTORY] = { "directory", BOTH, .parse = option_path, IN_DRAFT(directory),
		"the absolute path of a directory", FOR_PROGRAMS },
	[OPTION_CHROOT] = { "chroot", BOTH, .parse = option_path, IN_DRAFT(chroot),
		"the absolute path of a directory", FOR_PROGRAMS },
	[OPTION_UMASK] = { "umask", BOTH, .parse = option_mode, IN_DRAFT(umask),
		"an octal number from 0 to 777", OF_MODE, FOR_PROGRAMS },
	[OPTION_NICE] = { "nice", BOTH, .parse = option_number, IN_DRAFT(nice),
		"a whole number from -20 to 19", .min = -20, .max = 19, FOR_PROGRAMS },
	[OPTION_ENV] = { "env", BOTH, .parse_list = option_variables, .field = IN_DRAFT(env),
		"variables written as NAME=VALUE", RESOLVED, FOR_PROGRAMS },
	[OPTION_PASSENV] = { "passenv", BOTH, .parse_list = option_variable_names,
		.field = IN_DRAFT(passenv), "names of environment variables", RESOLVED,
		FOR_PROGRAMS },
	[OPTION_STDERR] = { "stderr", BOTH, .parse = option_word, IN_DRAFT(stderr_to),
		.words = &stderrs, FOR_PROGRAMS },
	[OPTION_LAUNCH_TIMEOUT] = { "launch_timeout", BOTH, .parse = option_duration,
		IN_DRAFT(launch_timeout_ms), DURATION, LIVE, OF_DURATION, FOR_PROGRAMS },

	[OPTION_ONLY_FROM] = { "only_from", BOTH, .parse_list = option_texts,
		.field = IN_DRAFT(only_from), CLIENTS, LIVE, FOR_COUNTED_CLIENTS,
		.instead = "dispatch = pass" },
	[OPTION_NO_ACCESS] = { "no_access", BOTH, .parse_list = option_texts,
		.field = IN_DRAFT(no_access), CLIENTS, LIVE, FOR_COUNTED_CLIENTS,
		.instead = "dispatch = pass" },
	[OPTION_ACCESS_TIMES] = { "access_times", BOTH, .parse_list = option_times,
		.field = IN_DRAFT(access_times),
		"times such as '08:00-18:00' or 'mo-fr 08:00-18:00'", LIVE, FOR_COUNTED_CLIENTS,
		.instead = "dispatch = pass" },
	[OPTION_INSTANCES] = { "instances", BOTH, .parse = option_count, IN_DRAFT(instances),
		"a whole number of at least 1 or 'unlimited'", LIVE, .min = 1, .max = INT_MAX,
		.also = "unlimited", FOR_COUNTED_CLIENTS, .instead = "processes" },
	[OPTION_CPS] = { "cps", BOTH, .parse = option_rate, IN_DRAFT(cps), RATE, LIVE,
		.min = 1, .max = INT_MAX, .also = "unlimited", FOR_COUNTED_CLIENTS,
		.instead = "dispatch = pass" },
	[OPTION_OVERFLOW] = { "overflow", BOTH, .parse = option_word, IN_DRAFT(overflow),
		.effect = LIVE, .words = &overflows, FOR_COUNTED_CLIENTS },
	[OPTION_REFLECTION_GUARD] = { "reflection_guard", BOTH, .parse = option_word,
		IN_DRAFT(reflection), .effect = LIVE, .words = &reflections,
		.only_with = DISPATCH_PER_CLIENT, .endpoints = ENDPOINT_UDP },
	[OPTION_IDLE_TIMEOUT] = { "idle_timeout", BOTH, .parse = option_duration,
		IN_DRAFT(idle_timeout_ms), DURATION_OR_NEVER, LIVE, OF_DURATION_OR_NEVER,
		FOR_BUILTINS, .endpoints = ENDPOINT_CONNECTIONS },
	[OPTION_MAX_LIFETIME] = { "max_lifetime", BOTH, .parse = option_duration,
		IN_DRAFT(max_lifetime_ms), DURATION_OR_NEVER, LIVE, OF_DURATION_OR_NEVER,
		FOR_BUILTINS, .endpoints = ENDPOINT_CONNECTIONS },
	[OPTION_SHARDS] = { "shards", BOTH, .parse = option_count, IN_DRAFT(shards),
		"a whole number from 1 to 64 or 'auto'", LIVE, .min = 1, .max = WORKERS_MAX,
		.also = "auto", FOR_BUILTINS, .endpoints = ENDPOINT_UDP },

	[OPTION_BACKLOG] = { "backlog", BOTH, .parse = option_number, IN_DRAFT(socket.backlog),
		"a whole number of at least 1", LIVE, .min = 1, .max = INT_MAX,
		.endpoints = ENDPOINT_CONNECTIONS },
	[OPTION_KEEPALIVE] = { "keepalive", BOTH, .parse = option_boolean,
		IN_DRAFT(socket.keepalive), YES_OR_NO, LIVE, .words = &booleans,
		.endpoints = ENDPOINT_TCP },
	[OPTION_NODELAY] = { "nodelay", BOTH, .parse = option_boolean, IN_DRAFT(socket.nodelay),
		YES_OR_NO, LIVE, .words = &booleans, .endpoints = ENDPOINT_TCP },
	[OPTION_RCVBUF] = { "rcvbuf", BOTH, .parse = option_size, IN_DRAFT(socket.rcvbuf), SIZE,
		LIVE, OF_SIZE },
	[OPTION_SNDBUF] = { "sndbuf", BOTH, .parse = option_size, IN_DRAFT(socket.sndbuf), SIZE,
		LIVE, OF_SIZE },
	[OPTION_V6ONLY] = { "v6only", BOTH, .parse = option_boolean, IN_DRAFT(v6only), YES_OR_NO,
		LIVE, .words = &booleans, .endpoints = ENDPOINT_IPV6 },
	[OPTION_FREEBIND] = { "freebind", BOTH, .parse = option_boolean, IN_DRAFT(freebind),
		YES_OR_NO, LIVE, .words = &booleans, .endpoints = ENDPOINT_IP },
	[OPTION_INTERFACE] = { "interface", BOTH, .parse = option_interface, IN_DRAFT(interface),
		"the name of a network interface", LIVE, .endpoints = ENDPOINT_IP },
	[OPTION_SOCKET_MODE] = { "socket_mode", BOTH, .parse = option_mode, IN_DRAFT(socket.mode),
		"an octal number from 0 to 777", LIVE, OF_MODE, .endpoints = ENDPOINT_SOCKET_FILE },
	[OPTION_SOCKET_USER] = { "socket_user", BOTH, .parse = option_text, IN_DRAFT(socket_user),
		"the name of a user", LIVE, .endpoints = ENDPOINT_SOCKET_FILE },
	[OPTION_SOCKET_GROUP] = { "socket_group", BOTH, .parse = option_text,
		IN_DRAFT(socket_group), "the name of a group", LIVE,
		.endpoints = ENDPOINT_SOCKET_FILE },

	[OPTION_LOG_ON_SUCCESS] = { "log_on_success", BOTH, .parse_list = option_records,
		.field = IN_DRAFT(log_on_success),
		"any of 'host', 'pid', 'duration', 'exit', 'traffic', or 'none' alone", LIVE,
		.words = &successes },
	[OPTION_LOG_ON_FAILURE] = { "log_on_failure", BOTH, .parse_list = option_records,
		.field = IN_DRAFT(log_on_failure), "any of 'host', 'attempt', or 'none' alone",
		LIVE, .words = &failures },
	[OPTION_DEBUG] = { "debug", BOTH, .parse = option_boolean, IN_DRAFT(debug), YES_OR_NO, LIVE,
		.words = &booleans },
	[OPTION_AMPLIFY] = { "amplify", BOTH, .parse = option_boolean, IN_DRAFT(amplify), YES_OR_NO,
		LIVE, .words = &booleans, .only_builtin = BUILTIN_MAY_AMPLIFY },

	[OPTION_ADDRESSES] = { "addresses", SET, .parse_list = option_texts,
		.field = IN_SET(addresses), CLIENTS, LIVE },
	[OPTION_FILES] = { "files", SET, .parse_list = option_texts, .field = IN_SET(files),
		"paths of files", LIVE },
};
/* clang-format on */

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
