#pragma once

/* Time that never jumps: CLOCK_MONOTONIC in milliseconds and microseconds. */

#include <stdint.h>

int64_t clock_ms(void);
int64_t clock_us(void);

/*
 * The time since @then_us, for a time that another process has written. A time that cannot have
 * been yet counts as now, so the result is never negative.
 */
int64_t clock_since_us(int64_t then_us);
