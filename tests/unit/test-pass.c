#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "libsuperd-pass/superd-pass.h"

/* With its last terminator. */
#define TEXT(literal) literal, sizeof(literal)
#define CLIENT_7 TEXT("SUPERD_CLIENT=7\0PROTO=TCP\0REMOTE_ADDR=192.0.2.1\0REMOTE_HOST=")

static int superd; /* the daemon's end; the other one is descriptor 0, as in a program */
static struct rlimit descriptors;

static int set_up(void **state)
{
	int pair[2];

	if (getrlimit(RLIMIT_NOFILE, &descriptors) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	superd = pair[0];
	if (dup2(pair[1], STDIN_FILENO) < 0)
		return -1;
	close(pair[1]);
	return 0;
}

static int tear_down(void **state)
{
	close(superd);
	return setrlimit(RLIMIT_NOFILE, &descriptors);
}

static void pass(const char *text, size_t n, int fd)
{
	struct iovec part = { .iov_base = (void *)text, .iov_len = n };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
		CMSG_FIRSTHDR(&header)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&header)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&header)->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&header)), &fd, sizeof(fd));
	}
	assert_int_equal(sendmsg(superd, &header, MSG_NOSIGNAL), n);
}

/* Passes one end of a new connection and returns the other, which does not wait. */
static int pass_connection(const char *text, size_t n)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	pass(text, n, pair[1]);
	close(pair[1]);
	return pair[0];
}

static void expect_said(const char *expected)
{
	char text[64] = "";

	assert_true(recv(superd, text, sizeof(text) - 1, MSG_DONTWAIT) > 0);
	assert_string_equal(text, expected);
}

static void expect_silence(void)
{
	char byte;

	assert_int_equal(recv(superd, &byte, 1, MSG_DONTWAIT), -1);
}

static void test_a_client_comes_with_its_connection_and_variables(void **state)
{
	struct superd_client client;
	int theirs = pass_connection(CLIENT_7);
	char said[4];

	assert_int_equal(superd_pass_receive(&client, 0), 1);
	assert_int_equal(client.number, 7);
	assert_string_equal(superd_pass_variable(&client, "PROTO"), "TCP");
	assert_string_equal(superd_pass_variable(&client, "REMOTE_ADDR"), "192.0.2.1");
	assert_string_equal(superd_pass_variable(&client, "REMOTE_HOST"), "");
	assert_null(superd_pass_variable(&client, "REMOTE"));
	assert_null(superd_pass_variable(&client, "TCP"));
	assert_true(fcntl(client.fd, F_GETFD) & FD_CLOEXEC);

	assert_int_equal(write(client.fd, "hi!", 4), 4);
	assert_int_equal(read(theirs, said, sizeof(said)), 4);
	assert_int_equal(superd_pass_done(&client), 0);
	close(theirs);
	expect_said("DONE=7");
}

static void test_done_closes_the_connection(void **state)
{
	struct superd_client client;
	int theirs = pass_connection(CLIENT_7);
	char byte;

	assert_int_equal(superd_pass_receive(&client, 0), 1);
	assert_int_equal(superd_pass_done(&client), 0);
	assert_int_equal(client.fd, -1);
	assert_int_equal(read(theirs, &byte, 1), 0);
	close(theirs);
	expect_said("DONE=7");
}

static void test_done_leaves_a_connection_that_was_taken_out(void **state)
{
	struct superd_client client;
	int theirs = pass_connection(CLIENT_7);
	int mine;

	assert_int_equal(superd_pass_receive(&client, 0), 1);
	mine = client.fd;
	client.fd = -1;
	assert_int_equal(superd_pass_done(&client), 0);
	assert_int_equal(write(mine, "x", 1), 1);
	close(mine);
	close(theirs);
	expect_said("DONE=7");
}

static void test_nobody_waiting_is_said_when_asked_not_to_wait(void **state)
{
	struct superd_client client;
	struct pollfd input = { .fd = superd_pass_fd(), .events = POLLIN };
	const struct timeval limit = { .tv_sec = 3 };
	struct timespec before, after;

	/* A call that waits all the same ends after that. */
	assert_int_equal(setsockopt(input.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &before), 0);
	assert_int_equal(superd_pass_receive(&client, SUPERD_PASS_DONTWAIT), -EAGAIN);
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &after), 0);
	assert_true(after.tv_sec - before.tv_sec < limit.tv_sec);
	assert_int_equal(poll(&input, 1, 0), 0);
	close(pass_connection(CLIENT_7));
	assert_int_equal(poll(&input, 1, 0), 1);
	assert_int_equal(superd_pass_receive(&client, SUPERD_PASS_DONTWAIT), 1);
	assert_int_equal(superd_pass_done(&client), 0);
	expect_said("DONE=7");
}

static void *receive_one(void *client)
{
	return (void *)(intptr_t)superd_pass_receive(client, 0);
}

static void test_a_socket_that_does_not_block_is_waited_for_all_the_same(void **state)
{
	struct superd_client client;
	pthread_t thread;
	void *r;

	assert_int_equal(fcntl(STDIN_FILENO, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	assert_int_equal(pthread_create(&thread, NULL, receive_one, &client), 0);
	close(pass_connection(CLIENT_7));
	assert_int_equal(pthread_join(thread, &r), 0);
	assert_int_equal((intptr_t)r, 1);
	assert_int_equal(superd_pass_done(&client), 0);
	expect_said("DONE=7");
}

static void test_threads_have_a_client_each(void **state)
{
	struct superd_client clients[2];
	pthread_t threads[2];
	void *r;

	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, receive_one, &clients[i]), 0);
	close(pass_connection(TEXT("SUPERD_CLIENT=1")));
	close(pass_connection(TEXT("SUPERD_CLIENT=2")));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], &r), 0);
		assert_int_equal((intptr_t)r, 1);
		assert_int_equal(superd_pass_done(&clients[i]), 0);
		expect_said(clients[i].number == 1 ? "DONE=1" : "DONE=2");
	}
	assert_int_equal(clients[0].number + clients[1].number, 3);
}

static void test_what_is_no_client_is_refused(void **state)
{
	static char long_text[SUPERD_CLIENT_TEXT_MAX + 1] = "SUPERD_CLIENT=1";
	struct superd_client client;

	close(pass_connection(TEXT("PROTO=TCP")));
	assert_int_equal(superd_pass_receive(&client, 0), -EBADMSG);
	close(pass_connection(TEXT("SUPERD_CLIENT=x")));
	assert_int_equal(superd_pass_receive(&client, 0), -EBADMSG);
	close(pass_connection("SUPERD_CLIENT=1", 15));
	assert_int_equal(superd_pass_receive(&client, 0), -EBADMSG);
	close(pass_connection(long_text, sizeof(long_text)));
	assert_int_equal(superd_pass_receive(&client, 0), -EBADMSG);
	assert_int_equal(client.fd, -1);
	expect_silence();

	pass(CLIENT_7, -1);
	assert_int_equal(superd_pass_receive(&client, 0), -EBADMSG);
	expect_said("DONE=7");
}

static void test_a_client_without_a_free_descriptor_is_given_back(void **state)
{
	const struct rlimit none = { .rlim_cur = 0, .rlim_max = descriptors.rlim_max };
	struct superd_client client;
	int theirs = pass_connection(CLIENT_7);

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(superd_pass_receive(&client, 0), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &descriptors), 0);
	close(theirs);
	expect_said("DONE=7");
}

static void test_the_end_is_the_end_after_the_last_client(void **state)
{
	struct superd_client client;

	close(pass_connection(CLIENT_7));
	assert_int_equal(shutdown(superd, SHUT_RDWR), 0);
	assert_int_equal(superd_pass_receive(&client, 0), 1);
	assert_int_equal(superd_pass_done(&client), -EPIPE);
	assert_int_equal(superd_pass_receive(&client, 0), 0);
}

/* How a program that was executed tells by its exit status which descriptor it has found. */
#define CLOSES_ON_EXEC 0x40
#define NOT_FOUND 0x3f
#define TELL "tell"

static int tell_what_was_found(void)
{
	int fd = superd_pass_fd();

	if (fd < 0)
		return NOT_FOUND;
	return fd | (fcntl(fd, F_GETFD) & FD_CLOEXEC ? CLOSES_ON_EXEC : 0);
}

/* As superd starts a program: the socket is on 0 and on @number, should that be another one. */
static void become_program(int number, bool is_meant, const char *n_fds, const char *names)
{
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid() + !is_meant);
	if (setenv("LISTEN_PID", pid, 1) < 0 || setenv("LISTEN_FDS", n_fds, 1) < 0 ||
	    setenv("LISTEN_FDNAMES", names, 1) < 0)
		return;
	if (number > 0 && dup2(STDIN_FILENO, number) < 0)
		return;
	execl("/proc/self/exe", "test-pass", TELL, (char *)NULL);
}

static int found_by_program(int number, bool is_meant, const char *n_fds, const char *names)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		close(superd);
		become_program(number, is_meant, n_fds, names);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_the_socket_is_found_by_its_name_and_closed_on_exec(void **state)
{
	assert_int_equal(found_by_program(3, true, "1", "superd-pass"), 3 | CLOSES_ON_EXEC);
	assert_int_equal(found_by_program(4, true, "2", "other:superd-pass"), 4 | CLOSES_ON_EXEC);
}

static void test_what_is_not_meant_for_the_process_is_not_taken(void **state)
{
	assert_int_equal(found_by_program(3, false, "1", "superd-pass"), STDIN_FILENO);
	assert_int_equal(found_by_program(3, true, "1", "other"), STDIN_FILENO);
	assert_int_equal(found_by_program(3, true, "1", "superd-passes"), STDIN_FILENO);
	assert_int_equal(found_by_program(4, true, "1", "other:superd-pass"), STDIN_FILENO);
	assert_int_equal(found_by_program(0, true, "1", "superd-pass"), STDIN_FILENO);
}

int main(int argc, char **argv)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_a_client_comes_with_its_connection_and_variables),
		CASE(test_done_closes_the_connection),
		CASE(test_done_leaves_a_connection_that_was_taken_out),
		CASE(test_nobody_waiting_is_said_when_asked_not_to_wait),
		CASE(test_a_socket_that_does_not_block_is_waited_for_all_the_same),
		CASE(test_threads_have_a_client_each),
		CASE(test_what_is_no_client_is_refused),
		CASE(test_a_client_without_a_free_descriptor_is_given_back),
		CASE(test_the_end_is_the_end_after_the_last_client),
		CASE(test_the_socket_is_found_by_its_name_and_closed_on_exec),
		CASE(test_what_is_not_meant_for_the_process_is_not_taken),
	};

	if (argc == 2 && strcmp(argv[1], TELL) == 0)
		return tell_what_was_found();
	return cmocka_run_group_tests_name("pass", tests, NULL, NULL);
}
