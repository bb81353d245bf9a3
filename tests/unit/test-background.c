#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/background.h"

static bool is_null(int fd)
{
	struct stat null, found;

	return stat("/dev/null", &null) == 0 && fstat(fd, &found) == 0 &&
	       found.st_rdev == null.st_rdev && S_ISCHR(found.st_mode);
}

static void test_starter_ends_when_the_daemon_serves(void **state)
{
	int status, go_on[2];
	pid_t pid;

	assert_int_equal(pipe2(go_on, O_CLOEXEC), 0);
	pid = background_fork();
	if (pid == 0) {
		char byte;
		bool fine = getsid(0) == getpid() && !is_null(go_on[0]);

		background_serve();
		fine = fine && is_null(0) && is_null(1) && is_null(2);
		close(go_on[1]);
		_exit(fine && read(go_on[0], &byte, 1) == 0 ? 7 : 1);
	}

	assert_true(pid > 0);
	assert_true(background_wait(pid, &status));
	/* It serves on. */
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	close(go_on[0]);
	close(go_on[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 7);
}

static void test_starter_learns_how_a_daemon_ended_that_never_served(void **state)
{
	int status = 0;
	pid_t pid = background_fork();

	if (pid == 0)
		_exit(78);
	assert_true(pid > 0);
	assert_false(background_wait(pid, &status));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 78);
}

/* A front is a fork of the keeper. If it kept the pipe, the end of the keeper would be missed. */
static void test_fork_that_has_left_does_not_keep_the_starter_waiting(void **state)
{
	int status = 0, said[2], go_on[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe2(said, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go_on, O_CLOEXEC), 0);
	pid = background_fork();
	if (pid == 0) {
		close(go_on[1]);
		if (fork() == 0) {
			bool left = background_leave() && is_null(0) && !background_leave();

			(void)!write(said[1], left ? "y" : "n", 1);
			(void)!read(go_on[0], &byte, 1);
			_exit(0);
		}
		(void)!read(said[0], &byte, 1);
		_exit(byte == 'y' ? 3 : 4);
	}
	assert_true(pid > 0);
	assert_false(background_wait(pid, &status));
	assert_int_equal(WEXITSTATUS(status), 3);
	close(go_on[0]);
	close(go_on[1]);
	close(said[0]);
	close(said[1]);
}

static void test_process_in_the_foreground_keeps_its_descriptors(void **state)
{
	struct stat before, after;

	assert_int_equal(fstat(STDIN_FILENO, &before), 0);
	background_serve();
	assert_false(background_leave());
	assert_int_equal(fstat(STDIN_FILENO, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_starter_ends_when_the_daemon_serves),
		cmocka_unit_test(test_starter_learns_how_a_daemon_ended_that_never_served),
		cmocka_unit_test(test_fork_that_has_left_does_not_keep_the_starter_waiting),
		cmocka_unit_test(test_process_in_the_foreground_keeps_its_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
