/* Descriptors whose close(2) would wait for somebody else. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/closer.h"
#include "net/listener.h"
#include "net/timer.h"

#define MANY 20 /* more than there are processes */

static struct timers *timers;

/* The keeper has all signals blocked. */
static int set_up(void **state)
{
	int r = timers_new(&timers);
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGVTALRM);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	closer_init(timers);
	return r;
}

static int tear_down(void **state)
{
	closer_fini();
	timers_free(timers);
	return 0;
}

/* A connection whose last close() waits for its peer, which reads nothing. */
static int open_lingering(int *out_peer)
{
	const struct linger long_one = { .l_onoff = 1, .l_linger = 3600 };
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char bytes[65536] = { 0 };

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, length), 0);
	*out_peer = accept(listener, NULL, NULL);
	assert_true(*out_peer >= 0);
	close(listener);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &long_one, sizeof(long_one)), 0);
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	return fd;
}

/* Sends @fd with a byte to @to, and closes it here. */
static void send_to(int to, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { &byte, 1 };
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&header);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &fd, sizeof(int));
	assert_int_equal(sendmsg(to, &header, 0), 1);
	close(fd);
}

/* Returns the socket in which @fd is on its way. */
static int put_on_its_way(int fd)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	send_to(pair[0], fd);
	close(pair[0]);
	return pair[1];
}

static void settle(void)
{
	while (closer_count() > 0) {
		while (waitpid(-1, NULL, __WCLONE) > 0)
			;
		timers_run(timers, clock_ms() + 60000);
	}
}

static void test_nothing_is_closed_twice(void **state)
{
	closer_close(-1);
	closer_release(-1);
	assert_int_equal(closer_count(), 0);
}

static void test_an_ordinary_connection_is_closed_here(void **state)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	closer_release(pair[0]);
	assert_int_equal(closer_count(), 0);
	assert_int_equal(recv(pair[1], &(char){ 0 }, 1, 0), 0);
	close(pair[1]);
}

static void test_what_waits_is_closed_by_processes_that_nobody_else_reaps(void **state)
{
	int peers[MANY];

	for (int i = 0; i < MANY; i++)
		closer_close(open_lingering(&peers[i]));
	assert_int_equal(closer_count(), MANY);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	for (int i = 0; i < MANY; i++)
		close(peers[i]);
	settle();
}

static void test_a_socket_that_lingers_again_is_not_waited_for(void **state)
{
	int peer;

	closer_release(open_lingering(&peer));
	assert_int_equal(closer_count(), 1);
	close(peer);
	settle();
}

/* Of this nothing is seen before: the client of a Unix socket has sent it. */
static void test_to_wait_for_what_is_on_its_way_ends_soon(void **state)
{
	int peer;

	closer_release(put_on_its_way(open_lingering(&peer)));
	assert_int_equal(closer_count(), 0);
	close(peer);
}

/* In the kernel, because there is no room for it. */
static void test_to_receive_a_message_without_what_it_carries_ends_soon(void **state)
{
	struct msghdr header = { 0 };
	int peer, fd = put_on_its_way(open_lingering(&peer));

	assert_int_equal(closer_receive(fd, &header, MSG_DONTWAIT), 0);
	assert_true(header.msg_flags & MSG_CTRUNC);
	close(peer);
	close(fd);
}

/* Anybody may connect to a Unix socket, send something, and never be accepted. */
static void test_a_listener_with_clients_that_wait_is_closed_soon(void **state)
{
	struct listener listener = { .fd = socket(AF_UNIX, SOCK_STREAM, 0) };
	int peer, client = socket(AF_UNIX, SOCK_STREAM, 0);
	struct address name = { .any.sa_family = AF_UNIX, .length = sizeof(name.un) };

	assert_int_equal(bind(listener.fd, &name.any, sizeof(sa_family_t)), 0);
	assert_int_equal(getsockname(listener.fd, &name.any, &name.length), 0);
	assert_int_equal(listen(listener.fd, 1), 0);
	assert_int_equal(connect(client, &name.any, name.length), 0);
	send_to(client, open_lingering(&peer));
	close(client);
	listener_close(&listener);
	close(peer);
}

/* It may not even make system calls that others need. */
static void test_a_front_closes_all_itself(void **state)
{
	int peer, fd = open_lingering(&peer);

	closer_abandon();
	close(peer);
	closer_release(fd);
	assert_int_equal(closer_count(), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_nothing_is_closed_twice),
		CASE(test_an_ordinary_connection_is_closed_here),
		CASE(test_what_waits_is_closed_by_processes_that_nobody_else_reaps),
		CASE(test_a_socket_that_lingers_again_is_not_waited_for),
		CASE(test_to_wait_for_what_is_on_its_way_ends_soon),
		CASE(test_to_receive_a_message_without_what_it_carries_ends_soon),
		CASE(test_a_listener_with_clients_that_wait_is_closed_soon),
		CASE(test_a_front_closes_all_itself),
	};

	return cmocka_run_group_tests_name("closer", tests, NULL, NULL);
}
