/* Work that may take for ever, in a process of its own. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bounded.h"
#include "base/clock.h"

struct work {
	pid_t pid;
	int fd, other;
	bool has_fd, has_other;
};

static int note(void *data)
{
	struct work *work = data;

	work->pid = getpid();
	work->has_fd = fcntl(work->fd, F_GETFD) >= 0;
	work->has_other = fcntl(work->other, F_GETFD) >= 0;
	return -EXDEV;
}

static int hang(void *data)
{
	while (pause() < 0)
		;
	return 0;
}

static int crash(void *data)
{
	abort();
}

static int enable(void **state)
{
	bounded_enable(true);
	return 0;
}

static int disable(void **state)
{
	bounded_enable(false);
	return 0;
}

static void test_before_it_is_enabled_it_is_a_plain_call(void **state)
{
	struct work work = { 0 };

	bounded_enable(false);
	assert_int_equal(bounded_run(note, &work, sizeof(work), -1), -EXDEV);
	assert_int_equal(work.pid, getpid());
}

static void test_the_result_and_the_data_come_back(void **state)
{
	struct work work = { .fd = dup(STDIN_FILENO), .other = dup(STDIN_FILENO) };

	assert_int_equal(bounded_run(note, &work, sizeof(work), work.fd), -EXDEV);
	assert_int_not_equal(work.pid, getpid());
	assert_true(work.has_fd);
	assert_false(work.has_other);
	assert_int_equal(bounded_run(note, &work, sizeof(work), work.other), -EXDEV);
	assert_false(work.has_fd);
	assert_true(work.has_other);
	assert_int_equal(bounded_run(note, &work, sizeof(work), -1), -EXDEV);
	assert_false(work.has_fd || work.has_other);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	close(work.fd);
	close(work.other);
}

static void test_what_takes_too_long_is_given_up(void **state)
{
	int64_t began = clock_ms();
	struct work work = { 0 };
	int status;

	assert_int_equal(bounded_run(hang, &work, sizeof(work), -1), -ETIMEDOUT);
	assert_in_range(clock_ms() - began, 900, 10000);
	assert_true(waitpid(-1, &status, 0) > 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_many_that_take_too_long_take_two_seconds(void **state)
{
	int64_t began = clock_ms();
	struct work work = { .fd = -1, .other = -1 };

	for (int i = 0; i < 50; i++)
		assert_int_equal(bounded_run(hang, &work, sizeof(work), -1), -ETIMEDOUT);
	assert_in_range(clock_ms() - began, 1900, 9000);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void test_one_that_answers_has_time_after_others_that_do_not(void **state)
{
	struct work work = { .fd = -1, .other = -1 };

	for (int i = 0; i < 2; i++)
		assert_int_equal(bounded_run(hang, &work, sizeof(work), -1), -ETIMEDOUT);
	assert_int_equal(bounded_run(note, &work, sizeof(work), -1), -EXDEV);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void test_without_descriptors_the_wait_has_an_end_too(void **state)
{
	struct work work = { .fd = -1, .other = -1 };
	struct rlimit limit, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){ 0, limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(bounded_run(note, &work, sizeof(work), -1), -EXDEV);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	test_what_takes_too_long_is_given_up(state);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void test_what_crashes_has_failed(void **state)
{
	struct work work = { 0 };

	assert_int_equal(bounded_run(crash, &work, sizeof(work), -1), -EIO);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, enable, disable)
	const struct CMUnitTest tests[] = {
		CASE(test_before_it_is_enabled_it_is_a_plain_call),
		CASE(test_the_result_and_the_data_come_back),
		CASE(test_what_takes_too_long_is_given_up),
		CASE(test_many_that_take_too_long_take_two_seconds),
		CASE(test_one_that_answers_has_time_after_others_that_do_not),
		CASE(test_without_descriptors_the_wait_has_an_end_too),
		CASE(test_what_crashes_has_failed),
	};

	return cmocka_run_group_tests_name("bounded", tests, NULL, NULL);
}
