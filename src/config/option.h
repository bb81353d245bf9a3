#pragma once

/* An option, which is a row of the schema, and one function for each kind of value. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct word_table;

enum option_number {
	OPTION_INCLUDE,
	OPTION_ENABLE,
	OPTION_STRICT,
	OPTION_PORT_BASE,
	OPTION_POLLER,
	OPTION_LOG,
	OPTION_PID_FILE,
	OPTION_FRONT_USER,
	OPTION_FRONT_SECCOMP,
	OPTION_GRACE,
	OPTION_WORKERS,
	OPTION_ENABLED,
	OPTION_LISTEN,
	OPTION_BUILTIN,
	OPTION_EXEC,
	OPTION_ARGV0,
	OPTION_DISPATCH,
	OPTION_PROCESSES,
	OPTION_CLIENTS_PER_PROCESS,
	OPTION_IDLE_EXIT,
	OPTION_READY,
	OPTION_READY_TIMEOUT,
	OPTION_AT_STOP,
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
	OPTION_LAUNCH_TIMEOUT,
	OPTION_ONLY_FROM,
	OPTION_NO_ACCESS,
	OPTION_ACCESS_TIMES,
	OPTION_INSTANCES,
	OPTION_CPS,
	OPTION_OVERFLOW,
	OPTION_REFLECTION_GUARD,
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
	OPTION_DEBUG,
	OPTION_AMPLIFY,
	OPTION_ADDRESSES,
	OPTION_FILES,
	OPTION_COUNT,
};

/* The sections in which an option may stand. */
enum section_kind {
	SECTION_ROOT = 1 << 0,
	SECTION_DEFAULTS = 1 << 1,
	SECTION_SERVICE = 1 << 2,
	SECTION_SET = 1 << 3,
};

/* Decoded: without quotes and escapes. */
struct value {
	const char *text;
	int line;
};

struct values {
	const struct value *list;
	size_t n;
};

/* The field of struct root or struct draft that keeps a value. */
struct field {
	size_t offset;
	size_t size;
	enum {
		FIELD_PLAIN, /* bytes */
		FIELD_TEXT,  /* const char *, or NULL */
		FIELD_LIST,  /* struct values */
	} kind;
};

/* Whether an option is part of the digest of a service. */
enum effect {
	EFFECT_ON_PROGRAM, /* after a change running programs are replaced */
	EFFECT_RESOLVED,   /* the same, also if the value now resolves to something else */
	EFFECT_LIVE,       /* running programs go on */
};

struct option;

/* Stores the value of @text in @field, or returns false. */
typedef bool option_parse_fn(const struct option *option, const char *text, void *field);

/*
 * Stores @values in @field and returns NULL, or returns the first value that is not accepted. Its
 * line is 0 if the error is not in one value.
 */
typedef const struct value *option_parse_list_fn(const struct option *option,
						 const struct values *values, void *field);

struct option {
	const char *name;
	unsigned where;                   /* enum section_kind */
	option_parse_list_fn *parse_list; /* of a list, or */
	option_parse_fn *parse;           /* of one value */
	struct field field;
	const char *takes; /* for messages; NULL: one of @words */
	enum effect effect;
	bool everywhere; /* may stand in every file, and more than once */

	const struct word_table *words;
	int64_t min, max;
	const char *also; /* a word that is accepted besides numbers */

	/* With what the option has an effect; 0: with everything. */
	unsigned only_with;    /* traits of dispatch, one of which it needs */
	unsigned not_with;     /* traits of dispatch with which it has no effect */
	unsigned only_builtin; /* traits of built-ins, one of which it needs */
	unsigned endpoints;    /* the trait of endpoints that it needs: see schema.h */
	const char *instead;   /* the option to use with those of @not_with */
};

/* How the word @also is stored, as a count and as a duration. */
#define OPTION_UNLIMITED UINT32_MAX
#define OPTION_NEVER 0

option_parse_fn option_text;
option_parse_fn option_path;
option_parse_fn option_interface;
option_parse_fn option_log;
option_parse_fn option_number;   /* an int */
option_parse_fn option_count;    /* an unsigned, or OPTION_UNLIMITED */
option_parse_fn option_duration; /* an int64_t, or OPTION_NEVER */
option_parse_fn option_size;     /* an int */
option_parse_fn option_rate;     /* a struct rate */
option_parse_fn option_mode;
option_parse_fn option_word;    /* an int: the number of the word */
option_parse_fn option_boolean; /* a bool: every second word means yes */

option_parse_list_fn option_nothing; /* of `include`, which is read before everything else */
option_parse_list_fn option_texts;
option_parse_list_fn option_variables;
option_parse_list_fn option_variable_names;
option_parse_list_fn option_times;
option_parse_list_fn option_records;   /* an unsigned: a bit for each word, or none */
option_parse_list_fn option_processes; /* the max of a struct pool_settings, and its min */

/* "'queue' or 'refuse'": what @option takes, for a message. Valid until the next call. */
const char *option_takes(const struct option *option);
