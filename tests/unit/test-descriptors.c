/* Which numbers a front keeps for what the keeper lends. Each case is a process of its own. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "channel/pass-table.h"
#include "channel/startup.h"
#include "config/settings.h"
#include "front/descriptors.h"
#include "net/listener.h"

#define N_LISTENERS 40
#define FEW 4 /* numbers that are kept in any case */

static struct listener sockets[N_LISTENERS];
static struct listener *listeners[N_LISTENERS];
static struct service service;
static struct settings settings;
static struct startup_pool pool;
static struct startup startup;
static struct descriptors descriptors;

/* One service whose listeners have the numbers from @first on; -1: they could not be bound. */
static void set_up_listeners(int first)
{
	for (int i = 0; i < N_LISTENERS; i++) {
		sockets[i].fd = first < 0 ? -1 : first + i;
		listeners[i] = &sockets[i];
	}
	service = (struct service){ .n_endpoints = N_LISTENERS };
	settings = (struct settings){ .services = &service,
				      .n_services = 1,
				      .n_endpoints = N_LISTENERS };
	startup = (struct startup){
		.settings = &settings, .listeners = listeners, .pools = &pool, .channel = 3
	};
}

static void limit(rlim_t soft, rlim_t hard)
{
	if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){ soft, hard }) < 0)
		_exit(255);
}

static int soft_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) < 0 ? -1 : (int)limit.rlim_cur;
}

static int keeps_few(void)
{
	limit(200, 200);
	set_up_listeners(10);
	descriptors_init(&descriptors, &startup);
	return soft_limit();
}

static int keeps_one_for_each_listener_that_is_not_bound(void)
{
	limit(250, 250);
	set_up_listeners(-1);
	descriptors_init(&descriptors, &startup);
	return soft_limit();
}

static int keeps_one_for_each_row(void)
{
	limit(200, 200);
	set_up_listeners(10);
	pool.table = pass_table_new(20, 1);
	descriptors_init(&descriptors, &startup);
	return soft_limit();
}

static int keeps_a_part_of_what_is_free(void)
{
	limit(64, 64);
	set_up_listeners(8);
	pool.table = pass_table_new(200, 1);
	descriptors_init(&descriptors, &startup);
	return soft_limit();
}

static int keeps_nothing_if_nothing_is_free(void)
{
	limit(20, 20);
	set_up_listeners(8);
	descriptors_init(&descriptors, &startup);
	return soft_limit();
}

static int leaves_a_lower_limit(void)
{
	limit(100, 200);
	set_up_listeners(10);
	descriptors_init(&descriptors, &startup);
	return soft_limit();
}

static int lifts_to_the_hard_limit(void)
{
	(void)keeps_few();
	descriptors_lift(&descriptors);
	return soft_limit();
}

static int lowers_to_what_it_was(void)
{
	(void)keeps_few();
	limit(90, 200);
	descriptors_lift(&descriptors);
	descriptors_lower(&descriptors);
	return soft_limit();
}

/* As with prlimit(1) from outside. */
static int follows_a_hard_limit_that_was_changed(void)
{
	struct rlimit limits;

	(void)keeps_few();
	limit(100, 150);
	descriptors_lift(&descriptors);
	if (soft_limit() != 150)
		return -1;
	descriptors_lower(&descriptors);
	(void)getrlimit(RLIMIT_NOFILE, &limits);
	return limits.rlim_max == 150 ? soft_limit() : -1;
}

static int leaves_a_limit_that_was_changed_while_it_was_lifted(void)
{
	(void)keeps_few();
	descriptors_lift(&descriptors);
	limit(50, 200);
	descriptors_lower(&descriptors);
	return soft_limit();
}

static int answer_in_a_process(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_a_few_numbers_are_kept(void **state)
{
	assert_int_equal(answer_in_a_process(keeps_few), 200 - FEW);
	assert_int_equal(answer_in_a_process(keeps_one_for_each_listener_that_is_not_bound),
			 250 - FEW - N_LISTENERS);
	assert_int_equal(answer_in_a_process(keeps_one_for_each_row), 200 - FEW - 20);
}

/* What listeners have is not free, so clients may get numbers behind those. */
static void test_most_of_what_is_free_is_for_clients(void **state)
{
	assert_int_equal(answer_in_a_process(keeps_a_part_of_what_is_free), 64 - (64 - 48) / 4);
	assert_int_equal(answer_in_a_process(keeps_nothing_if_nothing_is_free), 20);
	assert_int_equal(answer_in_a_process(leaves_a_lower_limit), 100);
}

static void test_the_limit_is_lifted_and_lowered_again(void **state)
{
	assert_int_equal(answer_in_a_process(lifts_to_the_hard_limit), 200);
	assert_int_equal(answer_in_a_process(lowers_to_what_it_was), 90);
}

static void test_limits_that_another_process_sets_hold(void **state)
{
	assert_int_equal(answer_in_a_process(follows_a_hard_limit_that_was_changed), 100);
	assert_int_equal(answer_in_a_process(leaves_a_limit_that_was_changed_while_it_was_lifted),
			 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_few_numbers_are_kept),
		cmocka_unit_test(test_most_of_what_is_free_is_for_clients),
		cmocka_unit_test(test_the_limit_is_lifted_and_lowered_again),
		cmocka_unit_test(test_limits_that_another_process_sets_hold),
	};

	return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}
