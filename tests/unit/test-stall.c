/* Requests that wait while the machine is short of something. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "keeper-stage.h"

#define LATER_MS 60000

static const char services[] =
	"service wait { listen = \"tcp:127.0.0.1:0\" exec = \"/bin/true\" dispatch = wait }\n";

/* Memory for a child, that is; for a request there is some. */
static bool no_memory;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *__wrap_calloc(size_t n, size_t size)
{
	return no_memory ? NULL : __real_calloc(n, size);
}

static int open_stage(void **state)
{
	return stage_set_up(state, services);
}

static void ask(struct stage *stage)
{
	const struct channel_message message = { .type = CHANNEL_WAIT };

	assert_int_equal(channel_send(stage->channel, &message, -1), 0);
	stage_turn(stage);
}

static void ask_in_vain(struct stage *stage)
{
	no_memory = true;
	ask(stage);
	no_memory = false;
}

static void let_time_pass(struct stage *stage)
{
	timers_run(stage->keeper.timers, clock_ms() + LATER_MS);
}

static void assert_waits(const struct stage *stage)
{
	assert_true(list_is_linked(&stage->keeper.requests.shortage.waiting));
	assert_true(stage->keeper.fronts.paused);
	assert_true(timer_is_set(&stage->keeper.requests.shortage.timer));
	assert_int_equal(stage_live(stage, 0), 1);
}

static void assert_nothing_waits(const struct stage *stage)
{
	assert_false(list_is_linked(&stage->keeper.requests.shortage.waiting));
	assert_false(stage->keeper.fronts.paused);
	assert_false(timer_is_set(&stage->keeper.requests.shortage.timer));
}

static void test_request_waits_until_its_program_can_be_started(void **state)
{
	struct stage *stage = *state;

	ask_in_vain(stage);
	assert_waits(stage);
	let_time_pass(stage);
	assert_nothing_waits(stage);
	assert_int_equal(children_count(&stage->keeper.children), 1);
}

/* The keeper stops, and a request that was on the way comes after those were given up. */
static void test_request_after_others_were_given_up_waits_like_the_first(void **state)
{
	struct stage *stage = *state;

	ask_in_vain(stage);
	requests_give_up(&stage->keeper.requests);
	assert_int_equal(stage_live(stage, 0), 0);
	let_time_pass(stage);
	assert_nothing_waits(stage);

	ask_in_vain(stage);
	assert_waits(stage);
	let_time_pass(stage);
	assert_nothing_waits(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_request_waits_until_its_program_can_be_started,
						open_stage, stage_tear_down),
		cmocka_unit_test_setup_teardown(
			test_request_after_others_were_given_up_waits_like_the_first, open_stage,
			stage_tear_down),
	};

	return cmocka_run_group_tests_name("stall", tests, NULL, NULL);
}
