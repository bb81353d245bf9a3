/* The options that take words: one of a few, or any of a few. */

#include <string.h>
#include <strings.h>

#include "config/option.h"

#define ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

struct choice {
	const char *name;
	int value;
};

static const struct value *choose(const struct choice *choices, size_t n,
				  const struct values *values, void *field)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(choices[i].name, values->list->text) == 0) {
			*(int *)field = choices[i].value;
			return NULL;
		}
	return values->list;
}

const struct value *parse_boolean(const struct values *values, void *field)
{
	static const struct choice choices[] = {
		{ "yes", true }, { "true", true },   { "on", true },
		{ "no", false }, { "false", false }, { "off", false },
	};
	int chosen = 0;

	if (choose(choices, ELEMENTS(choices), values, &chosen))
		return values->list;
	*(bool *)field = chosen;
	return NULL;
}

const struct value *parse_poller(const struct values *values, void *field)
{
	static const struct choice choices[] = {
		{ "auto", POLLER_AUTO },
		{ "select", POLLER_SELECT },
		{ "epoll", POLLER_EPOLL },
	};

	return choose(choices, ELEMENTS(choices), values, field);
}

const struct value *parse_log(const struct values *values, void *field)
{
	static const struct choice choices[] = {
		{ "auto", 0 },
		{ "journal", 0 },
		{ "syslog", 0 },
		{ "stderr", 0 },
	};
	int chosen;

	if (values->list->text[0] == '/')
		return parse_path(values, field);
	if (choose(choices, ELEMENTS(choices), values, &chosen))
		return values->list;
	return parse_text(values, field);
}

const struct value *parse_builtin(const struct values *values, void *field)
{
	static const struct choice choices[] = {
		{ "echo", BUILTIN_ECHO },       { "discard", BUILTIN_DISCARD },
		{ "chargen", BUILTIN_CHARGEN }, { "daytime", BUILTIN_DAYTIME },
		{ "time", BUILTIN_TIME },
	};

	return choose(choices, ELEMENTS(choices), values, field);
}

const struct value *parse_dispatch(const struct values *values, void *field)
{
	static const struct choice choices[] = {
		{ "spawn", DISPATCH_SPAWN },
		{ "wait", DISPATCH_WAIT },
		{ "pool", DISPATCH_POOL },
		{ "pass", DISPATCH_PASS },
	};

	return choose(choices, ELEMENTS(choices), values, field);
}

const struct value *parse_ready(const struct values *values, void *field)
{
	static const struct choice choices[] = {
		{ "start", false },
		{ "notify", true },
	};
	int chosen = 0;

	if (choose(choices, ELEMENTS(choices), values, &chosen))
		return values->list;
	*(bool *)field = chosen;
	return NULL;
}

const struct value *parse_stderr(const struct values *values, void *field)
{
	static const struct choice choices[] = {
		{ "socket", STDERR_SOCKET },
		{ "log", STDERR_LOG },
		{ "null", STDERR_NULL },
	};

	return choose(choices, ELEMENTS(choices), values, field);
}

const struct value *parse_overflow(const struct values *values, void *field)
{
	static const struct choice choices[] = {
		{ "queue", OVERFLOW_QUEUE },
		{ "refuse", OVERFLOW_REFUSE },
	};

	return choose(choices, ELEMENTS(choices), values, field);
}

/* Any of @choices, or "none" alone; case does not matter, as in xinetd. */
static const struct value *collect(const struct choice *choices, size_t n,
				   const struct values *values, unsigned *out)
{
	unsigned chosen = 0;

	if (values->n == 1 && strcasecmp(values->list->text, "none") == 0) {
		*out = 0;
		return NULL;
	}

	for (size_t i = 0; i < values->n; i++) {
		size_t k = 0;

		while (k < n && strcasecmp(choices[k].name, values->list[i].text) != 0)
			k++;
		if (k == n)
			return &values->list[i];
		chosen |= choices[k].value;
	}
	*out = chosen;
	return NULL;
}

const struct value *parse_records_of_success(const struct values *values, void *field)
{
	static const struct choice choices[] = {
		{ "host", RECORD_HOST },         { "pid", RECORD_PID },
		{ "duration", RECORD_DURATION }, { "exit", RECORD_EXIT },
		{ "traffic", RECORD_TRAFFIC },
	};

	return collect(choices, ELEMENTS(choices), values, field);
}

const struct value *parse_records_of_failure(const struct values *values, void *field)
{
	static const struct choice choices[] = {
		{ "host", RECORD_HOST },
		{ "attempt", RECORD_ATTEMPT },
	};

	return collect(choices, ELEMENTS(choices), values, field);
}
