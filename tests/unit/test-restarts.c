#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "keeper/restarts.h"

static void test_pauses_grow_to_a_minute(void **state)
{
	int64_t expected[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
	struct restarts restarts = { 0 };
	int64_t now = 5000000;

	for (int i = 0; i < 8; i++) {
		assert_true(restarts_pause(&restarts, now));
		assert_int_equal(restarts_wait_ms(&restarts, now), expected[i]);
		now += expected[i];
		assert_int_equal(restarts_wait_ms(&restarts, now), 0);
	}
}

static void test_several_that_end_together_are_one_failure(void **state)
{
	struct restarts restarts = { 0 };

	assert_true(restarts_pause(&restarts, 1000000));
	assert_false(restarts_pause(&restarts, 1000000));
	assert_false(restarts_pause(&restarts, 1000999));
	assert_int_equal(restarts.deaths, 1);
	assert_int_equal(restarts_wait_ms(&restarts, 1000000), 1000);
}

static void test_calm_begins_anew(void **state)
{
	struct restarts restarts = { 0 };

	assert_true(restarts_pause(&restarts, 1000000));
	assert_true(restarts_pause(&restarts, 1001000));
	restarts_calm(&restarts);
	assert_true(restarts_pause(&restarts, 1003000));
	assert_int_equal(restarts_wait_ms(&restarts, 1003000), 1000);
}

static void test_death_long_after_the_last_pause_begins_anew(void **state)
{
	struct restarts restarts = { 0 };

	assert_true(restarts_pause(&restarts, 1000000));
	assert_true(restarts_pause(&restarts, 1001000));
	assert_true(restarts_pause(&restarts, 1003000 + RESTARTS_CALM_MS));
	assert_int_equal(restarts.deaths, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pauses_grow_to_a_minute),
		cmocka_unit_test(test_several_that_end_together_are_one_failure),
		cmocka_unit_test(test_calm_begins_anew),
		cmocka_unit_test(test_death_long_after_the_last_pause_begins_anew),
	};

	return cmocka_run_group_tests_name("restarts", tests, NULL, NULL);
}
