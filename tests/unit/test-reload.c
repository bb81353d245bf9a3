/* A reload that waits for something that never comes: it ends, and what was before goes on. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "keeper-stage.h"
#include "keeper/startup.h"

#define REHEARSAL_LIMIT_MS 30000
#define START_LIMIT_MS 10000
#define ALMOST_MS 1000

/* Nobody has these numbers: processes are neither started nor killed. */
#define REHEARSAL_PID 1000001
#define FRONT_PID 1000002

static const char text[] = "log = \"/dev/null\"\n"
			   "service echo { listen = {\"tcp:127.0.0.1:0\"} builtin = echo }\n";
static char path[] = "/tmp/superd-test-reload-XXXXXX";
static pid_t killed;
static struct front *started;
static int their_end; /* of the channel of the front that was started */

int __wrap_kill(pid_t pid, int number);
int __wrap_rehearsal_start(struct rehearsal *rehearsal, const struct sources *sources,
			   const struct load_options *options);
int __wrap_front_start(struct keeper *keeper, struct generation *generation, struct front **out);

int __wrap_kill(pid_t pid, int number)
{
	assert_int_equal(number, SIGKILL);
	killed = pid;
	return 0;
}

int __wrap_rehearsal_start(struct rehearsal *rehearsal, const struct sources *sources,
			   const struct load_options *options)
{
	rehearsal->pid = REHEARSAL_PID;
	return 0;
}

int __wrap_front_start(struct keeper *keeper, struct generation *generation, struct front **out)
{
	int r = fronts_prepare(&keeper->fronts, generation, &started, &their_end);

	if (r < 0)
		return r;
	started->pid = FRONT_PID;
	fronts_add(&keeper->fronts, started);
	*out = started;
	return 0;
}

static int make_file(void **state)
{
	int fd = mkstemp(path);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	return fd >= 0 && close(fd) == 0 && done ? 0 : -1;
}

static int remove_file(void **state)
{
	return unlink(path);
}

static int open_stage(void **state)
{
	int r = stage_set_up(state, text);
	struct stage *stage = *state;

	stage->options.path = path;
	killed = 0;
	their_end = -1;
	return r;
}

static int close_stage(void **state)
{
	struct stage *stage = *state;

	reload_fini(&stage->keeper);
	if (their_end >= 0)
		close(their_end);
	return stage_tear_down(state);
}

static void let_pass(struct stage *stage, int64_t ms)
{
	timers_run(stage->keeper.timers, clock_ms() + ms);
}

/* Among others, such as the log file. */
static void assert_told(const struct stage *stage, enum channel_type type)
{
	struct channel_message message;
	int fd;

	do {
		fd = -1;
		assert_int_equal(channel_receive(stage->channel, &message, &fd), 1);
		if (fd >= 0)
			close(fd);
	} while (message.type != type);
}

static void assert_goes_on_as_before(struct stage *stage)
{
	struct keeper *keeper = &stage->keeper;

	assert_int_equal(keeper->reload.state, RELOAD_NONE);
	assert_false(timer_is_set(&keeper->reload.limit));
	assert_true(keeper->reload.failed);
	assert_ptr_equal(keeper->fronts.current, stage->front);
	assert_int_equal(stage->front->state, FRONT_SERVING);

	/* And the next one is begun. */
	reload_begin(keeper);
	assert_int_equal(keeper->reload.state, RELOAD_REHEARSING);
}

static void test_a_rehearsal_that_hangs_is_killed(void **state)
{
	struct stage *stage = *state;

	reload_begin(&stage->keeper);
	let_pass(stage, REHEARSAL_LIMIT_MS - ALMOST_MS);
	assert_int_equal(killed, 0);
	let_pass(stage, REHEARSAL_LIMIT_MS);
	assert_int_equal(killed, REHEARSAL_PID);

	reload_rehearsed(&stage->keeper, SIGKILL);
	assert_goes_on_as_before(stage);
}

static void test_a_new_front_that_hangs_is_killed_and_the_old_one_resumes(void **state)
{
	const struct channel_message halted = { .type = CHANNEL_HALTED };
	struct stage *stage = *state;

	reload_begin(&stage->keeper);
	reload_rehearsed(&stage->keeper, 0);
	assert_told(stage, CHANNEL_HALT);
	assert_int_equal(channel_send(stage->channel, &halted, -1), 0);
	stage_turn(stage);
	assert_int_equal(stage->keeper.reload.state, RELOAD_STARTING);

	let_pass(stage, START_LIMIT_MS - ALMOST_MS);
	assert_int_equal(killed, 0);
	let_pass(stage, START_LIMIT_MS);
	assert_int_equal(killed, FRONT_PID);

	reload_front_died(&stage->keeper, started);
	assert_told(stage, CHANNEL_RESUME);
	assert_goes_on_as_before(stage);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		CASE(test_a_rehearsal_that_hangs_is_killed),
		CASE(test_a_new_front_that_hangs_is_killed_and_the_old_one_resumes),
	};

	return cmocka_run_group_tests_name("reload", tests, make_file, remove_file);
}
