#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/backoff.h"

static void test_each_pause_is_twice_the_one_before_up_to_the_longest(void **state)
{
	const int64_t expected[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
	struct backoff backoff = { 0 };

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_int_equal(backoff_next(&backoff, 1000, 60000), expected[i]);
		assert_int_equal(backoff.pause_ms, expected[i]);
	}
}

static void test_pause_may_reach_the_longest_exactly(void **state)
{
	struct backoff backoff = { 0 };

	assert_int_equal(backoff_next(&backoff, 20, 80), 20);
	assert_int_equal(backoff_next(&backoff, 20, 80), 40);
	assert_int_equal(backoff_next(&backoff, 20, 80), 80);
	assert_int_equal(backoff_next(&backoff, 20, 80), 80);
}

static void test_first_pause_is_never_longer_than_the_longest(void **state)
{
	struct backoff backoff = { 0 };

	assert_int_equal(backoff_next(&backoff, 500, 100), 100);
	assert_int_equal(backoff_next(&backoff, 500, 100), 100);
}

static void test_reset_begins_with_the_first_pause_again(void **state)
{
	struct backoff backoff = { 0 };

	(void)backoff_next(&backoff, 5, 100);
	(void)backoff_next(&backoff, 5, 100);
	backoff_reset(&backoff);
	assert_int_equal(backoff.pause_ms, 0);
	assert_int_equal(backoff_next(&backoff, 5, 100), 5);
}

static void test_longest_pauses_do_not_overflow(void **state)
{
	struct backoff backoff = { 0 };

	assert_true(backoff_next(&backoff, INT64_MAX / 2 + 1, INT64_MAX) == INT64_MAX / 2 + 1);
	assert_true(backoff_next(&backoff, INT64_MAX / 2 + 1, INT64_MAX) == INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_pause_is_twice_the_one_before_up_to_the_longest),
		cmocka_unit_test(test_pause_may_reach_the_longest_exactly),
		cmocka_unit_test(test_first_pause_is_never_longer_than_the_longest),
		cmocka_unit_test(test_reset_begins_with_the_first_pause_again),
		cmocka_unit_test(test_longest_pauses_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
