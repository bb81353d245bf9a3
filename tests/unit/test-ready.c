#include "keeper/pool/ready.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/socket-options.h"

#define FLOOD 100 /* messages, one after the other */

static struct poller *poller;
static struct timers *timers;
static struct ready_socket ready;
static pid_t process; /* whose socket it is */
static unsigned n_ready;
static unsigned n_floods;
static bool closes; /* as the keeper does */

static bool is_writer(const struct ready_socket *socket, pid_t writer)
{
	return writer == process;
}

static void on_ready(struct ready_socket *socket)
{
	n_ready++;
	if (closes)
		ready_close(socket);
}

static void on_flooded(struct ready_socket *socket, pid_t writer, uid_t user)
{
	assert_int_equal(writer, getpid());
	assert_int_equal(user, getuid());
	n_floods++;
}

static const struct ready_events events = {
	.is_writer = is_writer,
	.said_ready = on_ready,
	.flooded = on_flooded,
};

static int set_up(void **state)
{
	n_ready = n_floods = 0;
	process = getpid();
	closes = false;
	if (poller_new(&poller, POLLER_EPOLL) < 0 || timers_new(&timers) < 0)
		return -1;
	ready_init(&ready);
	return ready_open(&ready, poller, timers, &events);
}

static int tear_down(void **state)
{
	ready_close(&ready);
	timers_free(timers);
	poller_free(poller);
	return 0;
}

/* As sd_notify(3) does. */
static void send_text(const char *text)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t n = strlen(ready.name);

	assert_true(n > 1 && ready.name[0] == '@');
	memcpy(un.sun_path + 1, ready.name + 1, n - 1);
	assert_int_equal(sendto(fd, text, strlen(text), 0, (const struct sockaddr *)&un,
				(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
			 strlen(text));
	close(fd);
}

/* Returns how often the owner was told. */
static unsigned hear(int wait_ms)
{
	unsigned before = n_ready;

	assert_int_equal(poller_run(poller, wait_ms), 0);
	return n_ready - before;
}

static void test_a_whole_line_says_it(void **state)
{
	static const char *const good[] = { "READY=1", "READY=1\n", "STATUS=up\nREADY=1",
					    "READY=1\nMAINPID=5\n", "\nREADY=1" };
	static const char *const bad[] = { "",         "READY=0",       "READY=10",
					   "READY=1 ", "NOT_READY=1",   "READY",
					   "ready=1",  "STATUS=READY=1" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		send_text(good[i]);
		if (hear(1000) != 1)
			fail_msg("'%s'", good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		send_text(bad[i]);
		if (hear(1000) != 0)
			fail_msg("'%s'", bad[i]);
	}
	assert_int_equal(ready.n_strange, 0);
}

static void test_others_do_not_say_it(void **state)
{
	process = getppid();
	send_text("READY=1");
	assert_int_equal(hear(1000), 0);
	assert_int_equal(ready.n_strange, 1);
}

/* To close it could take the keeper long, so nothing more is read for a moment. */
static void test_a_message_with_a_descriptor_is_strange(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t n = strlen(ready.name);
	struct iovec part = { "READY=0", 7 };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr header = {
		.msg_name = &un,
		.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(un.sun_path + 1, ready.name + 1, n - 1);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	/* The kernel may refuse it at once. As before, it does not. */
	(void)setsockopt(ready.fd, SOL_SOCKET, SO_PASSRIGHTS, &(int){ 1 }, sizeof(int));
	assert_int_equal(sendmsg(fd, &header, 0), 7);
	send_text("READY=1");
	assert_int_equal(hear(1000), 0);
	assert_int_equal(ready.n_strange, 1);
	close(fd);
}

static void test_nobody_can_guess_the_name(void **state)
{
	struct ready_socket other;

	ready_init(&other);
	assert_int_equal(ready_open(&other, poller, timers, &events), 0);
	assert_string_not_equal(ready.name, other.name);
	assert_true(strlen(ready.name) > 32);
	ready_close(&other);
	ready_close(&other);
}

static void test_after_a_message_of_others_nothing_is_read_for_a_moment(void **state)
{
	process = getppid();
	for (int i = 0; i < 3; i++) {
		send_text("READY=1");
		assert_int_equal(hear(1000), 0);
		assert_int_equal(ready.n_strange, i + 1);
		send_text("READY=1");
		assert_int_equal(hear(0), 0);
		assert_int_equal(ready.n_strange, i + 1);
		ready_look(&ready);
		assert_int_equal(ready.n_strange, i + 2);
		ready.n_strange--;
		timers_run(timers, clock_ms() + 1000);
	}
	process = getpid();
	send_text("READY=1");
	assert_int_equal(hear(1000), 1);
}

static void test_a_flood_is_reported_once(void **state)
{
	process = getppid();
	for (int i = 0; i < FLOOD; i++) {
		send_text("READY=1");
		ready_look(&ready);
	}
	assert_int_equal(n_floods, 1);
	process = getpid();
	send_text("READY=1");
	ready_look(&ready);
	assert_int_equal(n_ready, 1);
}

static void test_it_may_be_closed_once_that_was_said(void **state)
{
	closes = true;
	send_text("READY=1");
	send_text("READY=1");
	assert_int_equal(hear(1000), 1);
	assert_int_equal(ready.fd, -1);
	ready_look(&ready);
	assert_int_equal(n_ready, 1);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_a_whole_line_says_it),
		CASE(test_others_do_not_say_it),
		CASE(test_a_message_with_a_descriptor_is_strange),
		CASE(test_nobody_can_guess_the_name),
		CASE(test_after_a_message_of_others_nothing_is_read_for_a_moment),
		CASE(test_a_flood_is_reported_once),
		CASE(test_it_may_be_closed_once_that_was_said),
	};

	return cmocka_run_group_tests_name("ready", tests, NULL, NULL);
}
