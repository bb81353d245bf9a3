/* What a process may have done to a listening socket, and what is left of that after a check. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/filter.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "keeper/listen/listener-repair.h"
#include "keeper/listen/socket-record.h"
#include "listener-directory.h"

static const char *check(const struct listener *listener)
{
	return listener_check(listener, listener->fd, options.backlog, NULL);
}

/* A socket of another process that connects it or is connected to it. */
static int other_socket(const struct listener *listener, struct address *out)
{
	sa_family_t family = listener->endpoint.address.any.sa_family;
	int fd = socket(family, listener->endpoint.type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*out = (struct address){ .any.sa_family = family, .length = sizeof(family) };
	if (family == AF_INET) {
		out->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		out->length = sizeof(out->in);
	} else if (family == AF_INET6) {
		out->in6.sin6_addr = in6addr_loopback;
		out->length = sizeof(out->in6);
	}
	assert_int_equal(bind(fd, &out->any, out->length), 0);
	out->length = sizeof(out->un);
	assert_int_equal(getsockname(fd, &out->any, &out->length), 0);
	return fd;
}

/* Nothing is accepted by anybody. */
static void lock_filter(int fd)
{
	struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, 0);
	const struct sock_fprog program = { 1, &refuse };

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)),
			 0);
	assert_int_equal(socket_option_set(fd, SOL_SOCKET, SO_LOCK_FILTER, 1), 0);
}

static void assert_serves_datagrams(const struct listener *listener)
{
	struct address address = { .length = sizeof(address.un) };
	struct address own;
	char byte;
	int fd = other_socket(listener, &own);

	assert_int_equal(getsockname(listener->fd, &address.any, &address.length), 0);
	assert_int_equal(sendto(fd, "x", 1, 0, &address.any, address.length), 1);
	assert_int_equal(recv(listener->fd, &byte, 1, MSG_DONTWAIT), 1);
	assert_int_equal(sendto(listener->fd, "y", 1, 0, &own.any, own.length), 1);
	assert_int_equal(recv(fd, &byte, 1, 0), 1);
	close(fd);
}

static void assert_serves(const struct listener *listener)
{
	struct address peer;
	int client, accepted;

	if (listener->endpoint.type == SOCK_DGRAM) {
		assert_serves_datagrams(listener);
		return;
	}
	client = connect_to(listener);
	assert_true(client >= 0);
	accepted = listener_accept(listener, 0, &peer);
	assert_true(accepted >= 0);
	close(accepted);
	close(client);
}

/* A copy that another process has. */
static void assert_reopens(struct listener *listener)
{
	int copy = dup(listener->fd);
	unsigned port = listener->port;

	assert_int_equal(listener_reopen(listener, 0, &options), 0);
	assert_null(check(listener));
	assert_int_equal(listener->port, port);
	assert_serves(listener);
	close(copy);
	assert_serves(listener);
}

static void each_kind(void (*fn)(struct listener *listener))
{
	const char *const kinds[] = { "tcp:127.0.0.1:0",
				      "tcp:[::1]:0",
				      "udp:127.0.0.1:0",
				      "udp:[::]:0",
				      "unix:@superd-repair",
				      path_text,
				      "unix-dgram:@superd-repair-d" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct listener *listener = make_open(kinds[i]);

		fn(listener);
		listener_free(listener);
	}
}

static void check_sound(struct listener *listener)
{
	assert_null(check(listener));
	assert_serves(listener);
}

static void test_what_nobody_has_touched_is_sound(void **state)
{
	each_kind(check_sound);
}

static void check_waiting(struct listener *listener)
{
	struct address peer;
	int client;

	if (listener->endpoint.type == SOCK_DGRAM)
		return;
	client = connect_to(listener);
	assert_null(check(listener));
	close(client);
	assert_true(listener_accept(listener, 0, &peer) >= 0);
}

static void test_clients_wait_through_a_check(void **state)
{
	each_kind(check_waiting);
}

static void shut(struct listener *listener)
{
	(void)shutdown(listener->fd, SHUT_RDWR);
	assert_non_null(check(listener));
	if (listener->endpoint.address.un.sun_path[0] != '\0' ||
	    !address_is_unix(&listener->endpoint.address))
		assert_reopens(listener);
}

static void test_what_was_shut_down_is_opened_anew(void **state)
{
	each_kind(shut);
}

static void test_a_datagram_socket_that_may_not_send_is_not_sound(void **state)
{
	const char *const kinds[] = { "udp:127.0.0.1:0", "udp:[::]:0",
				      "unix-dgram:@superd-repair" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct listener *listener = make_open(kinds[i]);

		(void)shutdown(listener->fd, SHUT_WR);
		assert_string_equal(check(listener), "it was shut down");
		listener_free(listener);
	}
}

/* As if the configuration named the port. */
static struct listener *make_fixed(const char *text)
{
	struct listener *listener = make_open(text);

	if (!address_is_unix(&listener->endpoint.address)) {
		address_set_port(&listener->endpoint.address, listener->port);
		listener_close(listener);
		assert_int_equal(listener_open(listener, &options), 0);
	}
	return listener;
}

static void test_a_fixed_port_that_was_shut_down_listens_again(void **state)
{
	struct listener *listener = make_fixed("tcp:127.0.0.1:0");
	int fd = listener->fd;

	assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
	assert_null(check(listener));
	assert_int_equal(listener->fd, fd);
	assert_serves(listener);
	listener_free(listener);
}

static void connect_elsewhere(const struct listener *listener)
{
	struct address to;
	int other = other_socket(listener, &to);

	assert_int_equal(connect(listener->fd, &to.any, to.length), 0);
	close(other);
}

static void test_a_connected_datagram_socket_is_disconnected(void **state)
{
	const char *const kinds[] = { "udp:127.0.0.1:0", "udp:[::]:0",
				      "unix-dgram:@superd-repair" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct listener *listener = make_fixed(kinds[i]);
		int fd = listener->fd;

		connect_elsewhere(listener);
		check_sound(listener);
		assert_int_equal(listener->fd, fd);
		listener_free(listener);
	}
}

/* To be disconnected would cost it its port. */
static void test_with_any_port_it_is_opened_anew(void **state)
{
	struct listener *listener = make_open("udp:127.0.0.1:0");

	connect_elsewhere(listener);
	assert_string_equal(check(listener), "it was connected");
	assert_reopens(listener);
	listener_free(listener);
}

/* getpeername() fails for it. */
static void test_a_socket_that_is_connected_to_port_0_is_noticed(void **state)
{
	struct listener *listener = make_open("udp:127.0.0.1:0");
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002) };

	assert_int_equal(connect(listener->fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_string_equal(check(listener), "it was connected");
	assert_reopens(listener);
	listener_free(listener);
}

static void filtered(struct listener *listener)
{
	lock_filter(listener->fd);
	assert_string_equal(check(listener), "a filter was locked on it");
	if (listener->endpoint.address.un.sun_path[0] != '\0' ||
	    !address_is_unix(&listener->endpoint.address))
		assert_reopens(listener);
}

static void test_a_locked_filter_stays_with_the_old_socket(void **state)
{
	each_kind(filtered);
}

static void test_a_filter_that_is_not_locked_is_taken_away(void **state)
{
	struct listener *listener = make_open("udp:127.0.0.1:0");
	struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, 0);
	const struct sock_fprog program = { 1, &refuse };

	assert_int_equal(
		setsockopt(listener->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)),
		0);
	assert_null(check(listener));
	assert_serves(listener);
	listener_free(listener);
}

static void test_a_socket_that_was_bound_to_an_interface_is_opened_anew(void **state)
{
	struct listener *listener = make_open("tcp:127.0.0.1:0");

	assert_int_equal(setsockopt(listener->fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2), 0);
	assert_string_equal(check(listener), "its interface was changed");
	assert_reopens(listener);
	listener_free(listener);
}

static void test_one_of_several_sockets_is_opened_anew(void **state)
{
	struct listener *listener = make_open("udp:127.0.0.1:0");
	int first = listener->fd, old;

	assert_int_equal(listener_open_others(listener, &options, 3), 0);
	old = dup(listener_socket(listener, 1));
	lock_filter(old);
	assert_null(listener_check(listener, listener_socket(listener, 0), 1, NULL));
	assert_non_null(listener_check(listener, listener_socket(listener, 1), 1, NULL));
	assert_int_equal(listener_reopen(listener, 1, &options), 0);
	assert_int_equal(listener_n_sockets(listener), 3);
	assert_int_equal(listener->fd, first);
	for (size_t i = 0; i < 3; i++)
		assert_null(listener_check(listener, listener_socket(listener, i), 1, NULL));
	close(old);
	listener_free(listener);
}

static struct socket_record *record_of(const struct listener *listener)
{
	struct socket_record *record = NULL;

	assert_int_equal(socket_record_renew(&record, listener->fd), 0);
	return record;
}

/* What a program sets, and what is there again when the next one comes. */
static const struct {
	const char *on;
	int level;
	int name;
	int value;
} settings[] = {
	{ "tcp:127.0.0.1:0", SOL_SOCKET, SO_LINGER, 1 },
	{ "tcp:127.0.0.1:0", SOL_SOCKET, SO_RCVBUF, 4096 },
	{ "tcp:127.0.0.1:0", SOL_SOCKET, SO_SNDBUF, 4096 },
	{ "tcp:127.0.0.1:0", SOL_SOCKET, SO_MAX_PACING_RATE, 100 },
	{ "tcp:127.0.0.1:0", SOL_SOCKET, SO_TIMESTAMP, 1 },
	{ "tcp:127.0.0.1:0", IPPROTO_IP, IP_TTL, 1 },
	{ "tcp:127.0.0.1:0", IPPROTO_IP, IP_TOS, 0x10 },
	{ "tcp:127.0.0.1:0", IPPROTO_TCP, TCP_USER_TIMEOUT, 1 },
	{ "tcp:127.0.0.1:0", IPPROTO_TCP, TCP_DEFER_ACCEPT, 10 },
	{ "tcp:127.0.0.1:0", IPPROTO_TCP, TCP_MAXSEG, 100 },
	{ "tcp:127.0.0.1:0", IPPROTO_TCP, TCP_KEEPIDLE, 1 },
	{ "tcp:[::1]:0", IPPROTO_IPV6, IPV6_UNICAST_HOPS, 1 },
	{ "udp:127.0.0.1:0", SOL_SOCKET, SO_REUSEADDR, 1 },
	{ "udp:127.0.0.1:0", SOL_SOCKET, SO_BROADCAST, 1 },
	{ "udp:127.0.0.1:0", IPPROTO_IP, IP_PKTINFO, 0 },
	{ "udp:127.0.0.1:0", IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO },
	{ "udp:127.0.0.1:0", IPPROTO_UDP, UDP_CORK, 1 },
	{ "udp:[::]:0", IPPROTO_IPV6, IPV6_RECVERR, 1 },
	{ "unix:@superd-repair", SOL_SOCKET, SO_PASSCRED, 1 },
	{ "unix-dgram:@superd-repair", SOL_SOCKET, SO_SNDBUF, 4096 },
};

static void test_options_are_set_back(void **state)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		struct listener *listener = make_open(settings[i].on);
		struct socket_record *before = record_of(listener);
		int level = settings[i].level, name = settings[i].name, fd = listener->fd;
		int there = socket_option(fd, level, name);
		const int wanted[2] = { settings[i].value, settings[i].value };

		assert_int_equal(setsockopt(fd, level, name, wanted,
					    name == SO_LINGER ? sizeof(wanted) : sizeof(int)),
				 0);
		assert_int_not_equal(socket_option(fd, level, name), there);
		assert_null(listener_check(listener, fd, options.backlog, before));
		assert_int_equal(socket_option(fd, level, name), there);
		assert_serves(listener);
		socket_record_free(before);
		listener_free(listener);
	}
}

static void test_the_options_of_ipv4_are_taken_away(void **state)
{
	struct listener *listener = make_open("tcp:127.0.0.1:0");
	struct socket_record *before = record_of(listener);
	/* loose source and record route, over this machine */
	const unsigned char route[] = { 131, 7, 4, 127, 0, 0, 1, 0 };
	unsigned char now[40];
	socklen_t length = sizeof(now);

	assert_int_equal(setsockopt(listener->fd, IPPROTO_IP, IP_OPTIONS, route, sizeof(route)), 0);
	assert_null(listener_check(listener, listener->fd, options.backlog, before));
	assert_int_equal(getsockopt(listener->fd, IPPROTO_IP, IP_OPTIONS, now, &length), 0);
	assert_int_equal(length, 0);
	socket_record_free(before);
	listener_free(listener);
}

static void test_a_size_is_tuned_by_the_kernel_again(void **state)
{
	struct listener *listener = make_open("tcp:127.0.0.1:0");
	struct socket_record *before = record_of(listener);

	assert_int_equal(socket_option_set(listener->fd, SOL_SOCKET, SO_SNDBUF, 4096), 0);
	assert_int_not_equal(socket_option(listener->fd, SOL_SOCKET, SO_BUF_LOCK), 0);
	assert_null(listener_check(listener, listener->fd, options.backlog, before));
	assert_int_equal(socket_option(listener->fd, SOL_SOCKET, SO_BUF_LOCK), 0);
	socket_record_free(before);
	listener_free(listener);
}

/* The kernel takes no clamp from a socket that listens. */
static void test_an_option_that_cannot_be_set_back_is_named(void **state)
{
	struct listener *listener = make_open("tcp:127.0.0.1:0");
	struct socket_record *before = record_of(listener);

	assert_int_equal(socket_option_set(listener->fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 2000), 0);
	assert_string_equal(listener_check(listener, listener->fd, options.backlog, before),
			    "its option TCP_WINDOW_CLAMP was changed");
	assert_reopens(listener);
	assert_null(listener_check(listener, listener->fd, options.backlog, before));
	socket_record_free(before);
	listener_free(listener);
}

/* A reload while the program has the socket. */
static void test_what_superd_itself_changes_stays(void **state)
{
	struct listener *listener = make_open("tcp:127.0.0.1:0");
	struct socket_record *record = record_of(listener);
	struct socket_record *before;

	assert_int_equal(socket_option_set(listener->fd, IPPROTO_IP, IP_TTL, 7), 0);
	before = record_of(listener);
	assert_int_equal(socket_option_set(listener->fd, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
	socket_record_follow(record, before, listener->fd);
	socket_record_free(before);

	assert_null(listener_check(listener, listener->fd, options.backlog, record));
	assert_int_equal(socket_option(listener->fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_not_equal(socket_option(listener->fd, IPPROTO_IP, IP_TTL), 7);
	socket_record_free(record);
	listener_free(listener);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_teardown(fn, clean_directory)
	const struct CMUnitTest tests[] = {
		CASE(test_what_nobody_has_touched_is_sound),
		CASE(test_clients_wait_through_a_check),
		CASE(test_what_was_shut_down_is_opened_anew),
		CASE(test_a_datagram_socket_that_may_not_send_is_not_sound),
		CASE(test_a_fixed_port_that_was_shut_down_listens_again),
		CASE(test_a_connected_datagram_socket_is_disconnected),
		CASE(test_with_any_port_it_is_opened_anew),
		CASE(test_a_socket_that_is_connected_to_port_0_is_noticed),
		CASE(test_a_locked_filter_stays_with_the_old_socket),
		CASE(test_a_filter_that_is_not_locked_is_taken_away),
		CASE(test_a_socket_that_was_bound_to_an_interface_is_opened_anew),
		CASE(test_one_of_several_sockets_is_opened_anew),
		CASE(test_options_are_set_back),
		CASE(test_the_options_of_ipv4_are_taken_away),
		CASE(test_a_size_is_tuned_by_the_kernel_again),
		CASE(test_an_option_that_cannot_be_set_back_is_named),
		CASE(test_what_superd_itself_changes_stays),
	};

	return cmocka_run_group_tests_name("listener-repair", tests, make_directory,
					   remove_directory);
}
