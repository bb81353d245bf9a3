#pragma once

/* Time that never jumps: CLOCK_MONOTONIC in milliseconds and microseconds. */

#include <stdint.h>

int64_t clock_ms(void);
int64_t clock_us(void);
