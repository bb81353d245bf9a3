#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "net/address.h"

static struct address ipv4(const char *text, unsigned port)
{
	struct address address = { .length = sizeof(address.in) };

	address.in.sin_family = AF_INET;
	assert_int_equal(inet_pton(AF_INET, text, &address.in.sin_addr), 1);
	address_set_port(&address, port);
	return address;
}

static struct address ipv6(const char *text, unsigned port)
{
	struct address address = { .length = sizeof(address.in6) };

	address.in6.sin6_family = AF_INET6;
	assert_int_equal(inet_pton(AF_INET6, text, &address.in6.sin6_addr), 1);
	address_set_port(&address, port);
	return address;
}

static struct address unix_name(const char *name, size_t n)
{
	struct address address = { .length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
							 n) };

	address.un.sun_family = AF_UNIX;
	memcpy(address.un.sun_path, name, n);
	return address;
}

static void check(struct address address, const char *text, const char *host, unsigned port)
{
	char out[ADDRESS_TEXT_MAX];

	assert_string_equal(address_text(&address, out), text);
	assert_string_equal(address_host(&address, out), host);
	assert_int_equal(address_port(&address), port);
}

static void test_every_family_has_a_text(void **state)
{
	check(ipv4("192.0.2.1", 80), "192.0.2.1:80", "192.0.2.1", 80);
	check(ipv6("2001:db8::1", 65535), "[2001:db8::1]:65535", "2001:db8::1", 65535);
	check(ipv6("::ffff:192.0.2.1", 5), "192.0.2.1:5", "192.0.2.1", 5);
	check(unix_name("/run/x", 7), "/run/x", "/run/x", 0);
	check(unix_name("\0name", 5), "@name", "@name", 0);
	check(unix_name("", 0), "unix", "", 0);
	check((struct address){ 0 }, "unix", "", 0);
	check(unix_name("/a\nb", 5), "/a\\x0ab", "/a\\x0ab", 0);
}

static void test_no_name_of_a_client_is_an_option(void **state)
{
	check(unix_name("-n", 3), "./-n", "./-n", 0);
	check(unix_name("@x", 3), "./@x", "./@x", 0);
	check(unix_name("a/b", 4), "./a/b", "./a/b", 0);
}

static void test_a_path_may_fill_its_room(void **state)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char text[sizeof(path) + 1];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	(void)snprintf(text, sizeof(text), "%.*s", (int)sizeof(path), path);
	check(unix_name(path, sizeof(path)), text, text, 0);

	memset(path + 1, '\n', sizeof(path) - 1);
	assert_int_equal(strlen(address_text((struct address[]){ unix_name(path, sizeof(path)) },
					     (char[ADDRESS_TEXT_MAX]){ 0 })),
			 156);
}

static void test_mapped_addresses_become_ipv4(void **state)
{
	struct address mapped = ipv6("::ffff:192.0.2.1", 80), plain = ipv4("192.0.2.1", 80);
	struct address other = ipv6("2001:db8::1", 80), same = other;

	address_unmap(&mapped);
	assert_true(address_equal(&mapped, &plain));
	assert_int_equal(mapped.length, sizeof(struct sockaddr_in));

	address_unmap(&other);
	assert_true(address_equal(&other, &same));
}

static void test_wildcards_are_addresses_of_either_family(void **state)
{
	struct address wildcards[] = { ipv4("0.0.0.0", 80), ipv6("::", 0) };
	struct address others[] = { ipv4("0.0.0.1", 80), ipv6("::1", 0), unix_name("", 0), { 0 } };

	for (size_t i = 0; i < sizeof(wildcards) / sizeof(wildcards[0]); i++)
		assert_true(address_is_wildcard(&wildcards[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(address_is_wildcard(&others[i]));
}

static void test_addresses_are_compared_by_what_they_mean(void **state)
{
	struct address a = ipv6("fe80::1", 80), b = a;
	struct address path = unix_name("/run/x", 7), shorter = unix_name("/run/x", 6);
	struct address hidden = unix_name("\0/run/x", 7);

	b.in6.sin6_flowinfo = 1;
	assert_true(address_equal(&a, &b));
	b.in6.sin6_scope_id = 2;
	assert_false(address_equal(&a, &b));

	assert_true(address_equal(&path, &shorter));
	assert_false(address_equal(&path, &hidden));
	assert_false(address_equal(&a, &path));
	assert_true(address_is_unix(&path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_family_has_a_text),
		cmocka_unit_test(test_no_name_of_a_client_is_an_option),
		cmocka_unit_test(test_a_path_may_fill_its_room),
		cmocka_unit_test(test_mapped_addresses_become_ipv4),
		cmocka_unit_test(test_wildcards_are_addresses_of_either_family),
		cmocka_unit_test(test_addresses_are_compared_by_what_they_mean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
