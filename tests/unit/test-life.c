#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "channel/pass-table.h"
#include "keeper/child/child.h"
#include "keeper/pool/life.h"
#include "keeper/pool/process.h"

#define EXITED_1 (1 << 8)
#define MS 1000
#define START_US 5000000

static struct child child = { .started_us = START_US };

static enum life life_as(enum process_state state, int64_t lived_us, int status)
{
	struct process process = { .child = &child, .state = state };

	return life_of(&process, NULL, status, lived_us);
}

static void test_a_process_that_lived_for_a_second_came_up(void **state)
{
	assert_int_equal(life_as(PROCESS_READY, 1000 * MS, EXITED_1), LIFE_FULL);
	assert_int_equal(life_as(PROCESS_READY, 999 * MS, EXITED_1), LIFE_MOMENTARY);
}

static void test_a_process_that_was_never_ready_has_failed(void **state)
{
	assert_int_equal(life_as(PROCESS_STARTING, 5000 * MS, 0), LIFE_FAILED);
	assert_int_equal(life_as(PROCESS_STARTING, 5000 * MS, SIGPIPE), LIFE_FAILED);
}

static void test_a_process_that_was_told_to_end_has_not_failed(void **state)
{
	struct process late = { .child = &child, .state = PROCESS_ENDING, .timed_out = true };

	assert_int_equal(life_as(PROCESS_ENDING, 1, EXITED_1), LIFE_FULL);
	assert_int_equal(life_of(&late, NULL, 0, 5000 * MS), LIFE_FAILED);
}

static void test_a_process_that_said_that_it_is_ready_came_up(void **state)
{
	struct process process = { .child = &child, .state = PROCESS_READY, .said_ready = true };

	assert_int_equal(life_of(&process, NULL, EXITED_1, 1), LIFE_SHORT);
}

static void test_a_process_that_a_vanished_client_has_ended_came_up(void **state)
{
	assert_int_equal(life_as(PROCESS_READY, 1, SIGPIPE), LIFE_SHORT);
	assert_int_equal(life_as(PROCESS_READY, 1, SIGSEGV), LIFE_MOMENTARY);
}

/* The row may have been that of another process before. */
static void test_a_process_of_pass_that_had_a_client_came_up(void **state)
{
	struct pass_table *table = pass_table_new(2, 3);
	struct process process = { .child = &child, .state = PROCESS_READY, .index = 1 };

	assert_non_null(table);
	assert_int_equal(life_of(&process, table, EXITED_1, 1), LIFE_MOMENTARY);
	pass_table_entry(table, 1, 0)->started_us = START_US - 1;
	assert_int_equal(life_of(&process, table, EXITED_1, 1), LIFE_MOMENTARY);
	pass_table_entry(table, 1, 0)->started_us = START_US + 1;
	assert_int_equal(life_of(&process, table, EXITED_1, 1), LIFE_SHORT);
	pass_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_process_that_lived_for_a_second_came_up),
		cmocka_unit_test(test_a_process_that_was_never_ready_has_failed),
		cmocka_unit_test(test_a_process_that_was_told_to_end_has_not_failed),
		cmocka_unit_test(test_a_process_that_said_that_it_is_ready_came_up),
		cmocka_unit_test(test_a_process_that_a_vanished_client_has_ended_came_up),
		cmocka_unit_test(test_a_process_of_pass_that_had_a_client_came_up),
	};

	return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}
