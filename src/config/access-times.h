#pragma once

/* The times of the week at which clients may come. */

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define MINUTES_OF_DAY (24 * 60)
#define MINUTES_OF_WEEK (7 * MINUTES_OF_DAY)

/* A bit for each minute of a week, which begins on Monday. */
struct access_times {
	uint8_t minutes[MINUTES_OF_WEEK / 8];
};

/*
 * Adds what @text says: "08:00-18:00", "mo-fr 08:00-18:00" or "sa 22:00-06:00". The end does not
 * belong to it, and may lie on the next day. Returns whether it was understood.
 */
bool access_times_add(struct access_times *times, const char *text);

/* Whether the minute of @local is one of them. */
bool access_times_contain(const struct access_times *times, const struct tm *local);
