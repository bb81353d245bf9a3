#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "net/endpoint.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The endpoint that @text means, its first port included. */
static struct endpoint make(const char *text)
{
	struct endpoint endpoint = { 0 };
	struct endpoint_text parsed;
	const char *why = "";

	if (endpoint_parse(&parsed, text, &why) < 0)
		fail_msg("'%s' %s", text, why);
	if (endpoint_lookup(&parsed, &endpoint.address, 1) != 1)
		fail_msg("'%s' has no address", text);

	endpoint.type = parsed.type;
	endpoint.v6only = parsed.family == AF_INET6;
	address_set_port(&endpoint.address, parsed.port_first);
	assert_int_equal(endpoint_set_text(&endpoint), 0);
	return endpoint;
}

static void test_good_texts_have_a_canonical_one(void **state)
{
	static const char *const rows[][2] = {
		{ "tcp:127.0.0.1:80", "tcp:127.0.0.1:80" },
		{ "tcp:[::1]:80", "tcp:[::1]:80" },
		{ "tcp:[0:0::1]:80", "tcp:[::1]:80" },
		{ "tcp6:80", "tcp6:[::]:80" },
		{ "tcp4:80", "tcp:0.0.0.0:80" },
		{ "udp4:127.0.0.1:0", "udp:127.0.0.1:0" },
		{ "udp6:[::1]:7", "udp:[::1]:7" },
		{ "tcp:[::ffff:127.0.0.1]:80", "tcp:127.0.0.1:80" },
		{ "unix:@name", "unix:@name" },
		{ "@name", "unix:@name" },
		{ "unix:/nowhere//a/./b", "unix:/nowhere/a/b" },
		{ "unix:/nowhere/../b", "unix:/nowhere/../b" },
		{ "unix:/../x", "unix:/x" },
		{ "unix-dgram:/nowhere/x", "unix-dgram:/nowhere/x" },
		{ "unix-seqpacket:/nowhere/x'", "unix-seqpacket:/nowhere/x\\x27" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct endpoint endpoint = make(rows[i][0]);

		assert_string_equal(endpoint.text, rows[i][1]);
		endpoint_fini(&endpoint);
	}
}

static void test_every_mistake_has_its_sentence(void **state)
{
	static const char *const rows[][2] = {
		{ "80",
		  "takes 'tcp:PORT', 'tcp:HOST:PORT', 'udp:PORT', 'unix:/PATH' or their like, "
		  "not '80'" },
		{ "tcp", "takes 'tcp:PORT', 'tcp:HOST:PORT', 'udp:PORT', 'unix:/PATH' or their "
			 "like, not 'tcp'" },
		{ "TCP:80", "takes 'tcp:PORT', 'tcp:HOST:PORT', 'udp:PORT', 'unix:/PATH' or their "
			    "like, not 'TCP:80'" },
		{ "tcp:", "takes a port after the last ':'" },
		{ "tcp:127.0.0.1:", "takes a port after the last ':'" },
		{ "tcp:70000", "takes a port from 0 to 65535, not '70000'" },
		{ "tcp:99999999999999", "takes a port from 0 to 65535, not '99999999999999'" },
		{ "tcp:080", "takes a port from 0 to 65535, not '080'" },
		{ "tcp:5-", "takes a port from 0 to 65535, not '5-'" },
		{ "tcp:9-8", "takes a range of ports from a lower to a higher one, not '9-8'" },
		{ "tcp:0-8", "takes a range of ports from a lower to a higher one, not '0-8'" },
		{ "tcp:no-such-service", "takes a port from 0 to 65535 or a name of the services "
					 "database, not 'no-such-service'" },
		{ "tcp:-1", "takes a port from 0 to 65535 or a name of the services database, not "
			    "'-1'" },
		{ "tcp::80", "takes a host before the ':' of the port, or no such ':'" },
		{ "tcp:::1:80",
		  "takes an IPv6 address in brackets, as in 'tcp:[::1]:80', not '::1'" },
		{ "tcp:[::1", "takes '[ADDRESS]:PORT', not '[::1'" },
		{ "tcp:[::1]80", "takes '[ADDRESS]:PORT', not '[::1]80'" },
		{ "tcp:[x]:80", "takes an IPv6 address in brackets, not 'x'" },
		{ "tcp:[127.0.0.1]:80", "takes an IPv6 address in brackets, not '127.0.0.1'" },
		{ "tcp:[fe80::1%]:80", "takes an IPv6 address in brackets, not 'fe80::1%'" },
		{ "tcp:1.2.3.400:80", "takes an IPv4 address of four numbers, not '1.2.3.400'" },
		{ "tcp:*:80", "takes no '*'; for every address leave it out, as in 'tcp:80'" },
		{ "tcp4:[::1]:80", "takes an IPv4 address after 'tcp4' and 'udp4', not '::1'" },
		{ "tcp6:1.2.3.4:80",
		  "takes an IPv6 address after 'tcp6' and 'udp6', not '1.2.3.4'" },
		{ "unix:x", "takes an absolute path or '@NAME', not 'x'" },
		{ "unix:", "takes an absolute path or '@NAME', not ''" },
		{ "unix:/", "takes the path of a socket, not '/'" },
		{ "unix:/tmp/", "takes the path of a socket, not '/tmp/'" },
		{ "unix:/tmp/..", "takes the path of a socket, not '/tmp/..'" },
		{ "unix:@", "takes a name after '@'" },
		{ "tcp:a\nb",
		  "takes a port from 0 to 65535 or a name of the services database, not "
		  "'a\\x0ab'" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct endpoint_text parsed;
		const char *why = NULL;

		assert_int_equal(endpoint_parse(&parsed, rows[i][0], &why), -EINVAL);
		assert_string_equal(why, rows[i][1]);
	}
}

static void test_a_path_has_at_most_107_bytes(void **state)
{
	struct endpoint_text parsed;
	const char *why;
	char text[200];

	(void)snprintf(text, sizeof(text), "unix:/%0106d", 0);
	assert_int_equal(endpoint_parse(&parsed, text, &why), 0);
	assert_int_equal(strlen(parsed.path.un.sun_path), 107);
	(void)snprintf(text, sizeof(text), "unix:/%0107d", 0);
	assert_int_equal(endpoint_parse(&parsed, text, &why), -EINVAL);
	assert_string_equal(why, "takes a path of at most 107 bytes, not of 108");
	(void)snprintf(text, sizeof(text), "@%0107d", 0);
	assert_int_equal(endpoint_parse(&parsed, text, &why), -EINVAL);
	assert_string_equal(why, "takes a name of at most 106 bytes, not of 107");
}

static void test_ports_may_be_names_and_ranges(void **state)
{
	struct endpoint_text parsed;
	const char *why;

	assert_int_equal(endpoint_parse(&parsed, "tcp:8000-8009", &why), 0);
	assert_int_equal(parsed.port_first, 8000);
	assert_int_equal(parsed.port_last, 8009);
	assert_int_equal(parsed.family, AF_UNSPEC);

	if (endpoint_parse(&parsed, "udp:localhost:daytime", &why) < 0)
		skip();
	assert_int_equal(parsed.type, SOCK_DGRAM);
	assert_int_equal(parsed.port_first, 13);
	assert_int_equal(parsed.port_last, 13);
	assert_string_equal(parsed.host, "localhost");
	assert_true(endpoint_needs_lookup(&parsed));
}

static void test_a_port_of_the_other_protocol_is_named(void **state)
{
	struct endpoint_text parsed;
	const char *why;

	if (!getservbyname("tftp", "udp") || getservbyname("tftp", "tcp"))
		skip();
	assert_int_equal(endpoint_parse(&parsed, "udp:tftp", &why), 0);
	assert_int_equal(endpoint_parse(&parsed, "tcp:tftp", &why), -EINVAL);
	assert_string_equal(why, "takes a name that the services database has for tcp; it has "
				 "'tftp' for udp only");
}

static void test_only_names_are_looked_up(void **state)
{
	static const char *const texts[] = { "tcp:80",       "tcp:127.0.0.1:80",
					     "tcp:[::1]:80", "tcp:[fe80::1%nowhere]:80",
					     "unix:/x",      "@x" };
	struct endpoint_text parsed;
	struct address address;
	const char *why;

	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_int_equal(endpoint_parse(&parsed, texts[i], &why), 0);
		assert_false(endpoint_needs_lookup(&parsed));
	}

	assert_int_equal(endpoint_parse(&parsed, "tcp:[fe80::1%nowhere]:80", &why), 0);
	assert_int_equal(endpoint_lookup(&parsed, &address, 1), 1);
}

static void test_an_interface_may_be_missing(void **state)
{
	struct endpoint a = make("tcp:[fe80::1%1]:80"), b = make("tcp:[fe80::1%1]:80");

	endpoint_set_scope(&a, "1");
	assert_int_equal(endpoint_find_scope(&a), 0);
	assert_int_equal(a.address.in6.sin6_scope_id, 1);

	a.address.in6.sin6_scope_id = b.address.in6.sin6_scope_id = 0;
	endpoint_set_scope(&a, "nowhere");
	endpoint_set_scope(&b, "elsewhere");
	assert_int_equal(endpoint_find_scope(&a), -ENODEV);
	assert_int_equal(endpoint_set_text(&a), 0);
	assert_string_equal(a.text, "tcp:[fe80::1%nowhere]:80");
	assert_false(endpoint_collides(&a, &b));
	endpoint_set_scope(&b, "nowhere");
	assert_true(endpoint_collides(&a, &b));
	endpoint_fini(&a);
	endpoint_fini(&b);
}

static void test_no_host_means_every_address(void **state)
{
	struct endpoint endpoint = make("tcp:80");

	endpoint.v6only = false;
	assert_int_equal(endpoint_set_text(&endpoint), 0);
	assert_string_equal(endpoint.text,
			    endpoint_system_has_ipv6() ? "tcp:[::]:80" : "tcp:0.0.0.0:80");
	(void)snprintf(endpoint.interface, sizeof(endpoint.interface), "eth0");
	assert_int_equal(endpoint_set_text(&endpoint), 0);
	assert_string_equal(endpoint.text, endpoint_system_has_ipv6() ? "tcp:[::]:80%eth0"
								      : "tcp:0.0.0.0:80%eth0");
	endpoint_fini(&endpoint);
}

static void test_what_cannot_be_bound_together_collides(void **state)
{
	static const struct {
		const char *a, *b;
		bool collide;
	} rows[] = {
		{ "tcp:127.0.0.1:80", "tcp:127.0.0.1:80", true },
		{ "tcp:127.0.0.1:80", "tcp:127.0.0.1:81", false },
		{ "tcp:127.0.0.1:80", "udp:127.0.0.1:80", false },
		{ "tcp:127.0.0.1:80", "tcp:127.0.0.2:80", false },
		{ "tcp:127.0.0.1:0", "tcp:127.0.0.1:0", false },
		{ "tcp4:80", "tcp:127.0.0.1:80", true },
		{ "tcp:[::]:80", "tcp:127.0.0.1:80", true },
		{ "tcp:[::]:80", "tcp:[::1]:80", true },
		{ "tcp:[::]:80", "tcp4:80", true },
		{ "tcp6:80", "tcp4:80", false },
		{ "tcp6:80", "tcp:[::1]:80", true },
		{ "tcp:[::1]:80", "tcp:127.0.0.1:80", false },
		{ "unix:/nowhere/x", "unix-dgram:/nowhere//x", true },
		{ "unix:/nowhere/x", "unix:@/nowhere/x", false },
		{ "unix:@x", "@x", true },
		{ "unix:/nowhere/x", "tcp4:80", false },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct endpoint a = make(rows[i].a), b = make(rows[i].b);

		/* make() takes every IPv6 wildcard as one for IPv6 alone. */
		a.v6only = strncmp(rows[i].a, "tcp6", 4) == 0;
		b.v6only = strncmp(rows[i].b, "tcp6", 4) == 0;
		if (endpoint_collides(&a, &b) != rows[i].collide ||
		    endpoint_collides(&b, &a) != rows[i].collide)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
		endpoint_fini(&a);
		endpoint_fini(&b);
	}
}

static void test_a_pair_is_one_port_in_both_families(void **state)
{
	static const struct {
		const char *a, *b;
		bool pair;
	} rows[] = {
		{ "tcp4:80", "tcp6:80", true },  { "tcp4:80", "tcp4:80", false },
		{ "tcp4:80", "udp6:80", false }, { "tcp4:80", "tcp6:81", false },
		{ "tcp4:0", "tcp6:0", true },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct endpoint a = make(rows[i].a), b = make(rows[i].b);

		a.paired = true;
		assert_false(endpoint_are_pair(&a, &b));
		b.paired = true;
		if (endpoint_are_pair(&a, &b) != rows[i].pair ||
		    endpoint_are_pair(&b, &a) != rows[i].pair)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
		endpoint_fini(&a);
		endpoint_fini(&b);
	}
}

static void test_interfaces_keep_endpoints_apart(void **state)
{
	struct endpoint a = make("tcp4:80"), b = make("tcp4:80");

	(void)snprintf(a.interface, sizeof(a.interface), "eth0");
	assert_true(endpoint_collides(&a, &b));
	(void)snprintf(b.interface, sizeof(b.interface), "eth1");
	assert_false(endpoint_collides(&a, &b));
	endpoint_fini(&a);
	endpoint_fini(&b);
}

static void test_two_ways_to_one_directory_are_one_endpoint(void **state)
{
	char directory[] = "/tmp/superd-endpoint-XXXXXX", other[64], text[128];
	struct endpoint a, b, c;

	assert_non_null(mkdtemp(directory));
	(void)snprintf(other, sizeof(other), "%s/link", directory);
	assert_int_equal(symlink(directory, other), 0);

	(void)snprintf(text, sizeof(text), "unix:%s/x", directory);
	a = make(text);
	(void)snprintf(text, sizeof(text), "unix:%s/x", other);
	b = make(text);
	(void)snprintf(text, sizeof(text), "unix:%s/../%s/x", directory, directory + 5);
	c = make(text);

	assert_string_equal(a.text, b.text);
	assert_string_equal(a.text, c.text);
	assert_true(endpoint_collides(&a, &b));
	assert_true(address_equal(&a.address, &b.address));

	endpoint_fini(&a);
	endpoint_fini(&b);
	endpoint_fini(&c);
	(void)unlink(other);
	(void)rmdir(directory);
}

static void test_a_copy_owns_its_text(void **state)
{
	struct endpoint a = make("tcp4:80"), b;

	assert_int_equal(endpoint_copy(&b, &a), 0);
	assert_ptr_not_equal(a.text, b.text);
	endpoint_fini(&a);
	assert_string_equal(b.text, "tcp:0.0.0.0:80");
	endpoint_fini(&b);
	endpoint_fini(&b);
	endpoint_fini(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_texts_have_a_canonical_one),
		cmocka_unit_test(test_every_mistake_has_its_sentence),
		cmocka_unit_test(test_a_path_has_at_most_107_bytes),
		cmocka_unit_test(test_ports_may_be_names_and_ranges),
		cmocka_unit_test(test_a_port_of_the_other_protocol_is_named),
		cmocka_unit_test(test_only_names_are_looked_up),
		cmocka_unit_test(test_an_interface_may_be_missing),
		cmocka_unit_test(test_no_host_means_every_address),
		cmocka_unit_test(test_what_cannot_be_bound_together_collides),
		cmocka_unit_test(test_a_pair_is_one_port_in_both_families),
		cmocka_unit_test(test_interfaces_keep_endpoints_apart),
		cmocka_unit_test(test_two_ways_to_one_directory_are_one_endpoint),
		cmocka_unit_test(test_a_copy_owns_its_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
