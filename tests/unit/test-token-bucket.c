#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/token-bucket.h"

#define SECOND_NS INT64_C(1000000000)
#define START_US INT64_C(5000000)

/* Ten a second, three at once. */
static const struct rate ten = { SECOND_NS / 10, 3 };

static int take_all(token_bucket *bucket, const struct rate *rate, int64_t now_us)
{
	int taken = 0;

	while (taken < 1000 && token_bucket_take(bucket, rate, now_us))
		taken++;
	return taken;
}

static void test_a_bucket_is_full_at_first_and_fills_with_time(void **state)
{
	token_bucket bucket = 0;

	assert_int_equal(token_bucket_wait_ns(&bucket, &ten, START_US), 0);
	assert_int_equal(take_all(&bucket, &ten, START_US), 3);
	assert_int_equal(token_bucket_wait_ns(&bucket, &ten, START_US), SECOND_NS / 10);
	assert_int_equal(token_bucket_wait_ns(&bucket, &ten, START_US + 99999), 1000);
	assert_false(token_bucket_take(&bucket, &ten, START_US + 99999));
	assert_int_equal(take_all(&bucket, &ten, START_US + 100000), 1);
	assert_int_equal(take_all(&bucket, &ten, START_US + 300000), 2);
	assert_int_equal(take_all(&bucket, &ten, START_US + 10000000), 3);
}

static void test_no_interval_is_longer_than_the_rate_says(void **state)
{
	token_bucket bucket = 0;
	int taken = 0;

	for (int64_t us = 0; us < 10000000; us += 777)
		taken += token_bucket_take(&bucket, &ten, START_US + us);
	assert_in_range(taken, 100, 103);
}

static void test_without_a_limit_there_is_always_a_token(void **state)
{
	static const struct rate unlimited = { 0 };
	token_bucket bucket = INT64_MAX;

	assert_true(token_bucket_take(&bucket, &unlimited, START_US));
	assert_int_equal(token_bucket_wait_ns(&bucket, &unlimited, START_US), 0);
}

/* Another front has written it, or had another rate. */
static void test_what_stands_in_a_bucket_is_not_believed(void **state)
{
	static const int64_t values[] = { INT64_MAX, INT64_MIN, -1, 1, START_US * 1000 * 1000 };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		token_bucket bucket = values[i];

		assert_in_range(token_bucket_wait_ns(&bucket, &ten, START_US), 0, SECOND_NS / 10);
		(void)take_all(&bucket, &ten, START_US);
		assert_int_equal(take_all(&bucket, &ten, START_US + 300000), 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_bucket_is_full_at_first_and_fills_with_time),
		cmocka_unit_test(test_no_interval_is_longer_than_the_rate_says),
		cmocka_unit_test(test_without_a_limit_there_is_always_a_token),
		cmocka_unit_test(test_what_stands_in_a_bucket_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
