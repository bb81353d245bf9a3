#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listener-text.h"

static const struct listener_options options = {
	.backlog = 16, .mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1
};

static struct listener *open_listener(const char *text, const struct listener_options *how)
{
	struct listener *listener = make_listener(text);

	assert_int_equal(listener_open(listener, how), 0);
	return listener;
}

static int receive_all(const struct listener *listener)
{
	char byte;
	int n = 0;

	for (size_t i = 0; i < listener_n_sockets(listener); i++)
		while (recv(listener_socket(listener, i), &byte, 1, MSG_DONTWAIT) == 1)
			n++;
	return n;
}

/* From new ports, so that the kernel spreads them. */
static void send_from_many(const struct address *to, int n)
{
	for (int i = 0; i < n; i++) {
		int fd = socket(to->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		assert_int_equal(sendto(fd, "x", 1, 0, &to->any, to->length), 1);
		close(fd);
	}
}

static void test_all_sockets_have_one_address_and_share_its_datagrams(void **state)
{
	struct listener *listener = open_listener("udp:127.0.0.1:0", &options);
	struct address address;

	assert_int_equal(listener_open_others(listener, &options, 4), 0);
	assert_int_equal(listener_n_sockets(listener), 4);
	assert_int_equal(listener_address(listener, &address), 0);

	send_from_many(&address, 100);
	assert_int_equal(receive_all(listener), 100);
	listener_free(listener);
}

static void test_a_smaller_number_closes_nothing_until_told(void **state)
{
	struct listener *listener = open_listener("udp:127.0.0.1:0", &options);
	struct address address;

	assert_int_equal(listener_open_others(listener, &options, 3), 0);
	assert_int_equal(listener_open_others(listener, &options, 2), 0);
	assert_int_equal(listener_n_sockets(listener), 3);

	listener_close_others(listener, 2);
	assert_int_equal(listener_n_sockets(listener), 2);
	listener_close_others(listener, 0);
	assert_int_equal(listener_n_sockets(listener), 1);

	assert_int_equal(listener_address(listener, &address), 0);
	send_from_many(&address, 20);
	assert_int_equal(receive_all(listener), 20);
	listener_free(listener);
}

static void test_only_sockets_for_datagrams_of_ip_are_shared(void **state)
{
	struct listener *stream = open_listener("tcp:127.0.0.1:0", &options);
	struct listener *local;
	char text[ADDRESS_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "unix-dgram:@superd-test-%d", (int)getpid());
	local = open_listener(text, &options);
	assert_int_equal(listener_open_others(stream, &options, 4), 0);
	assert_int_equal(listener_n_sockets(stream), 1);
	assert_int_equal(listener_open_others(local, &options, 4), 0);
	assert_int_equal(listener_n_sockets(local), 1);
	listener_free(stream);
	listener_free(local);
}

static void test_a_shared_port_is_busy_for_everybody_else(void **state)
{
	struct listener_options shared = options;
	struct listener *first, *second;
	struct address address;

	shared.share_port = true;
	first = open_listener("udp:127.0.0.1:0", &shared);
	assert_int_equal(listener_open_others(first, &shared, 2), 0);
	assert_int_equal(listener_address(first, &address), 0);
	assert_int_equal(listener_new(&second, &first->endpoint), 0);
	address_set_port(&second->endpoint.address, address_port(&address));
	assert_int_equal(listener_open(second, &shared), -EADDRINUSE);
	listener_free(first);
	listener_free(second);
}

static void test_every_socket_has_the_buffers_and_gets_its_own_back(void **state)
{
	struct listener_options sized = options;
	struct listener *listener = open_listener("udp:127.0.0.1:0", &options);
	struct buffer_sizes own = socket_buffers(listener->fd);

	sized.rcvbuf = 32 * 1024;
	sized.sndbuf = 48 * 1024;
	assert_int_equal(listener_open_others(listener, &options, 2), 0);
	assert_int_equal(listener_apply(listener, &sized), 0);
	assert_int_equal(listener_open_others(listener, &sized, 3), 0);
	for (size_t i = 0; i < 3; i++) {
		struct buffer_sizes now = socket_buffers(listener_socket(listener, i));

		assert_int_equal(now.receive, 32 * 1024);
		assert_int_equal(now.send, 48 * 1024);
	}

	assert_int_equal(listener_apply(listener, &options), 0);
	for (size_t i = 0; i < 3; i++) {
		struct buffer_sizes now = socket_buffers(listener_socket(listener, i));

		assert_int_equal(now.receive, own.receive);
		assert_int_equal(now.send, own.send);
	}
	listener_free(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_sockets_have_one_address_and_share_its_datagrams),
		cmocka_unit_test(test_a_smaller_number_closes_nothing_until_told),
		cmocka_unit_test(test_only_sockets_for_datagrams_of_ip_are_shared),
		cmocka_unit_test(test_a_shared_port_is_busy_for_everybody_else),
		cmocka_unit_test(test_every_socket_has_the_buffers_and_gets_its_own_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
