#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "front/program/pool-demand.h"

static void test_nobody_waits_so_nothing_is_wanted(void **state)
{
	struct demand_state demand = { 0 };

	assert_int_equal(demand_look(&demand, false, 0), DEMAND_NONE);
	assert_int_equal(demand_look(&demand, false, 4), DEMAND_NONE);
}

static void test_client_of_an_empty_pool_is_not_kept_waiting(void **state)
{
	struct demand_state demand = { 0 };

	assert_int_equal(demand_look(&demand, true, 0), DEMAND_SHORT);
}

static void test_client_who_waits_at_two_looks_wants_a_process(void **state)
{
	struct demand_state demand = { 0 };

	assert_int_equal(demand_look(&demand, true, 1), DEMAND_LOOK);
	assert_int_equal(demand.pause.pause_ms, 5);
	assert_int_equal(demand_look(&demand, true, 1), DEMAND_SHORT);
	/* The next one is looked at twice again. */
	assert_int_equal(demand_look(&demand, true, 2), DEMAND_LOOK);
}

static void test_pool_that_copes_is_looked_at_less_and_less(void **state)
{
	struct demand_state demand = { 0 };
	int64_t expected[] = { 5, 10, 20, 40, 80, 100, 100 };

	for (int i = 0; i < 7; i++) {
		assert_int_equal(demand_look(&demand, true, 1), DEMAND_LOOK);
		assert_int_equal(demand.pause.pause_ms, expected[i]);
		assert_int_equal(demand_look(&demand, false, 1), DEMAND_NONE);
	}
}

static void test_shortage_makes_looks_quick_again(void **state)
{
	struct demand_state demand = { .pause.pause_ms = 100 };

	assert_int_equal(demand_look(&demand, true, 1), DEMAND_LOOK);
	assert_int_equal(demand.pause.pause_ms, 100);
	assert_int_equal(demand_look(&demand, true, 1), DEMAND_SHORT);
	assert_int_equal(demand_look(&demand, true, 1), DEMAND_LOOK);
	assert_int_equal(demand.pause.pause_ms, 5);
}

static void test_last_process_that_ends_ends_the_patience(void **state)
{
	struct demand_state demand = { 0 };

	assert_int_equal(demand_look(&demand, true, 1), DEMAND_LOOK);
	assert_int_equal(demand_look(&demand, true, 0), DEMAND_SHORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_waits_so_nothing_is_wanted),
		cmocka_unit_test(test_client_of_an_empty_pool_is_not_kept_waiting),
		cmocka_unit_test(test_client_who_waits_at_two_looks_wants_a_process),
		cmocka_unit_test(test_pool_that_copes_is_looked_at_less_and_less),
		cmocka_unit_test(test_shortage_makes_looks_quick_again),
		cmocka_unit_test(test_last_process_that_ends_ends_the_patience),
	};

	return cmocka_run_group_tests_name("pool-demand", tests, NULL, NULL);
}
