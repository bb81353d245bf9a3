#include "config/option.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/number.h"
#include "config/access-times.h"
#include "config/settings.h"
#include "config/word-table.h"

/* A day. */
#define RATE_PERIOD_MAX_MS INT64_C(86400000)

const struct value *option_nothing(const struct option *option, const struct values *values,
				   void *field)
{
	return NULL;
}

bool option_text(const struct option *option, const char *text, void *field)
{
	if (!text[0])
		return false;
	*(const char **)field = text;
	return true;
}

bool option_path(const struct option *option, const char *text, void *field)
{
	if (text[0] != '/' || strlen(text) >= PATH_MAX)
		return false;
	return option_text(option, text, field);
}

bool option_log(const struct option *option, const char *text, void *field)
{
	if (text[0] == '/')
		return option_path(option, text, field);
	if (word_table_find(option->words, text) < 0)
		return false;
	return option_text(option, text, field);
}

bool option_interface(const struct option *option, const char *text, void *field)
{
	struct in_addr address;

	for (const char *at = text; *at; at++)
		if (!isgraph((unsigned char)*at) || strchr("/:", *at))
			return false;
	/* The `interface` of xinetd is an address, which belongs to `listen` here. */
	if (inet_pton(AF_INET, text, &address) == 1)
		return false;
	if (strlen(text) >= IFNAMSIZ || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return false;
	return option_text(option, text, field);
}

const struct value *option_texts(const struct option *option, const struct values *values,
				 void *field)
{
	*(struct values *)field = *values;
	return NULL;
}

/* @end is the character that must follow the name of each variable. */
static const struct value *variables(const struct values *values, char end, void *field)
{
	for (size_t i = 0; i < values->n; i++) {
		const char *at = values->list[i].text;

		if (!isdigit((unsigned char)*at))
			while (isalnum((unsigned char)*at) || *at == '_')
				at++;
		if (at == values->list[i].text || *at != end)
			return &values->list[i];
	}
	return option_texts(NULL, values, field);
}

const struct value *option_variables(const struct option *option, const struct values *values,
				     void *field)
{
	return variables(values, '=', field);
}

const struct value *option_variable_names(const struct option *option, const struct values *values,
					  void *field)
{
	return variables(values, '\0', field);
}

const struct value *option_times(const struct option *option, const struct values *values,
				 void *field)
{
	struct access_times times = { 0 };

	for (size_t i = 0; i < values->n; i++)
		if (!access_times_add(&times, values->list[i].text))
			return &values->list[i];
	return option_texts(option, values, field);
}

bool option_number(const struct option *option, const char *text, void *field)
{
	int64_t value;

	if (number_parse(text, option->min, option->max, &value) < 0)
		return false;
	*(int *)field = (int)value;
	return true;
}

static bool is_also(const struct option *option, const char *text)
{
	return option->also && strcmp(text, option->also) == 0;
}

bool option_count(const struct option *option, const char *text, void *field)
{
	if (!is_also(option, text))
		return option_number(option, text, field);
	*(unsigned *)field = OPTION_UNLIMITED;
	return true;
}

bool option_duration(const struct option *option, const char *text, void *field)
{
	int64_t ms = OPTION_NEVER;

	if (!is_also(option, text) &&
	    (number_parse_duration(text, option->max, &ms) < 0 || ms < option->min))
		return false;
	*(int64_t *)field = ms;
	return true;
}

bool option_size(const struct option *option, const char *text, void *field)
{
	int64_t size;

	if (number_parse_size(text, option->max, &size) < 0 || size < option->min)
		return false;
	*(int *)field = (int)size;
	return true;
}

/* "50", "50/s" or "600/10m": @text is changed. */
static bool parse_rate(const struct option *option, char *text, int64_t *out_n, int64_t *out_ns)
{
	char *period = strchr(text, '/');
	char one[8];
	int64_t ms;

	if (period)
		*period++ = '\0';
	if (number_parse(text, option->min, option->max, out_n) < 0)
		return false;
	if (!period)
		period = "1s";
	/* "/s" is "/1s". */
	if (isalpha((unsigned char)*period)) {
		if (strlen(period) > 2)
			return false;
		snprintf(one, sizeof(one), "1%s", period);
		period = one;
	}
	if (number_parse_duration(period, RATE_PERIOD_MAX_MS, &ms) < 0 || ms == 0)
		return false;
	*out_ns = ms * 1000000 / *out_n;
	return *out_ns > 0;
}

bool option_rate(const struct option *option, const char *text, void *field)
{
	static const char burst[] = " burst ";
	struct rate rate = { 0 };
	char copy[64];
	char *more;

	if (strcmp(text, option->also) == 0) {
		*(struct rate *)field = rate;
		return true;
	}
	if (strlen(text) >= sizeof(copy))
		return false;
	strcpy(copy, text);
	more = strstr(copy, burst);
	if (more)
		*more = '\0';
	if (!parse_rate(option, copy, &rate.burst, &rate.interval_ns))
		return false;
	if (more && number_parse(more + strlen(burst), 1, option->max, &rate.burst) < 0)
		return false;
	if (rate.burst > RATE_PERIOD_MAX_NS / rate.interval_ns)
		return false;
	*(struct rate *)field = rate;
	return true;
}

bool option_mode(const struct option *option, const char *text, void *field)
{
	mode_t mode;

	if (number_parse_mode(text, &mode) < 0 || mode > option->max)
		return false;
	*(mode_t *)field = mode;
	return true;
}

bool option_word(const struct option *option, const char *text, void *field)
{
	int number = word_table_find(option->words, text);

	if (number < 0)
		return false;
	*(int *)field = number;
	return true;
}

bool option_boolean(const struct option *option, const char *text, void *field)
{
	int number = word_table_find(option->words, text);

	if (number < 0)
		return false;
	*(bool *)field = number % 2;
	return true;
}

/* Upper and lower case are equal, as in xinetd. */
const struct value *option_records(const struct option *option, const struct values *values,
				   void *field)
{
	unsigned chosen = 0;

	for (size_t i = 0; i < values->n; i++) {
		int number = word_table_find_any_case(option->words, values->list[i].text);
		bool none = values->n == 1 && strcasecmp(values->list[i].text, "none") == 0;

		if (number < 0 && !none)
			return &values->list[i];
		chosen |= none ? 0 : 1u << number;
	}
	*(unsigned *)field = chosen;
	return NULL;
}

/* For an error that is not in one value: the whole list, for the message. */
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

const struct value *option_processes(const struct option *option, const struct values *values,
				     void *field)
{
	struct pool_settings *pool = container_of(field, struct pool_settings, max);
	int64_t min, max;

	if (values->n == 0 || values->n > 2 ||
	    number_parse(values->list[values->n - 1].text, option->min, option->max, &max) < 0)
		return values->n == 1 ? values->list : whole(values);
	if (values->n == 1)
		min = max;
	else if (number_parse(values->list[0].text, 0, max, &min) < 0)
		return whole(values);
	pool->min = (unsigned)min;
	pool->max = (unsigned)max;
	return NULL;
}

const char *option_takes(const struct option *option)
{
	return option->takes ?: word_table_list(option->words, UINT_MAX, "", " or ");
}
