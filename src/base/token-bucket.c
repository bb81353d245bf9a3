#include "base/token-bucket.h"

/*
 * When the bucket is full again. No bucket is full later than an empty one would be. Where another
 * time is written, by a front that lies or with another rate, that one takes its place, or else the
 * bucket would never fill.
 */
static int64_t full_at(token_bucket *bucket, const struct rate *rate, int64_t now_ns)
{
	int64_t latest = now_ns + rate->burst * rate->interval_ns;
	int64_t written = atomic_load_explicit(bucket, memory_order_relaxed);

	while (written > latest &&
	       !atomic_compare_exchange_weak_explicit(bucket, &written, latest,
						      memory_order_relaxed, memory_order_relaxed))
		;
	return written < latest ? written : latest;
}

/* There is a token as long as all but one are taken at most. */
static int64_t wait_ns(int64_t full, const struct rate *rate, int64_t now_ns)
{
	int64_t enough = now_ns + (rate->burst - 1) * rate->interval_ns;

	return full > enough ? full - enough : 0;
}

int64_t token_bucket_wait_ns(token_bucket *bucket, const struct rate *rate, int64_t now_us)
{
	int64_t now_ns = now_us * 1000;

	if (rate->interval_ns == 0)
		return 0;
	return wait_ns(full_at(bucket, rate, now_ns), rate, now_ns);
}

bool token_bucket_take(token_bucket *bucket, const struct rate *rate, int64_t now_us)
{
	int64_t now_ns = now_us * 1000;
	int64_t full, next;

	if (rate->interval_ns == 0)
		return true;
	full = full_at(bucket, rate, now_ns);
	do {
		if (wait_ns(full, rate, now_ns) > 0)
			return false;
		next = (full > now_ns ? full : now_ns) + rate->interval_ns;
	} while (!atomic_compare_exchange_weak_explicit(bucket, &full, next, memory_order_relaxed,
							memory_order_relaxed));
	return true;
}
