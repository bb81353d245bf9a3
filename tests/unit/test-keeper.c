/* What the keeper does once a turn, when several events have come in it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/wait.h>

#include "channel/startup.h"
#include "keeper-stage.h"
#include "keeper/child/connection.h"
#include "keeper/child/request.h"
#include "keeper/listen/activation.h"
#include "keeper/reload-steps.h"
#include "keeper/startup.h"
#include "keeper/stop.h"

#define LONG_MS 60000

static const char services[] =
	"service pool { listen = \"tcp:127.0.0.1:0\" exec = {\"/bin/sleep\", \"60\"}\n"
	"               dispatch = pool }\n";

static int open_stage(void **state)
{
	return stage_set_up(state, services);
}

static struct child *only_child(const struct stage *stage)
{
	assert_int_equal(children_count(&stage->keeper.children), 1);
	return container_of(stage->keeper.children.list.next, struct child, link);
}

/* Returns a front that drains, has lived long, and ends in this turn. */
static void add_old_front(struct stage *stage)
{
	struct keeper *keeper = &stage->keeper;
	struct front *front;
	int theirs;

	assert_int_equal(fronts_prepare(&keeper->fronts, keeper->generation, &front, &theirs), 0);
	front->pid = stage->nobody;
	front->started_ms -= LONG_MS;
	fronts_add(&keeper->fronts, front);
	front_drain(front, 0);
	front_reaped(front, 0);
	close(theirs);
}

static pid_t find_no_process(struct reload *reload)
{
	return -EAGAIN;
}

/* The service manager waits for the end of each reload. */
static void test_reload_that_fails_after_another_ends_in_the_same_turn(void **state)
{
	struct stage *stage = *state;
	struct keeper *keeper = &stage->keeper;
	struct reload_steps failing = reload_steps;

	failing.rehearse = find_no_process;
	keeper->reload.steps = &failing;
	reload_begin(&keeper->reload);
	assert_true(keeper->reloaded);
	reload_remember(&keeper->reload);
	stage_turn(stage);
	assert_false(keeper->reload.again);
	assert_false(keeper->reloaded);
}

static void test_pause_after_a_crash_outlasts_the_end_of_an_older_front(void **state)
{
	struct stage *stage = *state;
	struct keeper *keeper = &stage->keeper;

	keeper->restart_pause.pause_ms = 400;
	add_old_front(stage);
	stage_turn(stage);
	assert_true(keeper->fronts.list.next == keeper->fronts.list.previous);
	assert_int_equal(keeper->restart_pause.pause_ms, 400);
}

static void test_pause_ends_with_a_front_that_has_lived_long(void **state)
{
	struct stage *stage = *state;
	struct keeper *keeper = &stage->keeper;

	keeper->restart_pause.pause_ms = 400;
	stage->front->started_ms -= LONG_MS;
	front_reaped(stage->front, SIGSEGV);
	stage->front->channel.eof = true;
	stage_turn(stage);
	assert_true(keeper->restart_pause.pause_ms < 400);
	assert_true(timer_is_set(&keeper->restart));
}

/* The exit status of the front says how many processes it was told are ready. */
static int tell_ready(const struct startup *startup)
{
	return (int)startup->pools[0].ready;
}

static void test_front_starts_with_what_a_pool_has_done_in_the_same_turn(void **state)
{
	struct stage *stage = *state;
	struct keeper *keeper = &stage->keeper;
	struct child *child = only_child(stage);
	struct activation activation = { 0 };
	struct front *front;
	int status;

	stage_end_launches(stage);
	stage_turn(stage);
	child->started_us -= LONG_MS * 1000;
	kill(child->pid, SIGKILL);
	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	assert_true(children_reaped(&keeper->children, child->pid, status));
	pools_settle(&keeper->pools);
	stage_end_launches(stage);
	launches_look(&keeper->launches);

	keeper->listener_table.activation = &activation;
	stage->options.front_main = tell_ready;
	assert_int_equal(front_start(keeper, keeper->generation, &front), 0);
	keeper->listener_table.activation = NULL;
	assert_int_equal(waitpid(front->pid, &status, 0), front->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

static void on_overdue(struct launch *launch, const struct spawn_failure *failure)
{
}

/* Its child waits in a system call that even SIGKILL does not end. */
static void test_stop_does_not_wait_for_a_child_that_cannot_be_killed(void **state)
{
	static const struct launch_events events = { .overdue = on_overdue };
	struct stage *stage = *state;
	struct keeper *keeper = &stage->keeper;
	struct launch_quota quota = { 0 };
	struct launch *launch;

	launch = launches_take(&keeper->launches, &quota, LAUNCH_FOR_CLIENT, LONG_MS);
	launch->events = &events;
	launch->pid = stage->nobody;
	atomic_store(&launch->busy, 1);

	stop_begin(keeper, SIGTERM);
	stage_end_programs(stage);
	fronts_fini(&keeper->fronts);
	for (int i = 0; i < 3; i++) {
		assert_false(stop_is_over(keeper));
		stage_turn_later(stage, i * LONG_MS);
	}
	assert_true(stop_is_over(keeper));

	launches_return(launch);
	stage_open_front(stage);
}

/* A front had sent it before it was killed, and the launches of its service pause. */
static void test_stop_does_not_wait_for_a_request_that_comes_late(void **state)
{
	struct stage *stage = *state;
	struct keeper *keeper = &stage->keeper;
	const struct request late = { .kind = &connection_request,
				      .generation = generation_ref(keeper->generation),
				      .fd = -1 };

	request_record(&late)->launches.until_ms = INT64_MAX;
	stop_begin(keeper, SIGTERM);
	stage_end_programs(stage);
	fronts_fini(&keeper->fronts);
	stage_turn_later(stage, LONG_MS);

	request_record(&late)->live++;
	requests_add(&keeper->requests, request_copy(&late));
	stage_turn(stage);
	assert_false(stop_is_over(keeper));
	stage_turn_later(stage, 2 * LONG_MS);
	assert_true(stop_is_over(keeper));
	assert_int_equal(stage_live(stage, 0), 0);

	stage_open_front(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_reload_that_fails_after_another_ends_in_the_same_turn, open_stage,
			stage_tear_down),
		cmocka_unit_test_setup_teardown(
			test_pause_after_a_crash_outlasts_the_end_of_an_older_front, open_stage,
			stage_tear_down),
		cmocka_unit_test_setup_teardown(test_pause_ends_with_a_front_that_has_lived_long,
						open_stage, stage_tear_down),
		cmocka_unit_test_setup_teardown(
			test_stop_does_not_wait_for_a_child_that_cannot_be_killed, open_stage,
			stage_tear_down),
		cmocka_unit_test_setup_teardown(
			test_stop_does_not_wait_for_a_request_that_comes_late, open_stage,
			stage_tear_down),
		cmocka_unit_test_setup_teardown(
			test_front_starts_with_what_a_pool_has_done_in_the_same_turn, open_stage,
			stage_tear_down),
	};

	return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
