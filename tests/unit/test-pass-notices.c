/* What messages of the keeper do to a balancer. The programs are the test. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "channel/channel.h"
#include "front/pass/balancer.h"
#include "front/pass/pass.h"
#include "pass-stage.h"

static struct balancer_group group;
static struct balancer *balancer;
static unsigned n_rooms;

static void on_room(struct balancer *of)
{
	n_rooms++;
}

static int set_up(void **state)
{
	stage_set_up(N_CLIENTS);
	n_rooms = 0;
	group = (struct balancer_group){ .on_room = on_room };
	list_init(&group.dismissed);
	list_init(&group.growing);
	balancer = balancer_new(&group, &stage.service, stage.table);
	stage.service.data = balancer;
	return balancer ? 0 : -1;
}

static int tear_down(void **state)
{
	balancer_free(balancer);
	stage_tear_down();
	return 0;
}

static void tell(const struct channel_message message)
{
	pass_dispatch.on_service_message(&stage.service, &message, -1);
}

static void tell_process(unsigned index, int fd)
{
	const struct channel_message message = {
		.type = CHANNEL_PROCESS,
		.process = { .index = index, .pid = FIRST_PID + (int)index },
	};

	pass_dispatch.on_service_message(&stage.service, &message, fd);
}

static void give(void)
{
	struct pass_client client = stage_client();

	balancer_give(balancer, &client);
}

static void expect_closed(int process)
{
	char byte;

	assert_int_equal(recv(stage.programs[process], &byte, 1, MSG_DONTWAIT), 0);
}

static void test_a_pool_that_may_grow_lets_listeners_go_on(void **state)
{
	tell((struct channel_message){ .type = CHANNEL_POOL, .pool = { .may_grow = true } });
	assert_true(balancer->may_grow);
	assert_int_equal(n_rooms, 1);
	tell((struct channel_message){ .type = CHANNEL_POOL, .pool = { .may_grow = false } });
	assert_false(balancer->may_grow);
	assert_int_equal(n_rooms, 1);
}

static void test_a_new_process_takes_clients_and_its_row_is_its_own(void **state)
{
	pass_table_entry(stage.table, 1, 0)->taken = true;
	tell_process(1, stage_socket(1));
	assert_int_equal(balancer_find(balancer, 1)->pid, FIRST_PID + 1);
	assert_int_equal(n_rooms, 1);
	assert_int_equal(stage.stats.ended, 1);
	assert_int_equal(stage.sessions, 0);
	give();
	assert_int_equal(stage_receive(1), 0);
}

static void test_the_socket_of_a_process_without_a_row_is_closed(void **state)
{
	tell_process(1, stage_socket(1));
	tell_process(N_PROCESSES, stage_socket(2));
	expect_closed(2);
	tell_process(1, stage_socket(2));
	expect_closed(2);
	assert_int_equal(group.n_processes, 1);
}

static void test_halted_the_row_of_a_new_process_is_left_alone(void **state)
{
	pass_table_entry(stage.table, 1, 0)->taken = true;
	stage.context.mode = MODE_HALTED;
	tell_process(1, stage_socket(1));
	assert_int_equal(pass_table_count(stage.table, 1), 1);
	assert_non_null(balancer_find(balancer, 1));
	assert_int_equal(n_rooms, 0);
}

static void test_draining_a_new_process_is_turned_away(void **state)
{
	stage.context.mode = MODE_DRAINING;
	tell_process(1, stage_socket(1));
	expect_closed(1);
	tell_process(2, -1);
	assert_int_equal(group.n_processes, 0);
}

static void test_a_process_that_leaves_gets_no_more_clients(void **state)
{
	tell_process(1, stage_socket(1));
	tell((struct channel_message){ .type = CHANNEL_LEAVE, .leave = { .index = 1 } });
	assert_false(balancer_has_room(balancer));
	assert_true(balancer_find(balancer, 1)->leaving);
}

static void test_a_process_that_has_gone_ends_its_clients(void **state)
{
	tell_process(1, stage_socket(1));
	give();
	tell((struct channel_message){ .type = CHANNEL_PROCESS_GONE,
				       .process_gone = { .index = 1, .status = 9 } });
	assert_null(balancer_find(balancer, 1));
	assert_int_equal(stage.sessions, 0);
	assert_int_equal(stage.stats.ended, 1);
}

static void test_listeners_go_on_when_a_process_has_gone_with_its_clients(void **state)
{
	tell_process(1, stage_socket(1));
	tell_process(2, stage_socket(2));
	give();
	n_rooms = 0;
	tell((struct channel_message){ .type = CHANNEL_PROCESS_GONE,
				       .process_gone = { .index = 1 } });
	assert_int_equal(n_rooms, 1);
}

static void test_who_is_not_there_neither_leaves_nor_goes(void **state)
{
	static const unsigned indices[] = { 0, N_PROCESSES, UINT32_MAX };

	tell_process(1, stage_socket(1));
	for (size_t i = 0; i < sizeof(indices) / sizeof(indices[0]); i++) {
		tell((struct channel_message){ .type = CHANNEL_LEAVE,
					       .leave = { .index = indices[i] } });
		tell((struct channel_message){ .type = CHANNEL_PROCESS_GONE,
					       .process_gone = { .index = indices[i] } });
	}
	assert_true(balancer_has_room(balancer));
	assert_int_equal(group.n_processes, 1);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_a_pool_that_may_grow_lets_listeners_go_on),
		CASE(test_a_new_process_takes_clients_and_its_row_is_its_own),
		CASE(test_the_socket_of_a_process_without_a_row_is_closed),
		CASE(test_halted_the_row_of_a_new_process_is_left_alone),
		CASE(test_draining_a_new_process_is_turned_away),
		CASE(test_a_process_that_leaves_gets_no_more_clients),
		CASE(test_a_process_that_has_gone_ends_its_clients),
		CASE(test_listeners_go_on_when_a_process_has_gone_with_its_clients),
		CASE(test_who_is_not_there_neither_leaves_nor_goes),
	};

	return cmocka_run_group_tests_name("pass-notices", tests, NULL, NULL);
}
