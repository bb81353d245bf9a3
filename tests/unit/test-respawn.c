#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "keeper/pool/respawn.h"

static void test_pauses_grow_to_a_minute(void **state)
{
	int64_t expected[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
	struct respawn respawn = { 0 };
	int64_t now = 5000000;

	for (int i = 0; i < 8; i++) {
		assert_int_equal(respawn_pause(&respawn, now, 0), expected[i]);
		now += expected[i];
	}
}

static void test_several_that_end_together_are_one_failure(void **state)
{
	struct respawn respawn = { 0 };

	assert_int_equal(respawn_pause(&respawn, 1000000, 0), 1000);
	assert_int_equal(respawn_pause(&respawn, 1000000, 0), 0);
	assert_int_equal(respawn_pause(&respawn, 1000999, 0), 0);
	assert_int_equal(respawn.failures, 1);
}

static void test_calm_begins_anew(void **state)
{
	struct respawn respawn = { 0 };

	assert_int_equal(respawn_pause(&respawn, 1000000, 0), 1000);
	assert_int_equal(respawn_pause(&respawn, 1001000, 0), 2000);
	respawn_reset(&respawn);
	assert_int_equal(respawn_pause(&respawn, 1003000, 0), 1000);
}

static void test_death_long_after_the_last_pause_begins_anew(void **state)
{
	struct respawn respawn = { 0 };

	assert_int_equal(respawn_pause(&respawn, 1000000, 0), 1000);
	assert_int_equal(respawn_pause(&respawn, 1001000, 0), 2000);
	assert_int_equal(respawn_pause(&respawn, 1003000 + RESPAWN_RESET_MS, 0), 1000);
	assert_int_equal(respawn.failures, 1);
}

static void test_a_program_that_ran_for_a_moment_has_shorter_pauses_first(void **state)
{
	struct respawn respawn = { 0 };

	assert_int_equal(respawn_pause(&respawn, 1000000, RESPAWN_MOMENT_MS), 1000);
	respawn_reset(&respawn);
	assert_int_equal(respawn_pause(&respawn, 1001000, RESPAWN_MOMENT_MS + 1), 100);
	assert_int_equal(respawn_pause(&respawn, 1001100, RESPAWN_MOMENT_MS + 1), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pauses_grow_to_a_minute),
		cmocka_unit_test(test_several_that_end_together_are_one_failure),
		cmocka_unit_test(test_calm_begins_anew),
		cmocka_unit_test(test_death_long_after_the_last_pause_begins_anew),
		cmocka_unit_test(test_a_program_that_ran_for_a_moment_has_shorter_pauses_first),
	};

	return cmocka_run_group_tests_name("restarts", tests, NULL, NULL);
}
