#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "front/datagram/reflection-guard.h"
#include "net/address.h"

static const struct {
	const char *host;
	unsigned port;
	enum reflection_risk risk;
} cases[] = {
	{ "192.0.2.1", 1024, REFLECTION_NO_RISK },
	{ "192.0.2.1", 65535, REFLECTION_NO_RISK },
	{ "192.0.2.1", 1023, REFLECTION_LOW_PORT },
	{ "192.0.2.1", 0, REFLECTION_NOBODY },
	{ "192.0.2.1", 2049, REFLECTION_LOW_PORT },
	{ "192.0.2.1", 10007, REFLECTION_OWN },
	{ "192.0.2.1", 10008, REFLECTION_NO_RISK },
	{ "0.0.0.0", 5000, REFLECTION_NOBODY },
	{ "0.1.2.3", 5000, REFLECTION_NOBODY },
	{ "223.255.255.255", 5000, REFLECTION_NO_RISK },
	{ "224.0.0.1", 5000, REFLECTION_NOBODY },
	{ "239.1.2.3", 5000, REFLECTION_NOBODY },
	{ "255.255.255.255", 5000, REFLECTION_NOBODY },
	{ "2001:db8::1", 5000, REFLECTION_NO_RISK },
	{ "2001:db8::1", 7, REFLECTION_LOW_PORT },
	{ "::1", 10007, REFLECTION_OWN },
	{ "::", 5000, REFLECTION_NOBODY },
	{ "ff02::1", 5000, REFLECTION_NOBODY },
	{ "::ffff:192.0.2.1", 5000, REFLECTION_NO_RISK },
	{ "::ffff:224.0.0.1", 5000, REFLECTION_NOBODY },
	{ "::ffff:255.255.255.255", 5000, REFLECTION_NOBODY },
	{ "224.0.0.1", 7, REFLECTION_NOBODY },
	{ "192.0.2.1", 518, REFLECTION_OWN },
	{ "::ffff:192.0.2.1", 19, REFLECTION_LOW_PORT },
};

static struct address make_address(const char *host, unsigned port)
{
	struct address address = { .length = sizeof(address.in) };

	if (inet_pton(AF_INET, host, &address.in.sin_addr) == 1) {
		address.in.sin_family = AF_INET;
		address.in.sin_port = htons((uint16_t)port);
		return address;
	}
	address.length = sizeof(address.in6);
	address.in6.sin6_family = AF_INET6;
	assert_int_equal(inet_pton(AF_INET6, host, &address.in6.sin6_addr), 1);
	address.in6.sin6_port = htons((uint16_t)port);
	return address;
}

static void test_sources_that_could_make_a_loop_get_no_answer(void **state)
{
	static struct reflection_guard guard;
	struct address own;

	own = make_address("192.0.2.7", 10007);
	assert_int_equal(reflection_guard_add(&guard, &own.any, own.length), 0);
	own = make_address("::", 518);
	assert_int_equal(reflection_guard_add(&guard, &own.any, own.length), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address source = make_address(cases[i].host, cases[i].port);

		if (reflection_guard_judge(&guard, &source.any, source.length) != cases[i].risk)
			fail_msg("%s port %u", cases[i].host, cases[i].port);
	}
}

static void test_a_unix_sender_without_a_name_gets_no_answer(void **state)
{
	static struct reflection_guard guard;
	struct address source = { .length = sizeof(sa_family_t) };

	source.un.sun_family = AF_UNIX;
	assert_int_equal(reflection_guard_judge(&guard, &source.any, source.length),
			 REFLECTION_NOBODY);
	assert_int_equal(reflection_guard_judge(&guard, &source.any, 0), REFLECTION_NOBODY);
	source.un.sun_path[0] = '/';
	source.length += 2;
	assert_int_equal(reflection_guard_judge(&guard, &source.any, source.length),
			 REFLECTION_NO_RISK);
}

static struct address unix_address(const char *name, size_t n)
{
	struct address address = { 0 };

	address.un.sun_family = AF_UNIX;
	memcpy(address.un.sun_path, name, n);
	address.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	return address;
}

static void test_our_own_unix_sockets_get_no_answer(void **state)
{
	static struct reflection_guard guard;
	const struct address path = unix_address("/run/x", 7);
	const struct address abstract = unix_address("\0x", 2);
	const struct address like_it = unix_address("\0x\0", 3);

	assert_int_equal(reflection_guard_add(&guard, &path.any, path.length), 0);
	assert_int_equal(reflection_guard_add(&guard, &abstract.any, abstract.length), 0);
	assert_int_equal(reflection_guard_judge(&guard, &path.any, path.length), REFLECTION_OWN);
	assert_int_equal(reflection_guard_judge(&guard, &abstract.any, abstract.length),
			 REFLECTION_OWN);
	assert_int_equal(reflection_guard_judge(&guard, &like_it.any, like_it.length),
			 REFLECTION_NO_RISK);
	reflection_guard_fini(&guard);
	assert_int_equal(reflection_guard_judge(&guard, &path.any, path.length),
			 REFLECTION_NO_RISK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sources_that_could_make_a_loop_get_no_answer),
		cmocka_unit_test(test_a_unix_sender_without_a_name_gets_no_answer),
		cmocka_unit_test(test_our_own_unix_sockets_get_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
