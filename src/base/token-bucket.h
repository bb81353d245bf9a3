#pragma once

/*
 * A limit of events in a time, with one number as its state: when the bucket is full again, on the
 * clock of clock_us(), in nanoseconds. Zero: it is full. Several processes and threads may share a
 * bucket. This is the generic cell rate algorithm of ATM, which needs no timer.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* One token each @interval_ns, and @burst of them at once when nobody took any for a while. */
struct rate {
	int64_t interval_ns; /* 0: no limit */
	int64_t burst;       /* at least 1 */
};

/* The longest interval and the longest time to fill a bucket, so that no sum overflows. */
#define RATE_PERIOD_MAX_NS (INT64_C(1) << 57)

typedef _Atomic int64_t token_bucket;

/*
 * How long until there is a token: 0 if there is one. Whatever stands in the bucket, it is never
 * longer than the time in which it fills.
 */
int64_t token_bucket_wait_ns(token_bucket *bucket, const struct rate *rate, int64_t now_us);

/* Takes a token if there is one. */
bool token_bucket_take(token_bucket *bucket, const struct rate *rate, int64_t now_us);
