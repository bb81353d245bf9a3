#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void test_what_is_not_printable_is_escaped(void **state)
{
	char out[64];

	assert_string_equal(text_escape(out, sizeof(out), "a b~", 4), "a b~");
	assert_string_equal(text_escape(out, sizeof(out), "\n\0\x7f\xff", 4),
			    "\\x0a\\x00\\x7f\\xff");
	assert_string_equal(text_escape(out, sizeof(out), "'\"\\", 3), "\\x27\\x22\\x5c");
	assert_string_equal(text_escape(out, sizeof(out), "", 0), "");
}

static void test_what_does_not_fit_ends_in_dots(void **state)
{
	char out[9];

	assert_string_equal(text_escape(out, sizeof(out), "12345678", 8), "12345678");
	assert_string_equal(text_escape(out, sizeof(out), "123456789", 9), "12345...");
	assert_string_equal(text_escape(out, sizeof(out), "123\n5678", 8), "123...");
	assert_string_equal(text_escape(out, sizeof(out), "1\n\n", 3), "1\\x0a...");
	assert_string_equal(text_escape(out, 3, "1234", 4), "..");
	assert_string_equal(text_escape(out, 1, "1234", 4), "");
}

static void test_nearest_word_is_found(void **state)
{
	static const char *const words[] = { "instances", "listen", "exec", "user", "umask", NULL };

	assert_int_equal(text_nearest("instance", words), 0);
	assert_int_equal(text_nearest("lisetn", words), 1);
	assert_int_equal(text_nearest("EXEC", words), 2);
	assert_int_equal(text_nearest("usr", words), 3);
	assert_int_equal(text_nearest("unmask", words), 4);
}

static void test_a_word_like_none_has_no_nearest(void **state)
{
	static const char *const words[] = { "instances", "listen", "a", NULL };
	char huge[200];

	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';

	assert_int_equal(text_nearest("banner", words), -1);
	assert_int_equal(text_nearest("b", words), -1);
	assert_int_equal(text_nearest("", words), -1);
	assert_int_equal(text_nearest(huge, words), -1);
}

static void test_one_is_no_plural(void **state)
{
	char out[TEXT_COUNT_MAX];

	assert_string_equal(text_count(out, 0, "service"), "0 services");
	assert_string_equal(text_count(out, 1, "service"), "1 service");
	assert_string_equal(text_count(out, 2, "service"), "2 services");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_not_printable_is_escaped),
		cmocka_unit_test(test_what_does_not_fit_ends_in_dots),
		cmocka_unit_test(test_nearest_word_is_found),
		cmocka_unit_test(test_a_word_like_none_has_no_nearest),
		cmocka_unit_test(test_one_is_no_plural),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
