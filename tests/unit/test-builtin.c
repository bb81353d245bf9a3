#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "front/session/builtin.h"

static void test_echo_repeats_and_discard_is_silent(void **state)
{
	struct exchange x = { .in = "text", .n_in = 4 };

	builtin_find(BUILTIN_ECHO)->answer(&x);
	assert_int_equal(x.n_out, 4);
	assert_memory_equal(x.out, "text", 4);
	builtin_find(BUILTIN_DISCARD)->answer(&x);
	assert_int_equal(x.n_out, 0);
}

static void test_daytime_is_one_line_of_26_bytes(void **state)
{
	static const struct {
		time_t now;
		const char *expected;
	} cases[] = {
		{ 1795227531, "Sat Nov 21 02:18:51 2026\r\n" },
		{ 1795227532, "Sat Nov 21 02:18:52 2026\r\n" },
		{ 0, "Thu Jan  1 00:00:00 1970\r\n" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct exchange x = { .now = cases[i].now };

		builtin_find(BUILTIN_DAYTIME)->answer(&x);
		assert_int_equal(x.n_out, 26);
		assert_memory_equal(x.out, cases[i].expected, 26);
	}
}

static void test_time_wraps_in_2036(void **state)
{
	static const struct {
		time_t now;
		unsigned char expected[4];
	} cases[] = {
		{ 0, { 0x83, 0xaa, 0x7e, 0x80 } },
		{ 2085978495, { 0xff, 0xff, 0xff, 0xff } },
		{ 2085978496, { 0, 0, 0, 0 } },
		{ 2085978497, { 0, 0, 0, 1 } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct exchange x = { .now = cases[i].now };

		builtin_find(BUILTIN_TIME)->answer(&x);
		assert_int_equal(x.n_out, 4);
		assert_memory_equal(x.out, cases[i].expected, 4);
	}
}

static char pattern_at(uint64_t sent)
{
	struct exchange x = { .sent = sent };

	builtin_find(BUILTIN_CHARGEN)->answer(&x);
	assert_true(x.n_out > 64 * 1024);
	return x.out[0];
}

static void test_chargen_shifts_its_lines_through_the_ring(void **state)
{
	struct exchange x = { 0 };

	builtin_find(BUILTIN_CHARGEN)->answer(&x);
	assert_memory_equal(x.out, " !\"#$%&'()*+,-./0123456789", 26);
	assert_memory_equal(x.out + 72, "\r\n!\"#", 5);
	assert_int_equal(pattern_at(94 * 74), '~');
	assert_int_equal(pattern_at(95 * 74), ' ');
	assert_int_equal(pattern_at((UINT64_C(1) << 40) * 95 * 74 + 74), '!');
}

/* A byte that is changed stays so, if the pattern is not made again. */
static void test_the_pattern_is_made_once_for_all_services(void **state)
{
	struct exchange x = { 0 };
	char *first;

	builtin_prepare(BUILTIN_CHARGEN);
	builtin_find(BUILTIN_CHARGEN)->answer(&x);
	first = (char *)x.out + 1;
	assert_int_equal(*first, '!');
	*first = '?';
	builtin_prepare(BUILTIN_CHARGEN);
	assert_int_equal(*first, '?');
	*first = '!';
}

static void test_chargen_amplifies_only_when_told(void **state)
{
	struct exchange x = { .n_in = 10, .random = 512 };

	builtin_find(BUILTIN_CHARGEN)->answer_datagram(&x);
	assert_int_equal(x.n_out, 10);
	x.n_in = 5000;
	builtin_find(BUILTIN_CHARGEN)->answer_datagram(&x);
	assert_int_equal(x.n_out, 512);
	x.amplify = true;
	x.n_in = 0;
	builtin_find(BUILTIN_CHARGEN)->answer_datagram(&x);
	assert_int_equal(x.n_out, 512);
	x.random = 513;
	builtin_find(BUILTIN_CHARGEN)->answer_datagram(&x);
	assert_int_equal(x.n_out, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo_repeats_and_discard_is_silent),
		cmocka_unit_test(test_daytime_is_one_line_of_26_bytes),
		cmocka_unit_test(test_time_wraps_in_2036),
		cmocka_unit_test(test_chargen_shifts_its_lines_through_the_ring),
		cmocka_unit_test(test_the_pattern_is_made_once_for_all_services),
		cmocka_unit_test(test_chargen_amplifies_only_when_told),
	};

	setenv("TZ", "UTC", 1);
	builtin_prepare(BUILTIN_CHARGEN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
