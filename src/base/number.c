#include "base/number.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct unit {
	const char *suffix;
	int64_t factor;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads the digits that @text begins with and moves it behind them. */
static int read_digits(const char **text, uint64_t *out)
{
	const char *at = *text;
	uint64_t value = 0;
	bool overflow = false;

	if (!is_digit(*at) || (*at == '0' && is_digit(at[1])))
		return -EINVAL;

	for (; is_digit(*at); at++)
		overflow |= __builtin_mul_overflow(value, 10U, &value) ||
			    __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value);

	*text = at;
	*out = overflow ? UINT64_MAX : value;
	return 0;
}

int number_parse(const char *text, int64_t min, int64_t max, int64_t *out)
{
	bool negative = min < 0 && *text == '-';
	uint64_t digits;
	int64_t value;
	int r;

	if (negative)
		text++;

	r = read_digits(&text, &digits);
	if (r < 0)
		return r;
	if (*text || (negative && digits == 0))
		return -EINVAL;

	if (digits > INT64_MAX)
		return -ERANGE;
	value = negative ? -(int64_t)digits : (int64_t)digits;
	if (value < min || value > max)
		return -ERANGE;

	*out = value;
	return 0;
}

int number_parse_mode(const char *text, mode_t *out)
{
	mode_t value = 0;
	bool overflow = false;

	if (!*text)
		return -EINVAL;

	for (; *text; text++) {
		if (*text < '0' || *text > '7')
			return -EINVAL;
		value = value * 8 + (mode_t)(*text - '0');
		if (value > 07777) {
			overflow = true;
			value = 0;
		}
	}

	if (overflow)
		return -ERANGE;
	*out = value;
	return 0;
}

/* Digits and one of @units, which end with a suffix of NULL. */
static int parse_with_unit(const char *text, const struct unit *units, int64_t max, int64_t *out)
{
	uint64_t digits;
	int64_t value;
	int r;

	r = read_digits(&text, &digits);
	if (r < 0)
		return r;

	while (units->suffix && strcmp(units->suffix, text) != 0)
		units++;
	if (!units->suffix)
		return -EINVAL;

	if (__builtin_mul_overflow(digits, units->factor, &value) || value > max)
		return -ERANGE;

	*out = value;
	return 0;
}

int number_parse_duration(const char *text, int64_t max_ms, int64_t *out_ms)
{
	static const struct unit units[] = {
		{ "", 1000 },     { "ms", 1 },       { "s", 1000 }, { "m", 60000 },
		{ "h", 3600000 }, { "d", 86400000 }, { NULL, 0 },
	};

	return parse_with_unit(text, units, max_ms, out_ms);
}

int number_parse_size(const char *text, int64_t max, int64_t *out)
{
	static const struct unit units[] = {
		{ "", 1 }, { "k", 1 << 10 }, { "m", 1 << 20 }, { "g", 1 << 30 }, { NULL, 0 },
	};

	return parse_with_unit(text, units, max, out);
}
