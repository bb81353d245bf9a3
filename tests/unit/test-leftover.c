/* What a sender wrote to a program that has ended, while no front can read it. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/socket.h>

#include "keeper-stage.h"
#include "keeper/leftover.h"

static const char services[] =
	"service udp { listen = \"udp:127.0.0.1:0\" exec = \"/bin/true\" }\n";

static int open_stage(void **state)
{
	return stage_set_up(state, services);
}

/* A child of the service that has ended, and has not read what its socket holds. */
static struct child *make_ended(const struct stage *stage)
{
	const struct generation *generation = stage->keeper.generation;
	struct child *child = child_new();
	int pair[2];

	assert_non_null(child);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(send(pair[1], "x", 1, 0), 1);
	close(pair[1]);
	child->leftover = pair[0];
	child->slot = generation->slots[0];
	child->housed = generation->housed[0];
	return child;
}

static void test_leftover_waits_for_a_front(void **state)
{
	struct stage *stage = *state;
	struct channel_message message;
	int fd;

	stage->front.state = FRONT_HALTED;
	leftover_end(&stage->keeper, make_ended(stage));
	keeper_sweep(&stage->keeper);
	assert_int_equal(channel_receive(stage->channel, &message, &fd), -EAGAIN);

	stage->front.state = FRONT_SERVING;
	leftovers_pass(&stage->keeper);
	assert_int_equal(channel_receive(stage->channel, &message, &fd), 1);
	assert_int_equal(message.type, CHANNEL_LEFTOVER);
	assert_int_equal(message.endpoint, 0);
	close(fd);
}

/* The keeper forgets the service, and nobody would know what to do with it. */
static void test_leftover_of_a_service_that_is_gone_is_not_kept(void **state)
{
	struct stage *stage = *state;
	struct child *child = make_ended(stage);

	assert_int_equal(slots_take(&stage->keeper.slots, "gone", &child->slot), 0);
	stage->front.state = FRONT_HALTED;
	leftover_end(&stage->keeper, child);
	assert_true(list_is_linked(&stage->keeper.leftovers));
	keeper_sweep(&stage->keeper);
	assert_false(list_is_linked(&stage->keeper.leftovers));
}

static void test_leftover_of_a_listener_that_is_gone_is_not_kept(void **state)
{
	struct stage *stage = *state;
	struct child *child = make_ended(stage);
	struct housed closed = { 0 };

	child->housed = &closed;
	stage->front.state = FRONT_HALTED;
	leftover_end(&stage->keeper, child);
	keeper_sweep(&stage->keeper);
	assert_false(list_is_linked(&stage->keeper.leftovers));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_leftover_waits_for_a_front, open_stage,
						stage_tear_down),
		cmocka_unit_test_setup_teardown(test_leftover_of_a_service_that_is_gone_is_not_kept,
						open_stage, stage_tear_down),
		cmocka_unit_test_setup_teardown(
			test_leftover_of_a_listener_that_is_gone_is_not_kept, open_stage,
			stage_tear_down),
	};

	return cmocka_run_group_tests_name("leftover", tests, NULL, NULL);
}
