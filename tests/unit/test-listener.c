#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listener-directory.h"
#include "listener-text.h"
#include "net/listener-passed.h"

static void test_a_client_is_accepted_with_its_address(void **state)
{
	struct listener *listener = make_open("tcp:127.0.0.1:0");
	struct address peer, name = { .length = sizeof(name.in6) };
	int client, fd;

	assert_int_equal(listener_accept(listener, 0, &peer), -EAGAIN);
	client = connect_to(listener);
	fd = listener_accept(listener, SOCK_NONBLOCK, &peer);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(getsockname(client, &name.any, &name.length), 0);
	assert_true(address_equal(&peer, &name));

	close(client);
	close(fd);
	listener_free(listener);
}

static void test_a_dual_stack_listener_shows_ipv4_peers_as_such(void **state)
{
	struct listener *listener = make_open("tcp:0");
	struct address address, peer;
	int client, fd;

	assert_int_equal(listener_address(listener, &address), 0);
	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(client,
				 (const struct sockaddr *)&(struct sockaddr_in){
					 .sin_family = AF_INET,
					 .sin_port = htons((uint16_t)address_port(&address)),
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
				 sizeof(struct sockaddr_in)),
			 0);
	fd = listener_accept(listener, 0, &peer);
	assert_true(fd >= 0);
	assert_int_equal(peer.any.sa_family, AF_INET);
	assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);

	close(client);
	close(fd);
	listener_free(listener);
}

static void test_the_text_has_the_real_port(void **state)
{
	struct listener *listener = make_listener("tcp:127.0.0.1:0");
	char text[ADDRESS_TEXT_MAX], wanted[ADDRESS_TEXT_MAX];
	struct address address;

	assert_string_equal(listener_text(listener, text), "tcp:127.0.0.1:0");
	assert_int_equal(listener_open(listener, &options), 0);
	assert_int_equal(listener_address(listener, &address), 0);
	(void)snprintf(wanted, sizeof(wanted), "tcp:127.0.0.1:%u", address_port(&address));
	assert_string_equal(listener_text(listener, text), wanted);
	listener_free(listener);
}

static void test_a_busy_port_may_be_tried_again(void **state)
{
	struct listener *first = make_open("tcp:127.0.0.1:0"), *second;
	char text[ADDRESS_TEXT_MAX];
	int r;

	second = make_listener(listener_text(first, text));
	r = listener_open(second, &options);
	assert_int_equal(r, -EADDRINUSE);
	assert_true(listener_may_retry(r));
	assert_int_equal(second->fd, -1);

	listener_free(first);
	assert_int_equal(listener_open(second, &options), 0);
	listener_free(second);
	assert_false(listener_may_retry(-EACCES));
}

static void test_a_foreign_address_needs_freebind(void **state)
{
	struct listener *listener = make_listener("tcp:192.0.2.1:0");
	int r = listener_open(listener, &options);

	assert_int_equal(r, -EADDRNOTAVAIL);
	assert_true(listener_may_retry(r));
	listener->endpoint.freebind = true;
	assert_int_equal(listener_open(listener, &options), 0);
	listener_free(listener);
}

static void test_an_interface_is_bound_and_named(void **state)
{
	struct listener *listener = make_listener("tcp:127.0.0.1:0"),
			*same = make_listener("tcp:127.0.0.1:0");
	char text[ADDRESS_TEXT_MAX];
	struct address address;
	int r;

	(void)snprintf(listener->endpoint.interface, IFNAMSIZ, "lo");
	(void)snprintf(same->endpoint.interface, IFNAMSIZ, "lo");
	r = listener_open(listener, &options);
	if (r == 0) {
		assert_int_equal(listener_address(listener, &address), 0);
		assert_non_null(strstr(listener_text(listener, text), "%lo"));

		address_set_port(&same->endpoint.address, address_port(&address));
		assert_int_equal(endpoint_set_text(&same->endpoint), 0);
		assert_true(listener_matches(same, listener->fd));
		same->endpoint.interface[0] = '\0';
		assert_int_equal(endpoint_set_text(&same->endpoint), 0);
		assert_false(listener_matches(same, listener->fd));
	}

	listener_free(listener);
	listener_free(same);
	if (r == -EPERM)
		skip();
	assert_int_equal(r, 0);
}

static int option_of(const struct listener *listener, int level, int name)
{
	socklen_t length = sizeof(int);
	int value = -1;

	assert_int_equal(getsockopt(listener->fd, level, name, &value, &length), 0);
	return value;
}

static void test_datagrams_tell_where_they_were_sent(void **state)
{
	struct listener_options shared = options;
	struct listener *v4 = make_open("udp:127.0.0.1:0"), *v6 = make_listener("udp6:[::1]:0");

	assert_int_equal(option_of(v4, IPPROTO_IP, IP_PKTINFO), 1);
	assert_int_equal(option_of(v4, SOL_SOCKET, SO_REUSEADDR), 0);
	assert_int_equal(option_of(v4, SOL_SOCKET, SO_REUSEPORT), 0);

	shared.packet_info = false;
	assert_int_equal(listener_apply(v4, &shared), 0);
	assert_int_equal(option_of(v4, IPPROTO_IP, IP_PKTINFO), 0);
	listener_free(v4);

	shared.packet_info = true;
	shared.share_port = true;
	if (listener_open(v6, &shared) == 0) {
		assert_int_equal(option_of(v6, IPPROTO_IPV6, IPV6_RECVPKTINFO), 1);
		assert_int_equal(option_of(v6, SOL_SOCKET, SO_REUSEPORT), 1);
	}
	listener_free(v6);
}

static void test_abstract_and_datagram_sockets_open(void **state)
{
	struct listener *listener;
	char text[ADDRESS_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "unix-seqpacket:@superd-test-%d", (int)getpid());
	listener = make_open(text);
	assert_string_equal(listener_text(listener, text), listener->endpoint.text);
	listener_free(listener);

	(void)snprintf(text, sizeof(text), "unix-dgram:%s", path);
	listener = make_open(text);
	listener_free(listener);
	assert_int_equal(access(path, F_OK), -1);
}

static void check_adoption(const char *text, const char *other_text)
{
	struct listener *given = make_open(text), *heir, *other = make_listener(other_text);
	char real[ADDRESS_TEXT_MAX];

	heir = make_listener(listener_text(given, real));
	assert_true(listener_matches(heir, given->fd));
	assert_false(listener_matches(other, given->fd));
	assert_int_equal(listener_adopt(heir, dup(given->fd), &options), 0);
	assert_true(heir->adopted);
	assert_true(fcntl(heir->fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(heir->fd, F_GETFL) & O_NONBLOCK);

	listener_free(heir);
	if (given->file_inode)
		assert_int_equal(access(path, F_OK), 0);
	listener_free(given);
	listener_free(other);
}

static void test_a_socket_of_somebody_else_is_adopted(void **state)
{
	check_adoption("tcp:127.0.0.1:0", "tcp:127.0.0.1:1");
	check_adoption("udp:127.0.0.1:0", "tcp:127.0.0.1:1");
	check_adoption("tcp:0", "tcp:1");
	check_adoption(path_text, "unix:/nowhere/x");
}

static void test_what_is_no_socket_matches_nothing(void **state)
{
	struct listener *listener = make_listener("tcp:127.0.0.1:0");
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_false(listener_matches(listener, fd));
	assert_false(listener_matches(listener, -1));
	close(fd);
	listener_free(listener);
	listener_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_a_client_is_accepted_with_its_address,
					  clean_directory),
		cmocka_unit_test_teardown(test_a_dual_stack_listener_shows_ipv4_peers_as_such,
					  clean_directory),
		cmocka_unit_test_teardown(test_the_text_has_the_real_port, clean_directory),
		cmocka_unit_test_teardown(test_a_busy_port_may_be_tried_again, clean_directory),
		cmocka_unit_test_teardown(test_a_foreign_address_needs_freebind, clean_directory),
		cmocka_unit_test_teardown(test_an_interface_is_bound_and_named, clean_directory),
		cmocka_unit_test_teardown(test_datagrams_tell_where_they_were_sent,
					  clean_directory),
		cmocka_unit_test_teardown(test_abstract_and_datagram_sockets_open, clean_directory),
		cmocka_unit_test_teardown(test_a_socket_of_somebody_else_is_adopted,
					  clean_directory),
		cmocka_unit_test_teardown(test_what_is_no_socket_matches_nothing, clean_directory),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
