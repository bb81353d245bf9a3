/* Who has an address, as /proc tells of this very process. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/endpoint.h"
#include "net/socket-owner.h"

#define LONG_MS 60000

static int find(const char *address, int type, int family, unsigned port, struct socket_owner *out)
{
	struct endpoint_text text = { .family = family, .type = type };
	struct endpoint endpoint = { .type = type };

	(void)snprintf(text.host, sizeof(text.host), "%s", address);
	assert_int_equal(endpoint_lookup(&text, &endpoint.address, 1), 1);
	address_set_port(&endpoint.address, port);
	return socket_owner_find(&endpoint, clock_ms() + LONG_MS, out);
}

/* Binds to a free port, and returns it. */
static unsigned bind_to(int fd, const char *host)
{
	struct endpoint_text text = { .family = AF_UNSPEC };
	struct address address;

	(void)snprintf(text.host, sizeof(text.host), "%s", host);
	assert_int_equal(endpoint_lookup(&text, &address, 1), 1);
	assert_int_equal(bind(fd, &address.any, address.length), 0);
	assert_int_equal(getsockname(fd, &address.any, &address.length), 0);
	return address_port(&address);
}

static void test_a_socket_that_listens_is_found(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unsigned port = bind_to(fd, "127.0.0.1");
	struct socket_owner owner;

	/* The kernel gives no port away for a socket that does not listen, but tells of none. */
	assert_int_equal(find("127.0.0.1", SOCK_STREAM, AF_INET, port, &owner), -ENOENT);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(prctl(PR_SET_NAME, "a\n'b"), 0);
	assert_int_equal(find("127.0.0.1", SOCK_STREAM, AF_INET, port, &owner), 0);
	assert_int_equal(owner.pid, getpid());
	assert_string_equal(owner.name, "a\\x0a'b");
	assert_int_equal(find("0.0.0.0", SOCK_STREAM, AF_INET, port, &owner), 0);
	assert_int_equal(find("127.0.0.2", SOCK_STREAM, AF_INET, port, &owner), -ENOENT);
	assert_int_equal(find("127.0.0.1", SOCK_DGRAM, AF_INET, port, &owner), -ENOENT);
	close(fd);
	assert_int_equal(find("127.0.0.1", SOCK_STREAM, AF_INET, port, &owner), -ENOENT);
}

static void test_a_socket_for_both_families_is_found(void **state)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct socket_owner owner;
	unsigned port;

	if (fd < 0)
		skip();
	port = bind_to(fd, "::");
	assert_int_equal(find("127.0.0.1", SOCK_DGRAM, AF_INET, port, &owner), 0);
	assert_int_equal(owner.pid, getpid());
	assert_int_equal(find("::1", SOCK_DGRAM, AF_INET6, port, &owner), 0);
	close(fd);
}

static void test_an_abstract_name_is_found(void **state)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct endpoint endpoint = { .type = SOCK_DGRAM };
	struct sockaddr_un *un = &endpoint.address.un;
	struct socket_owner owner;

	un->sun_family = AF_UNIX;
	endpoint.address.length =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			    (size_t)snprintf(un->sun_path + 1, sizeof(un->sun_path) - 1,
					     "superd owner %ld", (long)getpid()));
	assert_int_equal(bind(fd, &endpoint.address.any, endpoint.address.length), 0);
	assert_int_equal(socket_owner_find(&endpoint, clock_ms() + LONG_MS, &owner), 0);
	assert_int_equal(owner.pid, getpid());
	un->sun_path[1]++;
	assert_int_equal(socket_owner_find(&endpoint, clock_ms() + LONG_MS, &owner), -ENOENT);
	close(fd);
}

static void test_the_search_has_a_limit(void **state)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct endpoint endpoint = { .type = SOCK_DGRAM };
	struct endpoint_text text = { .family = AF_INET, .host = "127.0.0.1" };
	struct socket_owner owner;

	assert_int_equal(endpoint_lookup(&text, &endpoint.address, 1), 1);
	address_set_port(&endpoint.address, bind_to(fd, "127.0.0.1"));
	assert_int_equal(socket_owner_find(&endpoint, clock_ms() + LONG_MS, &owner), 0);
	assert_int_equal(socket_owner_find(&endpoint, clock_ms(), &owner), -ENOENT);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_socket_that_listens_is_found),
		cmocka_unit_test(test_a_socket_for_both_families_is_found),
		cmocka_unit_test(test_an_abstract_name_is_found),
		cmocka_unit_test(test_the_search_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
