/*
 * What a balancer decides, without a front: the programs are the test, the keeper is a list of what
 * was asked for, and time is moved by hand.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "front/pass/balancer.h"
#include "pass-stage.h"

static struct balancer_group group;
static struct balancer *balancer;
static int64_t passed_ms;

static struct keeper {
	unsigned dismissed[8];
	unsigned n_dismissed;
	unsigned n_grown;
	unsigned n_rooms; /* how often there was room, for the listeners */
} keeper;

static void on_room(struct balancer *of)
{
	assert_ptr_equal(of, balancer);
	keeper.n_rooms++;
}

static int set_up(void **state)
{
	stage_set_up(N_CLIENTS);
	keeper = (struct keeper){ 0 };
	passed_ms = 0;
	group = (struct balancer_group){ .on_room = on_room };
	list_init(&group.dismissed);
	list_init(&group.growing);
	balancer = balancer_new(&group, &stage.service, stage.table);
	return balancer ? 0 : -1;
}

static int tear_down(void **state)
{
	balancer_free(balancer);
	assert_int_equal(group.n_processes, 0);
	stage_tear_down();
	return 0;
}

static void add_only(unsigned process_index)
{
	assert_int_equal(balancer_add(balancer, process_index, FIRST_PID + (int)process_index,
				      stage_socket((int)process_index)),
			 0);
}

static void add(unsigned process_index)
{
	add_only(process_index);
	balancer_update(balancer);
	keeper.n_rooms = 0;
}

static void give(void)
{
	struct pass_client client = stage_client();

	assert_true(balancer_has_room(balancer));
	balancer_give(balancer, &client);
}

/* As at the end of a turn. */
static void report(void)
{
	list_for_each(at, following, &group.dismissed) {
		const struct pass_process *process =
			container_of(at, struct pass_process, dismissed_link);

		list_unlink(at);
		keeper.dismissed[keeper.n_dismissed++] = process->index;
	}
	list_for_each(at, following, &group.growing) {
		assert_ptr_equal(at, &balancer->growing_link);
		list_unlink(at);
		keeper.n_grown++;
	}
}

/* Processes have been idle for longer then, and timers are due. */
static void let_time_pass(int64_t ms)
{
	passed_ms += ms;
	list_for_each(at, following, &balancer->processes)
		container_of(at, struct pass_process, link)->idle_since_ms -= ms;
	timers_run(stage.context.timers, clock_ms() + passed_ms);
	report();
}

static void expect_dismissals(unsigned n, unsigned first)
{
	assert_int_equal(keeper.n_dismissed, n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(keeper.dismissed[i], first + i);
}

static void test_the_least_loaded_process_gets_the_next_client(void **state)
{
	add(0);
	add(1);
	give();
	assert_int_equal(stage_receive(1), 0);
	give();
	assert_int_equal(stage_receive(0), 0);
	stage_finish(1, 0);
	give();
	assert_int_equal(stage_receive(1), 0);
	assert_int_equal(stage_receive(0), -1);
}

static void test_without_room_nobody_is_taken_until_a_client_ends(void **state)
{
	assert_false(balancer_has_room(balancer));
	add(0);
	for (int i = 0; i < N_CLIENTS; i++)
		give();
	assert_false(balancer_has_room(balancer));
	assert_int_equal(keeper.n_rooms, 0);
	assert_int_equal(stage.sessions, N_CLIENTS);
	stage_finish(0, 1);
	assert_true(balancer_has_room(balancer));
	assert_int_equal(keeper.n_rooms, 1);
}

static void test_growth_is_asked_for_once_until_the_keeper_allows_more(void **state)
{
	balancer_grow(balancer);
	report();
	assert_int_equal(keeper.n_grown, 0);

	balancer->may_grow = true;
	balancer_grow(balancer);
	balancer_grow(balancer);
	report();
	report();
	balancer_grow(balancer);
	report();
	assert_int_equal(keeper.n_grown, 1);
	balancer->may_grow = true;
	balancer_grow(balancer);
	report();
	assert_int_equal(keeper.n_grown, 2);
}

static void test_listeners_go_on_where_one_more_process_may_be_asked_for(void **state)
{
	balancer_update(balancer);
	assert_int_equal(keeper.n_rooms, 0);
	balancer->may_grow = true;
	balancer_update(balancer);
	assert_int_equal(keeper.n_rooms, 1);
}

static void test_a_process_that_ends_before_the_keeper_is_told_is_not_dismissed(void **state)
{
	stage.settings.pool.min = 1;
	add(0);
	add(1);
	timers_run(stage.context.timers, clock_ms() + 1);
	assert_true(balancer_find(balancer, 0)->dismissed);
	balancer_on_gone(balancer_find(balancer, 0), 0);
	report();
	assert_int_equal(keeper.n_dismissed, 0);
	assert_int_equal(group.n_processes, 1);
}

static void test_a_client_that_one_socket_does_not_take_goes_to_the_next(void **state)
{
	add(0);
	add(1);
	close(take_fd(stage.programs[1]));
	give();
	assert_int_equal(stage_receive(0), 0);
	assert_int_equal(stage.sessions, 1);
}

static void test_a_client_that_no_socket_takes_waits_for_the_next_process(void **state)
{
	add(0);
	close(take_fd(stage.programs[0]));
	give();
	assert_int_equal(stage.sessions, 1);
	assert_false(balancer_has_room(balancer));
	add_only(1);
	/* There is a process, but the one that waits is first. */
	assert_false(balancer_has_room(balancer));
	balancer_update(balancer);
	assert_int_equal(stage_receive(1), 0);
	assert_int_equal(stage.sessions, 1);
	assert_true(balancer_has_room(balancer));
	assert_int_equal(stage.stats.failed, 0);
}

static void test_two_idle_processes_above_a_minimum_of_one_are_one_too_many(void **state)
{
	stage.settings.pool.min = 1;
	add(0);
	add(1);
	let_time_pass(1);
	expect_dismissals(1, 0);
	for (int i = 0; i < 5; i++)
		let_time_pass(1000000);
	expect_dismissals(1, 0);
	assert_int_equal(balancer->n_staying, 1);
	assert_false(timer_is_set(&balancer->idle));
	give();
	assert_int_equal(stage_receive(1), 0);
}

static void test_idle_processes_above_the_minimum_end_each_after_its_time(void **state)
{
	stage.settings.pool.min = 1;
	stage.settings.pool.idle_exit_ms = 300000;
	for (unsigned i = 0; i < N_PROCESSES; i++)
		add(i);
	give();
	assert_int_equal(stage_receive(2), 0);
	let_time_pass(200000);
	assert_int_equal(keeper.n_dismissed, 0);
	stage_finish(2, 0);
	let_time_pass(200000);
	expect_dismissals(2, 0);
	let_time_pass(200000);
	expect_dismissals(2, 0);
}

static void test_with_a_minimum_of_zero_the_last_process_ends_too(void **state)
{
	stage.settings.pool.min = 0;
	stage.settings.pool.idle_exit_ms = 300000;
	add(0);
	add(1);
	give();
	assert_int_equal(stage_receive(1), 0);
	let_time_pass(400000);
	expect_dismissals(1, 0);
	stage_finish(1, 0);
	let_time_pass(200000);
	expect_dismissals(1, 0);
	let_time_pass(200000);
	expect_dismissals(2, 0);
}

static void test_a_process_that_closes_ends_after_a_moment_and_its_last_client(void **state)
{
	add(0);
	give();
	assert_int_equal(stage_receive(0), 0);
	assert_int_equal(shutdown(stage.programs[0], SHUT_WR), 0);
	stage_turn();
	assert_false(balancer_has_room(balancer));
	let_time_pass(1000);
	assert_int_equal(keeper.n_dismissed, 0);

	add(1);
	close(take_fd(stage.programs[1]));
	stage_turn();
	report();
	assert_int_equal(keeper.n_dismissed, 0);
	let_time_pass(1000);
	expect_dismissals(1, 1);
}

static void test_the_end_of_a_process_that_closes_waits_for_no_idle_one(void **state)
{
	stage.settings.pool.min = 0;
	stage.settings.pool.idle_exit_ms = 300000;
	add(0);
	add(1);
	close(take_fd(stage.programs[1]));
	stage_turn();
	let_time_pass(1000);
	expect_dismissals(1, 1);
}

static void test_a_process_without_a_socket_is_ended_after_a_moment(void **state)
{
	assert_int_equal(balancer_add(balancer, 0, FIRST_PID, -1), 0);
	assert_false(balancer_has_room(balancer));
	report();
	assert_int_equal(keeper.n_dismissed, 0);
	let_time_pass(1000);
	expect_dismissals(1, 0);
}

static void test_a_process_that_leaves_gets_no_more_clients(void **state)
{
	add(0);
	give();
	balancer_leave(balancer_find(balancer, 0));
	balancer_leave(balancer_find(balancer, 0));
	assert_false(balancer_has_room(balancer));
	stage_finish(0, 0);
	report();
	assert_false(balancer_has_room(balancer));
	assert_int_equal(balancer->n_staying, 0);
	assert_int_equal(keeper.n_dismissed, 0);
	assert_int_equal(group.n_processes, 1);
}

static void test_a_process_that_ends_makes_its_index_free(void **state)
{
	add(0);
	assert_int_equal(balancer_add(balancer, 0, FIRST_PID, stage_socket(0)), -EBADMSG);
	assert_int_equal(balancer_add(balancer, N_PROCESSES, FIRST_PID, -1), -EBADMSG);
	assert_null(balancer_find(balancer, 1));
	assert_null(balancer_find(balancer, N_PROCESSES));
	balancer_on_gone(balancer_find(balancer, 0), 0);
	assert_null(balancer_find(balancer, 0));
	add(0);
	give();
	assert_int_equal(stage_receive(0), 0);
}

static void test_what_a_new_process_finds_in_its_row_is_ended(void **state)
{
	pass_table_entry(stage.table, 0, 0)->taken = true;
	add(1);
	balancer_end_orphans(balancer, 0);
	assert_int_equal(pass_table_count(stage.table, 0), 0);
	assert_int_equal(stage.stats.ended, 1);

	pass_table_entry(stage.table, 1, 0)->taken = true;
	pass_table_entry(stage.table, 2, 0)->taken = true;
	balancer_end_orphans(balancer, 1);
	balancer_end_orphans(balancer, N_PROCESSES);
	stage.context.mode = MODE_HALTED;
	balancer_end_orphans(balancer, 2);
	assert_int_equal(stage.stats.ended, 1);
}

static void test_halted_the_clients_are_another_fronts_until_it_resumes(void **state)
{
	add(0);
	add(1);
	give();
	give();
	balancer_leave(balancer_find(balancer, 0));
	stage.context.mode = MODE_HALTED;
	balancer_halt(balancer);
	assert_int_equal(stage.sessions, 1);
	balancer->may_grow = true;
	add_only(2);
	balancer_update(balancer);
	assert_false(balancer_has_room(balancer));
	assert_int_equal(keeper.n_rooms, 0);

	stage.context.mode = MODE_SERVING;
	balancer_resume(balancer);
	assert_int_equal(stage.sessions, 2);
	assert_int_equal(balancer->n_staying, 3);
	assert_int_equal(keeper.n_rooms, 1);
	give();
	assert_int_equal(stage_receive(2), 0);
}

static void test_halted_nobody_is_dismissed(void **state)
{
	assert_int_equal(balancer_add(balancer, 0, FIRST_PID, -1), 0);
	stage.context.mode = MODE_HALTED;
	balancer_halt(balancer);
	let_time_pass(1000);
	assert_int_equal(keeper.n_dismissed, 0);
	stage.context.mode = MODE_SERVING;
	balancer_resume(balancer);
	let_time_pass(1000);
	expect_dismissals(1, 0);
}

static void test_drained_with_a_successor_only_leaving_processes_stay(void **state)
{
	for (unsigned i = 0; i < N_PROCESSES; i++)
		add(i);
	for (int i = 0; i < 3; i++)
		give();
	balancer_leave(balancer_find(balancer, 1));
	stage.context.mode = MODE_DRAINING;
	balancer_drain(balancer, true);
	assert_null(balancer_find(balancer, 0));
	assert_null(balancer_find(balancer, 2));
	assert_int_equal(group.n_processes, 1);
	assert_int_equal(stage.sessions, 1);
	/* The next front finds them there. */
	assert_int_equal(pass_table_count(stage.table, 0), 1);

	report();
	assert_int_equal(keeper.n_dismissed, 0);
	stage_finish(1, 0);
	report();
	expect_dismissals(1, 1);
	assert_int_equal(group.n_processes, 0);
	assert_int_equal(stage.sessions, 0);
}

static void test_drained_without_a_successor_every_process_leaves(void **state)
{
	add(0);
	add(1);
	give();
	stage.context.mode = MODE_DRAINING;
	balancer_drain(balancer, false);
	report();
	expect_dismissals(1, 0);
	assert_int_equal(group.n_processes, 1);
	stage_finish(1, 0);
	report();
	expect_dismissals(2, 0);
	assert_int_equal(group.n_processes, 0);
}

static void test_drained_nobody_is_dismissed_twice(void **state)
{
	stage.settings.pool.min = 0;
	add(0);
	add(1);
	let_time_pass(1);
	stage.context.mode = MODE_DRAINING;
	balancer_drain(balancer, false);
	report();
	expect_dismissals(2, 0);
	assert_int_equal(group.n_processes, 0);
}

static void test_drained_a_client_that_waits_is_lost(void **state)
{
	add(0);
	close(take_fd(stage.programs[0]));
	give();
	stage.context.mode = MODE_DRAINING;
	balancer_drain(balancer, false);
	assert_int_equal(stage.sessions, 0);
	assert_int_equal(stage.stats.failed, 1);
}

static void test_clients_that_had_their_time_are_ended(void **state)
{
	add(0);
	give();
	give();
	balancer_end_clients(balancer);
	assert_int_equal(stage.sessions, 0);
	assert_int_equal(stage.stats.ended, 2);
	assert_int_equal(pass_table_count(stage.table, 0), 0);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_the_least_loaded_process_gets_the_next_client),
		CASE(test_without_room_nobody_is_taken_until_a_client_ends),
		CASE(test_growth_is_asked_for_once_until_the_keeper_allows_more),
		CASE(test_listeners_go_on_where_one_more_process_may_be_asked_for),
		CASE(test_a_process_that_ends_before_the_keeper_is_told_is_not_dismissed),
		CASE(test_a_client_that_one_socket_does_not_take_goes_to_the_next),
		CASE(test_a_client_that_no_socket_takes_waits_for_the_next_process),
		CASE(test_two_idle_processes_above_a_minimum_of_one_are_one_too_many),
		CASE(test_idle_processes_above_the_minimum_end_each_after_its_time),
		CASE(test_with_a_minimum_of_zero_the_last_process_ends_too),
		CASE(test_a_process_that_closes_ends_after_a_moment_and_its_last_client),
		CASE(test_the_end_of_a_process_that_closes_waits_for_no_idle_one),
		CASE(test_a_process_without_a_socket_is_ended_after_a_moment),
		CASE(test_a_process_that_leaves_gets_no_more_clients),
		CASE(test_a_process_that_ends_makes_its_index_free),
		CASE(test_what_a_new_process_finds_in_its_row_is_ended),
		CASE(test_halted_the_clients_are_another_fronts_until_it_resumes),
		CASE(test_halted_nobody_is_dismissed),
		CASE(test_drained_with_a_successor_only_leaving_processes_stay),
		CASE(test_drained_without_a_successor_every_process_leaves),
		CASE(test_drained_nobody_is_dismissed_twice),
		CASE(test_drained_a_client_that_waits_is_lost),
		CASE(test_clients_that_had_their_time_are_ended),
	};

	return cmocka_run_group_tests_name("balancer", tests, NULL, NULL);
}
