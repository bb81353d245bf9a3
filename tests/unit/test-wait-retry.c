#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "front/program/wait-retry.h"

static void test_datagrams_differ_by_sender_length_and_text(void **state)
{
	uint64_t one = wait_retry_fingerprint("a", 1, "text", 4, 4);

	assert_int_equal(one, wait_retry_fingerprint("a", 1, "text", 4, 4));
	assert_int_not_equal(one, wait_retry_fingerprint("b", 1, "text", 4, 4));
	assert_int_not_equal(one, wait_retry_fingerprint("a", 1, "test", 4, 4));
	assert_int_not_equal(one, wait_retry_fingerprint("a", 1, "text", 4, 5));
	assert_int_not_equal(wait_retry_fingerprint("a", 1, "", 0, 0), 0);
}

static void test_a_datagram_is_dropped_after_the_second_try(void **state)
{
	struct wait_retry wait_retry = { 0 };

	wait_retry_start(&wait_retry, 7);
	assert_int_equal(wait_retry_judge_datagram(&wait_retry, 7), WAIT_RETRY_AGAIN);
	wait_retry_start(&wait_retry, 7);
	assert_int_equal(wait_retry_judge_datagram(&wait_retry, 7), WAIT_RETRY_DROP);
	assert_int_equal(wait_retry.pause.pause_ms, 1000);
}

static void test_a_datagram_that_was_read_ends_the_count(void **state)
{
	struct wait_retry wait_retry = { 0 };

	wait_retry_start(&wait_retry, 7);
	assert_int_equal(wait_retry_judge_datagram(&wait_retry, 7), WAIT_RETRY_AGAIN);
	wait_retry_start(&wait_retry, 7);
	assert_int_equal(wait_retry_judge_datagram(&wait_retry, 8), WAIT_RETRY_FINE);
	wait_retry_start(&wait_retry, 8);
	assert_int_equal(wait_retry_judge_datagram(&wait_retry, 0), WAIT_RETRY_FINE);
	wait_retry_start(&wait_retry, 8);
	assert_int_equal(wait_retry_judge_datagram(&wait_retry, 8), WAIT_RETRY_AGAIN);
}

static void test_a_child_that_was_there_before_is_not_judged(void **state)
{
	struct wait_retry wait_retry = { 0 };

	assert_int_equal(wait_retry_judge_datagram(&wait_retry, 7), WAIT_RETRY_FINE);
}

static void test_the_pause_doubles_to_a_minute(void **state)
{
	static const int64_t expected[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
	struct wait_retry wait_retry = { 0 };

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_int_equal(wait_retry_judge_stream(&wait_retry, true, 5, 1),
				 WAIT_RETRY_PAUSE);
		assert_int_equal(wait_retry.pause.pause_ms, expected[i]);
	}
	assert_int_equal(wait_retry_judge_stream(&wait_retry, false, 5, 1), WAIT_RETRY_FINE);
	assert_int_equal(wait_retry_judge_stream(&wait_retry, true, 5, 1), WAIT_RETRY_PAUSE);
	assert_int_equal(wait_retry.pause.pause_ms, 1000);
}

static void test_a_stream_child_that_lived_or_emptied_its_queue_is_fine(void **state)
{
	struct wait_retry wait_retry = { 0 };

	assert_int_equal(wait_retry_judge_stream(&wait_retry, true, 1000, 1), WAIT_RETRY_FINE);
	assert_int_equal(wait_retry_judge_stream(&wait_retry, true, 5, 0), WAIT_RETRY_FINE);
}

static void test_a_stream_program_that_takes_nobody_is_slowed_down(void **state)
{
	const int64_t expected[] = { 20, 40, 80, 160, 160 };
	struct wait_retry wait_retry = { 0 };

	for (int i = 0; i < 4; i++)
		assert_int_equal(wait_retry_judge_stream(&wait_retry, false, 5, 1),
				 WAIT_RETRY_FINE);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_int_equal(wait_retry_judge_stream(&wait_retry, false, 5, 1),
				 WAIT_RETRY_REST);
		assert_int_equal(wait_retry.rest.pause_ms, expected[i]);
	}
}

static void test_a_stream_program_that_shortens_its_queue_is_not(void **state)
{
	struct wait_retry wait_retry = { 0 };

	for (unsigned waiting = 100; waiting > 0; waiting--)
		assert_int_equal(wait_retry_judge_stream(&wait_retry, false, 5, waiting),
				 WAIT_RETRY_FINE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datagrams_differ_by_sender_length_and_text),
		cmocka_unit_test(test_a_datagram_is_dropped_after_the_second_try),
		cmocka_unit_test(test_a_datagram_that_was_read_ends_the_count),
		cmocka_unit_test(test_a_child_that_was_there_before_is_not_judged),
		cmocka_unit_test(test_the_pause_doubles_to_a_minute),
		cmocka_unit_test(test_a_stream_child_that_lived_or_emptied_its_queue_is_fine),
		cmocka_unit_test(test_a_stream_program_that_takes_nobody_is_slowed_down),
		cmocka_unit_test(test_a_stream_program_that_shortens_its_queue_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
