#include "config/option.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

/* Nobody waits longer for a session or an idle program to end, or for one to be ready. */
#define DAY_MS INT64_C(86400000)
#define YEAR_MS (365 * DAY_MS)

#define PROCESSES_MAX 1000
#define CLIENTS_MAX 10000

/* Bytes; the kernel doubles what it is asked for, in an int. */
#define BUFFER_MIN 1024
#define BUFFER_MAX (1 << 30)

const struct value *parse_nothing(const struct values *values, void *field)
{
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

static const struct value *workers(const struct values *values, int min, unsigned *out)
{
	int count;

	if (strcmp(values->list->text, "auto") == 0) {
		*out = WORKERS_AUTO;
		return NULL;
	}
	if (number(values, min, WORKERS_MAX, &count))
		return values->list;
	*out = count;
	return NULL;
}

const struct value *parse_workers(const struct values *values, void *field)
{
	return workers(values, 0, field);
}

const struct value *parse_shards(const struct values *values, void *field)
{
	return workers(values, 1, field);
}

/* What is wrong with a list may be none of its values: shows it as a whole. */
static const struct value *whole(const struct values *values)
{
	static char text[128];
	static struct value value;
	size_t length = snprintf(text, sizeof(text), "{");

	for (size_t i = 0; i < values->n && length < sizeof(text); i++)
		length += snprintf(text + length, sizeof(text) - length, "%s%s", i ? ", " : "",
				   values->list[i].text);
	if (length < sizeof(text))
		(void)snprintf(text + length, sizeof(text) - length, "}");

	value = (struct value){ .text = text, .line = values->n ? values->list->line : 0 };
	return &value;
}

const struct value *parse_processes(const struct values *values, void *field)
{
	struct pool_settings *pool = field;
	struct values max_alone = { values->list + 1, 1 };
	int min, max;

	if (values->n == 1) {
		if (number(values, 1, PROCESSES_MAX, &max))
			return values->list;
		min = max;
	} else if (values->n != 2 || number(&max_alone, 1, PROCESSES_MAX, &max) ||
		   number(values, 0, max, &min)) {
		return whole(values);
	}
	pool->min = min;
	pool->max = max;
	return NULL;
}

const struct value *parse_clients(const struct values *values, void *field)
{
	int count;

	if (number(values, 1, CLIENTS_MAX, &count))
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

static const struct value *duration(const struct values *values, int64_t min, int64_t max,
				    int64_t *out)
{
	int64_t ms;

	if (number_parse_duration(values->list->text, max, &ms) < 0 || ms < min)
		return values->list;
	*out = ms;
	return NULL;
}

const struct value *parse_grace(const struct values *values, void *field)
{
	return duration(values, 0, DAY_MS, field);
}

const struct value *parse_duration(const struct values *values, void *field)
{
	return duration(values, 1, DAY_MS, field);
}

const struct value *parse_duration_or_never(const struct values *values, void *field)
{
	if (strcmp(values->list->text, "never") != 0)
		return duration(values, 1, YEAR_MS, field);
	*(int64_t *)field = 0;
	return NULL;
}

const struct value *parse_buffer_size(const struct values *values, void *field)
{
	int64_t size;

	if (number_parse_size(values->list->text, BUFFER_MAX, &size) < 0 || size < BUFFER_MIN)
		return values->list;
	*(int *)field = size;
	return NULL;
}
