#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/number.h"

#define UNTOUCHED 777
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct row {
	const char *text;
	int64_t value;
	int result;
};

static void check(const struct row *row, int result, int64_t value)
{
	if (result != row->result || value != (result == 0 ? row->value : UNTOUCHED))
		fail_msg("'%s': %d, %lld", row->text, result, (long long)value);
}

static void test_numbers_are_strict(void **state)
{
	static const struct row rows[] = {
		{ "0", 0, 0 },
		{ "10", 10, 0 },
		{ "-5", -5, 0 },
		{ "1000", 1000, 0 },
		{ "1001", 0, -ERANGE },
		{ "-6", 0, -ERANGE },
		{ "9223372036854775808", 0, -ERANGE },
		{ "18446744073709551616", 0, -ERANGE },
		{ "99999999999999999999999", 0, -ERANGE },
		{ "", 0, -EINVAL },
		{ "-", 0, -EINVAL },
		{ "-0", 0, -EINVAL },
		{ "--1", 0, -EINVAL },
		{ "+1", 0, -EINVAL },
		{ " 1", 0, -EINVAL },
		{ "1 ", 0, -EINVAL },
		{ "00", 0, -EINVAL },
		{ "010", 0, -EINVAL },
		{ "0x10", 0, -EINVAL },
		{ "1e3", 0, -EINVAL },
		{ "1.0", 0, -EINVAL },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t value = UNTOUCHED;
		int r = number_parse(rows[i].text, -5, 1000, &value);

		check(&rows[i], r, value);
	}
}

static void test_a_sign_needs_a_range_with_negative_values(void **state)
{
	int64_t value = UNTOUCHED;

	assert_int_equal(number_parse("-1", 0, 10, &value), -EINVAL);
	assert_int_equal(value, UNTOUCHED);
}

static void test_the_ends_of_int64_are_numbers(void **state)
{
	int64_t value;

	assert_int_equal(number_parse("9223372036854775807", 0, INT64_MAX, &value), 0);
	assert_true(value == INT64_MAX);
	assert_int_equal(number_parse("-9223372036854775807", INT64_MIN, 0, &value), 0);
	assert_true(value == -INT64_MAX);
}

static void test_modes_are_octal(void **state)
{
	static const struct row rows[] = {
		{ "022", 022, 0 },
		{ "22", 022, 0 },
		{ "0", 0, 0 },
		{ "7777", 07777, 0 },
		{ "00000644", 0644, 0 },
		{ "10000", 0, -ERANGE },
		{ "77777777777777", 0, -ERANGE },
		{ "8", 0, -EINVAL },
		{ "", 0, -EINVAL },
		{ "0o22", 0, -EINVAL },
		{ "-1", 0, -EINVAL },
		{ "100000000009", 0, -EINVAL },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		mode_t mode = UNTOUCHED;
		int r = number_parse_mode(rows[i].text, &mode);

		check(&rows[i], r, mode);
	}
}

static void test_durations_have_units(void **state)
{
	static const struct row rows[] = {
		{ "10", 10000, 0 },
		{ "500ms", 500, 0 },
		{ "10s", 10000, 0 },
		{ "2m", 120000, 0 },
		{ "1h", 3600000, 0 },
		{ "1d", 86400000, 0 },
		{ "0", 0, 0 },
		{ "2d", 0, -ERANGE },
		{ "9223372036854775807h", 0, -ERANGE },
		{ "10 s", 0, -EINVAL },
		{ "s", 0, -EINVAL },
		{ "-1s", 0, -EINVAL },
		{ "1w", 0, -EINVAL },
		{ "1S", 0, -EINVAL },
		{ "1.5s", 0, -EINVAL },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t value = UNTOUCHED;
		int r = number_parse_duration(rows[i].text, 86400000, &value);

		check(&rows[i], r, value);
	}
}

static void test_sizes_have_units(void **state)
{
	static const struct row rows[] = {
		{ "4096", 4096, 0 },     { "64k", 65536, 0 },      { "1m", 1048576, 0 },
		{ "2g", 2147483648, 0 }, { "3g", 0, -ERANGE },     { "64kb", 0, -EINVAL },
		{ "k", 0, -EINVAL },     { "0x1000", 0, -EINVAL },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t value = UNTOUCHED;
		int r = number_parse_size(rows[i].text, 2147483648, &value);

		check(&rows[i], r, value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_are_strict),
		cmocka_unit_test(test_a_sign_needs_a_range_with_negative_values),
		cmocka_unit_test(test_the_ends_of_int64_are_numbers),
		cmocka_unit_test(test_modes_are_octal),
		cmocka_unit_test(test_durations_have_units),
		cmocka_unit_test(test_sizes_have_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
