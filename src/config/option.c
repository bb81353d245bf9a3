#include "config/option.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"

#define ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* A day: nobody waits longer for a session to end. */
#define GRACE_MS_MAX INT64_C(86400000)

struct choice {
	const char *name;
	int value;
};

const struct value *parse_nothing(const struct values *values, void *field)
{
	return NULL;
}

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

const struct value *parse_text(const struct values *values, void *field)
{
	if (!values->list->text[0])
		return values->list;
	*(const char **)field = values->list->text;
	return NULL;
}

const struct value *parse_path(const struct values *values, void *field)
{
	if (values->list->text[0] != '/' || strlen(values->list->text) >= PATH_MAX)
		return values->list;
	return parse_text(values, field);
}

const struct value *parse_texts(const struct values *values, void *field)
{
	*(struct values *)field = *values;
	return NULL;
}

/* Returns the first character that belongs to no name of an environment variable. */
static const char *skip_variable_name(const char *text)
{
	if (!isdigit((unsigned char)*text))
		while (isalnum((unsigned char)*text) || *text == '_')
			text++;
	return text;
}

const struct value *parse_variables(const struct values *values, void *field)
{
	for (size_t i = 0; i < values->n; i++) {
		const char *end = skip_variable_name(values->list[i].text);

		if (end == values->list[i].text || *end != '=')
			return &values->list[i];
	}
	return parse_texts(values, field);
}

const struct value *parse_variable_names(const struct values *values, void *field)
{
	for (size_t i = 0; i < values->n; i++) {
		const char *end = skip_variable_name(values->list[i].text);

		if (end == values->list[i].text || *end)
			return &values->list[i];
	}
	return parse_texts(values, field);
}

const struct value *parse_interface(const struct values *values, void *field)
{
	const char *text = values->list->text;

	for (const char *at = text; *at; at++)
		if (!isgraph((unsigned char)*at) || *at == '/')
			return values->list;
	if (strlen(text) >= IFNAMSIZ || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return values->list;
	return parse_text(values, field);
}

static const struct value *number(const struct values *values, int64_t min, int64_t max, int *out)
{
	int64_t value;

	if (number_parse(values->list->text, min, max, &value) < 0)
		return values->list;
	*out = value;
	return NULL;
}

const struct value *parse_port_base(const struct values *values, void *field)
{
	return number(values, 0, 65535, field);
}

const struct value *parse_instances(const struct values *values, void *field)
{
	int count;

	if (strcmp(values->list->text, "unlimited") == 0) {
		*(unsigned *)field = UINT_MAX;
		return NULL;
	}
	if (number(values, 1, INT_MAX, &count))
		return values->list;
	*(unsigned *)field = count;
	return NULL;
}

const struct value *parse_backlog(const struct values *values, void *field)
{
	return number(values, 1, INT_MAX, field);
}

const struct value *parse_nice(const struct values *values, void *field)
{
	return number(values, -20, 19, field);
}

static const struct value *mode(const struct values *values, mode_t max, mode_t *out)
{
	mode_t value;

	if (number_parse_mode(values->list->text, &value) < 0 || value > max)
		return values->list;
	*out = value;
	return NULL;
}

const struct value *parse_umask(const struct values *values, void *field)
{
	return mode(values, 0777, field);
}

const struct value *parse_socket_mode(const struct values *values, void *field)
{
	return mode(values, 0777, field);
}

const struct value *parse_grace(const struct values *values, void *field)
{
	int64_t ms;

	if (number_parse_duration(values->list->text, GRACE_MS_MAX, &ms) < 0)
		return values->list;
	*(int64_t *)field = ms;
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
	};

	return choose(choices, ELEMENTS(choices), values, field);
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
