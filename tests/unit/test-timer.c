#include <limits.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"
#include "net/timer.h"

static struct timers *timers;
static int n_called;

struct ticking {
	struct timer timer;
	struct timer *victim;
	int calls;
};

static void count(struct timer *timer)
{
	n_called++;
}

static void set_again_now(struct timer *timer)
{
	n_called++;
	assert_int_equal(timer_set(timer, timers, timer->at_ms, set_again_now), 0);
}

static void cancel_victim(struct timer *timer)
{
	struct ticking *ticking = container_of(timer, struct ticking, timer);

	ticking->calls++;
	timer_cancel(ticking->victim);
}

static int set_up(void **state)
{
	n_called = 0;
	return timers_new(&timers);
}

static int tear_down(void **state)
{
	timers_free(timers);
	return 0;
}

static void test_nothing_set_waits_forever(void **state)
{
	struct timer timer = { 0 };

	assert_int_equal(timers_wait_ms(timers, 0), -1);
	timer_cancel(&timer);
	timers_run(timers, INT64_MAX - 1);
}

static void test_wait_is_until_the_first(void **state)
{
	struct timer a = { 0 }, b = { 0 };

	assert_int_equal(timer_set(&a, timers, 500, count), 0);
	assert_int_equal(timer_set(&b, timers, 200, count), 0);
	assert_int_equal(timers_wait_ms(timers, 50), 150);
	assert_int_equal(timers_wait_ms(timers, 1000), 0);

	assert_int_equal(timer_set(&b, timers, 900, count), 0);
	assert_int_equal(timers_wait_ms(timers, 50), 450);
	timer_cancel(&a);
	assert_int_equal(timers_wait_ms(timers, 50), 850);
	timer_cancel(&b);
}

static void test_the_longest_wait_is_what_fits(void **state)
{
	struct timer timer = { 0 };

	assert_int_equal(timer_set(&timer, timers, INT64_MAX, count), 0);
	assert_int_equal(timers_wait_ms(timers, 0), INT_MAX);
	timers_run(timers, INT64_C(1) << 40);
	assert_int_equal(n_called, 0);
	timer_cancel(&timer);
}

static void test_only_what_is_due_is_called(void **state)
{
	struct timer a = { 0 }, b = { 0 };

	assert_int_equal(timer_set(&a, timers, 100, count), 0);
	assert_int_equal(timer_set(&b, timers, 101, count), 0);
	timers_run(timers, 99);
	assert_int_equal(n_called, 0);
	timers_run(timers, 100);
	assert_int_equal(n_called, 1);
	assert_false(timer_is_set(&a));
	assert_true(timer_is_set(&b));
	timer_cancel(&b);
}

static void test_a_timer_that_sets_itself_does_not_hold_the_loop(void **state)
{
	struct timer timer = { 0 };

	assert_int_equal(timer_set(&timer, timers, 10, set_again_now), 0);
	timers_run(timers, 100);
	assert_int_equal(n_called, 1);
	timers_run(timers, 101);
	assert_int_equal(n_called, 2);
	timer_cancel(&timer);
}

static void test_a_callback_may_cancel_what_is_due_too(void **state)
{
	struct ticking a = { 0 }, b = { 0 };

	a.victim = &b.timer;
	b.victim = &a.timer;
	assert_int_equal(timer_set(&a.timer, timers, 10, cancel_victim), 0);
	assert_int_equal(timer_set(&b.timer, timers, 10, cancel_victim), 0);
	timers_run(timers, 10);
	assert_int_equal(a.calls + b.calls, 1);
	assert_int_equal(timers_wait_ms(timers, 10), -1);
}

static int64_t last_ms;

static void check_order(struct timer *timer)
{
	assert_true(timer->at_ms >= last_ms);
	last_ms = timer->at_ms;
	n_called++;
}

static void test_many_timers_come_in_order(void **state)
{
	enum { N = 2000 };
	static struct timer many[N];

	srandom(1);
	last_ms = 0;
	for (int i = 0; i < N; i++)
		assert_int_equal(timer_set(&many[i], timers, random() % 1000, check_order), 0);
	for (int i = 0; i < N; i += 3)
		timer_cancel(&many[i]);
	for (int i = 1; i < N; i += 3)
		assert_int_equal(timer_set(&many[i], timers, random() % 1000, check_order), 0);

	timers_run(timers, 1000);
	assert_int_equal(n_called, N - (N + 2) / 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_set_waits_forever, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wait_is_until_the_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_longest_wait_is_what_fits, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_only_what_is_due_is_called, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_timer_that_sets_itself_does_not_hold_the_loop, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_callback_may_cancel_what_is_due_too, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_many_timers_come_in_order, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
