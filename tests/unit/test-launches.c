/* How many launches are under way. Nothing is forked: the test plays the children and the clock. */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "keeper/exec/launches.h"

#define LIMIT_MS 10000
#define MANY 200

/* As launches.c has them. */
#define SLOW_MS 50
#define SLOW_OF_SERVICE 4
#define SLOW_MAX 64

static struct {
	int64_t now_ms;
	struct timers *timers;
	struct launches launches;
	unsigned n_executed;
	unsigned n_overdue;
	unsigned n_killed;
	unsigned n_looks;
	enum spawn_step step;         /* of the last one that took too long */
	struct spawn_failure failure; /* of the last one that was not started */
} scene;

int64_t __wrap_clock_ms(void);
int __wrap_kill(pid_t pid, int signal);

int64_t __wrap_clock_ms(void)
{
	return scene.now_ms;
}

int __wrap_kill(pid_t pid, int signal)
{
	assert_int_equal(signal, SIGKILL);
	scene.n_killed++;
	return 0;
}

static void on_executed(struct launch *launch)
{
	scene.n_executed++;
	*(struct launch **)launch->owner = NULL;
}

static void on_not_started(struct launch *launch, const struct spawn_failure *failure)
{
	scene.failure = *failure;
}

static void on_overdue(struct launch *launch, const struct spawn_failure *failure)
{
	assert_true(failure->timed_out);
	scene.step = failure->step;
	scene.n_overdue++;
}

static const struct launch_events events = {
	.executed = on_executed,
	.not_started = on_not_started,
	.overdue = on_overdue,
};

/* What launch_begin() leaves, of a child that is about to enter its directory. */
static void begin(struct launch **out, struct launch_quota *quota, enum launch_kind kind)
{
	struct launch *launch = launches_take(&scene.launches, quota, kind, LIMIT_MS);

	assert_non_null(launch);
	atomic_store(&launch->busy, 1);
	atomic_store(&launch->child.step, SPAWN_DIRECTORY);
	atomic_store(&launch->child.error, 0);
	launch->timed_out = false;
	launch->events = &events;
	launch->owner = out;
	*out = launch;
}

static void execute(struct launch *launch)
{
	atomic_store(&launch->child.step, SPAWN_EXEC);
	atomic_store(&launch->busy, 0);
}

static bool reap(struct launch *launch, int status, struct spawn_failure *out)
{
	atomic_store(&launch->busy, 0);
	if (launches_reaped(launch, status))
		return true;
	*out = scene.failure;
	return false;
}

/* The loop turns when a timer is due. */
static void pass_time(int64_t ms)
{
	int64_t until = scene.now_ms + ms;

	for (;;) {
		int wait_ms = timers_wait_ms(scene.timers, scene.now_ms);

		if (wait_ms < 0 || scene.now_ms + wait_ms > until)
			break;
		scene.now_ms += wait_ms;
		scene.n_looks++;
		timers_run(scene.timers, scene.now_ms);
		launches_look(&scene.launches);
	}
	scene.now_ms = until;
	launches_look(&scene.launches);
}

static int set_up(void **state)
{
	memset(&scene, 0, sizeof(scene));
	scene.now_ms = 1000000;
	if (timers_new(&scene.timers) < 0)
		return -1;
	launches_init(&scene.launches, scene.timers);
	scene.launches.limit = 3;
	return launches_make_room(&scene.launches, 100);
}

static int tear_down(void **state)
{
	struct spawn_failure failure;

	while (list_is_linked(&scene.launches.under_way))
		(void)reap(container_of(scene.launches.under_way.next, struct launch, link), 0,
			   &failure);
	launches_fini(&scene.launches);
	timers_free(scene.timers);
	return 0;
}

static void test_no_more_are_under_way_than_processors_and_one(void **state)
{
	struct launch_quota quota = { 0 };
	struct launch *launches[4];

	for (int i = 0; i < 3; i++) {
		assert_true(launches_have_room(&scene.launches, LAUNCH_FOR_CLIENT));
		begin(&launches[i], &quota, LAUNCH_FOR_CLIENT);
	}
	assert_false(launches_have_room(&scene.launches, LAUNCH_FOR_CLIENT));
	assert_true(launches_have_room(&scene.launches, LAUNCH_FOR_POOL));

	execute(launches[1]);
	launches_look(&scene.launches);
	assert_int_equal(scene.n_executed, 1);
	assert_null(launches[1]);
	assert_true(launches_have_room(&scene.launches, LAUNCH_FOR_CLIENT));
}

static void test_slow_ones_of_a_service_leave_room_for_others(void **state)
{
	struct launch_quota slow = { 0 }, other = { 0 };
	struct launch *launches[MANY];
	unsigned n = 0;

	while (launches_allow(&scene.launches, &slow) && n < MANY) {
		if (!launches_have_room(&scene.launches, LAUNCH_FOR_CLIENT))
			pass_time(SLOW_MS);
		begin(&launches[n++], &slow, LAUNCH_FOR_CLIENT);
		pass_time(SLOW_MS);
	}
	assert_int_equal(n, SLOW_OF_SERVICE);
	assert_true(launches_have_room(&scene.launches, LAUNCH_FOR_CLIENT));
	assert_true(launches_allow(&scene.launches, &other));

	execute(launches[0]);
	launches_look(&scene.launches);
	assert_true(launches_allow(&scene.launches, &slow));
}

static void test_one_that_takes_too_long_is_killed_and_told_once(void **state)
{
	struct launch_quota quota = { 0 };
	struct spawn_failure failure;
	struct launch *launch;

	begin(&launch, &quota, LAUNCH_FOR_CLIENT);
	pass_time(LIMIT_MS - 1);
	assert_int_equal(scene.n_overdue, 0);
	pass_time(2 * LIMIT_MS);
	assert_int_equal(scene.n_killed, 1);
	assert_int_equal(scene.n_overdue, 1);
	assert_int_equal(scene.step, SPAWN_DIRECTORY);
	/* It is still there. */
	assert_int_equal(quota.slow, 1);
	assert_false(launches_allow(&scene.launches, &quota));
	/* Nothing spins for its sake. */
	assert_in_range(scene.n_looks, 10, 200);

	assert_false(reap(launch, SIGKILL, &failure));
	assert_true(failure.timed_out);
	assert_false(spawn_may_retry(&failure));
	assert_int_equal(quota.slow, 0);
	assert_true(launches_allow(&scene.launches, &quota));
}

static void take_too_long(struct launch_quota *quota)
{
	struct spawn_failure failure;
	struct launch *launch;

	assert_true(launches_allow(&scene.launches, quota));
	begin(&launch, quota, LAUNCH_FOR_CLIENT);
	pass_time(LIMIT_MS + SLOW_MS * 10);
	(void)reap(launch, SIGKILL, &failure);
}

static void test_pauses_follow_when_that_happens_again(void **state)
{
	struct launch_quota quota = { 0 }, other = { 0 };
	struct launch *launch;

	take_too_long(&quota);
	take_too_long(&quota);
	assert_false(launches_allow(&scene.launches, &quota));
	assert_true(launches_allow(&scene.launches, &other));
	/* The timer wakes who waits for the end of the pause. */
	pass_time(2000);
	take_too_long(&quota);
	pass_time(1000);
	assert_false(launches_allow(&scene.launches, &quota));
	pass_time(2000);
	assert_true(launches_allow(&scene.launches, &quota));
	/* One at a time, and after a success as many as before. */
	begin(&launch, &quota, LAUNCH_FOR_CLIENT);
	pass_time(SLOW_MS);
	assert_false(launches_allow(&scene.launches, &quota));
	execute(launch);
	launches_look(&scene.launches);
	take_too_long(&quota);
	assert_true(launches_allow(&scene.launches, &quota));
}

static void test_very_many_slow_ones_leave_room_for_others(void **state)
{
	struct launch_quota quotas[MANY] = { 0 };
	struct launch *launches[MANY];
	struct spawn_failure failure;
	unsigned n;

	for (n = 0; n < SLOW_MAX; n++) {
		begin(&launches[n], &quotas[n], LAUNCH_FOR_CLIENT);
		pass_time(SLOW_MS);
	}
	assert_true(launches_have_room(&scene.launches, LAUNCH_FOR_CLIENT));
	/* A service that has one gets no other, and new ones have their places not for long. */
	assert_false(launches_allow(&scene.launches, &quotas[0]));
	while (launches_have_room(&scene.launches, LAUNCH_FOR_CLIENT)) {
		begin(&launches[n], &quotas[n], LAUNCH_FOR_CLIENT);
		n++;
	}
	pass_time(SLOW_MS);
	assert_false(launches_have_room(&scene.launches, LAUNCH_FOR_CLIENT));
	pass_time(2000);
	assert_true(scene.n_killed > 0);
	for (unsigned i = 0; i < n; i++)
		if (launches[i]->timed_out)
			(void)reap(launches[i], SIGKILL, &failure);
	launches_look(&scene.launches);
	assert_true(launches_have_room(&scene.launches, LAUNCH_FOR_CLIENT));
}

static void test_failed_step_is_told_when_the_child_is_reaped(void **state)
{
	struct launch_quota quota = { 0 };
	struct spawn_failure failure;
	struct launch *launch;

	begin(&launch, &quota, LAUNCH_FOR_POOL);
	atomic_store(&launch->child.error, ENOENT);
	atomic_store(&launch->busy, 0);
	pass_time(SLOW_MS / 2);
	assert_int_equal(scene.n_executed, 0);
	assert_false(reap(launch, 127 << 8, &failure));
	assert_int_equal(failure.step, SPAWN_DIRECTORY);
	assert_int_equal(failure.error, ENOENT);
	assert_int_equal(failure.signal, 0);

	begin(&launch, &quota, LAUNCH_FOR_POOL);
	assert_false(reap(launch, SIGTERM, &failure));
	assert_int_equal(failure.signal, SIGTERM);

	begin(&launch, &quota, LAUNCH_FOR_POOL);
	execute(launch);
	assert_true(reap(launch, 0, &failure));
	assert_int_equal(scene.n_executed, 1);
}

static void test_room_for_longer_text_is_made_when_the_present_is_not_in_use(void **state)
{
	struct launch_quota quota = { 0 };
	struct launch *launch, *next;
	char *text;

	begin(&launch, &quota, LAUNCH_FOR_CLIENT);
	text = launch->buffer.text;
	assert_int_equal(launches_make_room(&scene.launches, 5000), 0);
	assert_ptr_equal(launch->buffer.text, text);
	begin(&next, &quota, LAUNCH_FOR_CLIENT);
	assert_int_equal(next->buffer.size, 5000);
	next = launch;
	execute(launch);
	launches_look(&scene.launches);
	assert_int_equal(next->buffer.size, 5000);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_no_more_are_under_way_than_processors_and_one),
		CASE(test_slow_ones_of_a_service_leave_room_for_others),
		CASE(test_one_that_takes_too_long_is_killed_and_told_once),
		CASE(test_pauses_follow_when_that_happens_again),
		CASE(test_very_many_slow_ones_leave_room_for_others),
		CASE(test_failed_step_is_told_when_the_child_is_reaped),
		CASE(test_room_for_longer_text_is_made_when_the_present_is_not_in_use),
	};

	return cmocka_run_group_tests_name("launches", tests, NULL, NULL);
}
