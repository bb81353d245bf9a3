#include "config/access-times.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define DAYS 7

static const char names[DAYS][3] = { "mo", "tu", "we", "th", "fr", "sa", "su" };

/* Reads the two letters of a day at @text, or returns -1. */
static int read_day(const char *text)
{
	for (int day = 0; day < DAYS; day++)
		if (strncasecmp(text, names[day], 2) == 0)
			return day;
	return -1;
}

/* Reads "mo " or "mo-fr ", if there is one, and returns what follows, or NULL. */
static const char *read_days(const char *text, int *out_first, int *out_n)
{
	int last;

	*out_first = 0;
	*out_n = DAYS;
	if (strchr(text, ' ') == NULL)
		return text;
	*out_first = last = read_day(text);
	if (*out_first < 0)
		return NULL;
	text += 2;
	if (*text == '-') {
		last = read_day(text + 1);
		text += 3;
	}
	if (last < 0 || *text != ' ')
		return NULL;
	*out_n = (last - *out_first + DAYS) % DAYS + 1;
	return text + 1;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads "8:00" or "08:00", as the minute of the day, and returns what follows, or NULL. */
static const char *read_minute(const char *text, int *out)
{
	int hour = 0, digits = 0;

	for (; is_digit(*text) && digits < 2; digits++)
		hour = 10 * hour + *text++ - '0';
	if (digits == 0 || *text != ':' || !is_digit(text[1]) || !is_digit(text[2]))
		return NULL;
	*out = 60 * hour + 10 * (text[1] - '0') + text[2] - '0';
	return hour <= 24 && text[1] < '6' && *out <= MINUTES_OF_DAY ? text + 3 : NULL;
}

static void set(struct access_times *times, int minute)
{
	minute %= MINUTES_OF_WEEK;
	times->minutes[minute / 8] |= (uint8_t)(1 << minute % 8);
}

bool access_times_add(struct access_times *times, const char *text)
{
	int day, n_days, from, to;

	text = read_days(text, &day, &n_days);
	if (text)
		text = read_minute(text, &from);
	if (!text || *text != '-')
		return false;
	text = read_minute(text + 1, &to);
	if (!text || *text || from == to || from == MINUTES_OF_DAY)
		return false;
	if (to < from)
		to += MINUTES_OF_DAY;
	for (int i = 0; i < n_days; i++)
		for (int minute = from; minute < to; minute++)
			set(times, (day + i) * MINUTES_OF_DAY + minute);
	return true;
}

bool access_times_contain(const struct access_times *times, const struct tm *local)
{
	/* For the C library a week begins on Sunday. */
	int day = (local->tm_wday + DAYS - 1) % DAYS;
	int minute = day * MINUTES_OF_DAY + local->tm_hour * 60 + local->tm_min;

	return times->minutes[minute / 8] & 1 << minute % 8;
}
