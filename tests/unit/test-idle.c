#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "keeper/pool/idle.h"

#define LIMIT_MS 1000
#define LEAST 4

static struct idle seen(int64_t cpu_ns, unsigned descriptors, int64_t now_ms)
{
	struct idle idle = { 0 };

	idle_note(&idle, &(struct usage){ cpu_ns, descriptors }, now_ms);
	return idle;
}

static bool idle_at(const struct idle *idle, int64_t now_ms)
{
	return idle_is_enough(idle, LEAST, now_ms, LIMIT_MS);
}

static void test_process_that_does_nothing_is_idle_after_the_limit(void **state)
{
	struct idle idle = seen(70, LEAST, 5000);

	idle_note(&idle, &(struct usage){ 70, LEAST }, 5500);
	assert_false(idle_at(&idle, 5999));
	assert_true(idle_at(&idle, 6000));
}

static void test_processor_time_begins_the_wait_anew(void **state)
{
	struct idle idle = seen(70, LEAST, 5000);

	idle_note(&idle, &(struct usage){ 71, LEAST }, 5900);
	assert_false(idle_at(&idle, 6100));
	assert_true(idle_at(&idle, 6900));
}

static void test_client_that_leaves_begins_the_wait_anew(void **state)
{
	struct idle idle = seen(70, LEAST + 1, 5000);

	idle_note(&idle, &(struct usage){ 70, LEAST }, 5900);
	assert_false(idle_at(&idle, 6100));
}

static void test_silent_client_is_given_ten_times_as_long(void **state)
{
	struct idle idle = seen(70, LEAST + 1, 5000);

	assert_false(idle_at(&idle, 14999));
	assert_true(idle_at(&idle, 15000));
}

static void test_usage_of_a_process_can_be_told(void **state)
{
	struct usage before, after;
	int fd;

	assert_int_equal(usage_of(getpid(), &before), 0);
	assert_true(before.cpu_ns > 0);
	fd = dup(0);
	assert_int_equal(usage_of(getpid(), &after), 0);
	assert_int_equal(after.descriptors, before.descriptors + 1);
	assert_true(after.cpu_ns > before.cpu_ns);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process_that_does_nothing_is_idle_after_the_limit),
		cmocka_unit_test(test_processor_time_begins_the_wait_anew),
		cmocka_unit_test(test_client_that_leaves_begins_the_wait_anew),
		cmocka_unit_test(test_silent_client_is_given_ten_times_as_long),
		cmocka_unit_test(test_usage_of_a_process_can_be_told),
	};

	return cmocka_run_group_tests_name("idleness", tests, NULL, NULL);
}
