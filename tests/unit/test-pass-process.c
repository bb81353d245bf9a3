/* One process, whose program is the test. Its owner counts how often it is told of a change. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pass-stage.h"

static struct pass_common common;
static struct pass_process *process;
static unsigned changes;

static void on_change(struct pass_process *changed)
{
	assert_ptr_equal(changed, process);
	changes++;
}

static void make_process(void)
{
	common = (struct pass_common){ &stage.service, stage.table, on_change };
	changes = 0;
	process = pass_process_new(&common, 1, FIRST_PID + 1, stage_socket(1));
	assert_non_null(process);
	assert_int_equal(pass_process_activate(process), 0);
}

static int set_up(void **state)
{
	stage_set_up(N_CLIENTS);
	make_process();
	return 0;
}

static int tear_down(void **state)
{
	pass_process_free(process);
	stage_tear_down();
	return 0;
}

/* As a balancer does. */
static int send_client(void)
{
	struct pass_client client = stage_client();
	int r;

	r = pass_process_send(process, &client);
	if (r == 0)
		service_count_sessions(&stage.service, 1);
	close(client.fd);
	return r;
}

static bool is_taken(unsigned client_index)
{
	return pass_table_entry(stage.table, 1, client_index)->taken;
}

static void test_clients_stand_in_the_table_until_their_answer(void **state)
{
	assert_int_equal(send_client(), 0);
	assert_int_equal(send_client(), 0);
	assert_int_equal(stage_receive(1), 0);
	assert_int_equal(stage_receive(1), 1);
	assert_int_equal(pass_process_clients(process), 2);
	assert_true(is_taken(0) && is_taken(1));
	assert_int_equal(pass_table_entry(stage.table, 1, 1)->peer.any.sa_family, AF_UNIX);

	stage_finish(1, 0);
	assert_int_equal(changes, 1);
	assert_int_equal(pass_process_clients(process), 1);
	assert_false(is_taken(0));
	assert_true(is_taken(1));
	assert_int_equal(stage.sessions, 1);
	assert_int_equal(stage.stats.ended, 1);

	assert_int_equal(send_client(), 0);
	assert_int_equal(stage_receive(1), 0);
}

static void test_what_is_no_answer_ends_nobody(void **state)
{
	static const char *const texts[] = { "DONE=1", "DONE=2", "DONE=", "what?",
					     "DONE=0 and more" };

	assert_int_equal(send_client(), 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		stage_say(1, texts[i]);
	stage_turn();
	assert_true(process->warned);
	assert_int_equal(pass_process_clients(process), 1);
	stage_finish(1, 0);
	assert_int_equal(pass_process_clients(process), 0);
	assert_int_equal(stage.stats.ended, 1);
}

static void test_a_client_is_over_once(void **state)
{
	assert_int_equal(send_client(), 0);
	stage_finish(1, 0);
	stage_finish(1, 0);
	assert_int_equal(stage.stats.ended, 1);
	assert_int_equal(stage.sessions, 0);
}

static void test_clients_are_this_fronts_while_the_process_is_active(void **state)
{
	assert_int_equal(send_client(), 0);
	pass_process_deactivate(process);
	pass_process_deactivate(process);
	assert_int_equal(stage.sessions, 0);
	stage_finish(1, 0);
	assert_true(is_taken(0));
	assert_int_equal(changes, 0);

	assert_int_equal(pass_process_activate(process), 0);
	assert_int_equal(stage.sessions, 1);
	stage_turn();
	assert_int_equal(stage.sessions, 0);
	assert_false(is_taken(0));
}

static void test_clients_of_a_dead_front_are_taken_over(void **state)
{
	assert_int_equal(send_client(), 0);
	assert_int_equal(send_client(), 0);
	stage_finish(1, 0);
	pass_process_free(process);
	stage.sessions = 0;

	make_process();
	assert_int_equal(stage.sessions, 1);
	assert_int_equal(pass_process_clients(process), 1);
	assert_int_equal(send_client(), 0);
	assert_int_equal(stage_receive(1), 0);
	stage_finish(1, 1);
	assert_int_equal(stage.sessions, 1);
}

static void test_a_full_socket_is_waited_for_and_costs_no_entry(void **state)
{
	unsigned n = 0;
	int r;

	tear_down(NULL);
	stage_set_up(1000);
	make_process();
	while ((r = send_client()) == 0)
		n++;
	assert_int_equal(r, -EAGAIN);
	assert_true(n > 1);
	assert_int_equal(pass_process_clients(process), n);
	assert_int_equal(pass_table_count(stage.table, 1), n);
	assert_false(pass_process_is_writable(process));

	for (unsigned i = 0; i < n; i++)
		assert_int_equal(stage_receive(1), i);
	stage_turn();
	assert_int_equal(changes, 1);
	assert_true(pass_process_is_writable(process));
	assert_int_equal(send_client(), 0);
}

static void test_a_closed_socket_takes_nobody_and_its_last_answers_count(void **state)
{
	assert_int_equal(send_client(), 0);
	assert_int_equal(send_client(), 0);
	assert_int_equal(stage_receive(1), 0);
	assert_int_equal(stage_receive(1), 1);
	stage_say(1, "DONE=1");
	close(take_fd(stage.programs[1]));
	assert_int_equal(stage.sessions, 2);
	stage_turn();
	assert_int_equal(stage.sessions, 1);
	assert_int_equal(changes, 1);
	assert_true(pass_process_is_closed(process));
	assert_false(pass_process_is_writable(process));
	assert_int_equal(pass_process_clients(process), 1);
	assert_true(is_taken(0));
}

static void test_a_client_for_a_program_that_has_just_closed_stays_the_callers(void **state)
{
	close(take_fd(stage.programs[1]));
	assert_int_equal(send_client(), -EPIPE);
	assert_int_equal(pass_process_clients(process), 0);
	assert_int_equal(pass_table_count(stage.table, 1), 0);
	stage_turn();
	assert_true(pass_process_is_closed(process));
}

static void test_the_end_of_a_process_is_the_end_of_its_clients(void **state)
{
	const int status = 9;

	assert_int_equal(send_client(), 0);
	assert_int_equal(send_client(), 0);
	stage_say(1, "DONE=0");
	pass_process_end_clients(process, &status);
	assert_int_equal(stage.stats.ended, 2);
	assert_int_equal(stage.sessions, 0);
	assert_int_equal(pass_process_clients(process), 0);
	assert_int_equal(pass_table_count(stage.table, 1), 0);
}

static void test_clients_of_a_process_that_nobody_saw_end_are_ended(void **state)
{
	pass_table_entry(stage.table, 2, 1)->taken = true;
	pass_process_end_orphans(&common, 2);
	assert_int_equal(pass_table_count(stage.table, 2), 0);
	assert_int_equal(stage.stats.ended, 1);
	/* No front counts them. */
	assert_int_equal(stage.sessions, 0);
}

/* Another front may have written anything there. */
static void test_no_client_has_lived_for_less_than_no_time(void **state)
{
	static const int64_t times[] = { INT64_MIN, -1, INT64_MAX };
	char line[256] = "";
	int saved = dup(STDERR_FILENO), ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	stage.settings.log_on_success = RECORD_DURATION;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		pass_table_entry(stage.table, 2, 1)->taken = true;
		pass_table_entry(stage.table, 2, 1)->started_us = times[i];
		dup2(ends[1], STDERR_FILENO);
		pass_process_end_orphans(&common, 2);
		dup2(saved, STDERR_FILENO);
		assert_true(read(ends[0], line, sizeof(line) - 1) > 0);
		assert_non_null(strstr(line, "after 0.000 s"));
	}
	close(saved);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_clients_stand_in_the_table_until_their_answer),
		CASE(test_what_is_no_answer_ends_nobody),
		CASE(test_a_client_is_over_once),
		CASE(test_clients_are_this_fronts_while_the_process_is_active),
		CASE(test_clients_of_a_dead_front_are_taken_over),
		CASE(test_a_full_socket_is_waited_for_and_costs_no_entry),
		CASE(test_a_closed_socket_takes_nobody_and_its_last_answers_count),
		CASE(test_a_client_for_a_program_that_has_just_closed_stays_the_callers),
		CASE(test_the_end_of_a_process_is_the_end_of_its_clients),
		CASE(test_clients_of_a_process_that_nobody_saw_end_are_ended),
		CASE(test_no_client_has_lived_for_less_than_no_time),
	};

	return cmocka_run_group_tests_name("pass-process", tests, NULL, NULL);
}
