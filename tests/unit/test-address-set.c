#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "net/address-set.h"
#include "net/address.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static struct address address_of(const char *text)
{
	struct address address = { 0 };

	if (inet_pton(AF_INET, text, &address.in.sin_addr) == 1) {
		address.in.sin_family = AF_INET;
		address.length = sizeof(address.in);
		return address;
	}
	assert_int_equal(inet_pton(AF_INET6, text, &address.in6.sin6_addr), 1);
	address.in6.sin6_family = AF_INET6;
	address.length = sizeof(address.in6);
	return address;
}

static struct address_set *set_of(const char *const *texts, size_t n)
{
	struct address_range *ranges = calloc(n + 1, sizeof(*ranges));
	char why[ADDRESS_RANGE_HINT_MAX];
	struct address_set *set;

	for (size_t i = 0; i < n; i++) {
		assert_true(address_range_parse(texts[i], &ranges[i], why));
		ranges[i].place = (uint32_t)i;
	}
	assert_int_equal(address_set_new(&set, ranges, n), 0);
	free(ranges);
	return set;
}

/* The index of the range, or -1. */
static int find(const struct address_set *set, const char *text)
{
	const struct address address = address_of(text);
	struct address_match match;

	return address_set_find(set, &address, &match) ? (int)match.place : -1;
}

static void test_the_smallest_range_is_found(void **state)
{
	static const char *const ranges[] = {
		"10.0.0.0/8",   "10.1.0.0/16",  "10.1.2.3",      "10.0.255.250-10.1.0.5",
		"192.0.2.0/24", "192.0.2.0/24", "2001:db8::/32", "2001:db8::1-2001:db8::9",
	};
	static const struct {
		const char *address;
		int expected;
	} cases[] = {
		{ "9.255.255.255", -1 },  { "10.0.0.0", 0 },     { "10.1.2.3", 2 },
		{ "10.1.2.4", 1 },        { "10.0.255.249", 0 }, { "10.0.255.250", 3 },
		{ "10.1.0.5", 3 },        { "10.1.0.6", 1 },     { "10.255.255.255", 0 },
		{ "11.0.0.0", -1 },       { "192.0.2.255", 4 },  { "192.0.3.0", -1 },
		{ "::ffff:10.1.2.3", 2 }, { "2001:db8::", 6 },   { "2001:db8::1", 7 },
		{ "2001:db8::a", 6 },     { "2001:db9::", -1 },  { "::10.1.2.3", -1 },
	};
	struct address_set *set = set_of(ranges, N(ranges));

	for (size_t i = 0; i < N(cases); i++)
		assert_int_equal(find(set, cases[i].address), cases[i].expected);
	address_set_free(set);
}

static void test_the_ends_of_both_families_belong_to_them(void **state)
{
	static const char *const ranges[] = { "0.0.0.0/0", "::/0", "255.255.255.255",
					      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" };
	struct address_set *set = set_of(ranges, N(ranges));

	assert_int_equal(find(set, "0.0.0.0"), 0);
	assert_int_equal(find(set, "255.255.255.254"), 0);
	assert_int_equal(find(set, "255.255.255.255"), 2);
	assert_int_equal(find(set, "::"), 1);
	assert_int_equal(find(set, "::1:0:0"), 1);
	assert_int_equal(find(set, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 3);
	address_set_free(set);
}

static void test_a_mapped_prefix_is_one_of_ipv4(void **state)
{
	static const char *const ranges[] = { "::ffff:10.0.0.0/104", "::/0" };
	struct address_set *set = set_of(ranges, N(ranges));

	assert_int_equal(find(set, "10.200.0.1"), 0);
	assert_int_equal(find(set, "11.0.0.1"), -1);
	assert_int_equal(find(set, "::ffff:11.0.0.1"), -1);
	assert_int_equal(find(set, "::1"), 1);
	address_set_free(set);
}

static void test_an_empty_set_has_nobody(void **state)
{
	struct address_set *set = set_of(NULL, 0);
	const struct address unix_peer = { .length = sizeof(sa_family_t),
					   .any.sa_family = AF_UNIX };
	struct address_match match;

	assert_int_equal(find(set, "0.0.0.0"), -1);
	assert_int_equal(find(set, "::1"), -1);
	assert_false(address_set_find(set, &unix_peer, &match));
	address_set_free(set);
}

static void test_what_is_no_range_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} cases[] = {
		{ "", "an address is written as" },
		{ "10", "an address is written as" },
		{ "10.0.0", "an address is written as" },
		{ "10.0.0.256", "an address is written as" },
		{ " 10.0.0.1", "an address is written as" },
		{ "fe80::1%lo", "an address is written as" },
		{ "10.0.0.0/", "a length from 0 to 32" },
		{ "10.0.0.0/-1", "a length from 0 to 32" },
		{ "10.0.0.0/33", "a length from 0 to 32" },
		{ "10.0.0.0/8/8", "a length from 0 to 32" },
		{ "::/129", "a length from 0 to 128" },
		{ "x/8", "an address stands before" },
		{ "10.0.0.1/8", "write '10.0.0.0/8'" },
		{ "2001:db8::1/32", "write '2001:db8::/32'" },
		{ "::1/0", "write '::/0'" },
		{ "10.0.0.1-", "on both sides" },
		{ "-10.0.0.1", "on both sides" },
		{ "10.0.0.1-10.0.0.2-10.0.0.3", "on both sides" },
		{ "10.0.0.2-10.0.0.1", "the smaller end" },
		{ "10.0.0.1-::1", "both are IPv6" },
		{ "1111:1111:1111:1111:1111:1111:1111:1111-1111:1111:1111:1111:1111:1111:1111:1111:"
		  "1:1",
		  "on both sides" },
		{ "1111:1111:1111:1111:1111:1111:1111:1111-1111:1111:1111:1111:1111:1111:1111:1111"
		  "1111:1111:1111:1111:1111",
		  "too long" },
	};

	for (size_t i = 0; i < N(cases); i++) {
		char why[ADDRESS_RANGE_HINT_MAX];
		struct address_range range;

		assert_false(address_range_parse(cases[i].text, &range, why));
		assert_non_null(strstr(why, cases[i].why));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_smallest_range_is_found),
		cmocka_unit_test(test_the_ends_of_both_families_belong_to_them),
		cmocka_unit_test(test_a_mapped_prefix_is_one_of_ipv4),
		cmocka_unit_test(test_an_empty_set_has_nobody),
		cmocka_unit_test(test_what_is_no_range_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
