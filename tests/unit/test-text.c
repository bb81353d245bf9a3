#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static char *escape(const char *text)
{
	static char out[128];

	return text_escape(out, sizeof(out), text, strlen(text));
}

static void test_control_characters_are_escaped(void **state)
{
	char out[64];

	assert_string_equal(escape("a b~ '\"\\"), "a b~ '\"\\");
	assert_string_equal(text_escape(out, sizeof(out), "\n\0\x1b\x7f", 4),
			    "\\x0a\\x00\\x1b\\x7f");
	assert_string_equal(escape("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0"),
			    "\\xc2\\x80\\xc2\\x9b\\xc2\\x9f\xc2\xa0");
	assert_string_equal(text_escape(out, sizeof(out), "", 0), "");
}

static void test_what_turns_the_direction_is_escaped(void **state)
{
	static const char *const turning[] = {
		"\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaa", "\xe2\x80\xae",
		"\xe2\x81\xa6", "\xe2\x81\xa7", "\xe2\x81\xa8", "\xe2\x81\xa9",
	};

	for (size_t i = 0; i < sizeof(turning) / sizeof(turning[0]); i++)
		assert_memory_equal(escape(turning[i]), "\\xe2\\x8", 7);
	assert_string_equal(escape("\xe2\x80\xa7\xe2\x80\xaf"), "\xe2\x80\xa7\xe2\x80\xaf");
	assert_string_equal(escape("\xe2\x81\xa5\xe2\x81\xaa"), "\xe2\x81\xa5\xe2\x81\xaa");
}

static void test_text_in_other_languages_is_left(void **state)
{
	static const char *const texts[] = {
		"f\xc3\xbcr",   "\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbd",
		"\xed\x9f\xbf",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_string_equal(escape(texts[i]), texts[i]);
}

/* Cut, too long, of surrogates, beyond the last one, and bytes that never occur. */
static void test_what_is_no_utf8_is_escaped(void **state)
{
	assert_string_equal(escape("\xff"), "\\xff");
	assert_string_equal(escape("\xc3"), "\\xc3");
	assert_string_equal(escape("\xc3x"), "\\xc3x");
	assert_string_equal(escape("\xbc"), "\\xbc");
	assert_string_equal(escape("\xe6\x97"), "\\xe6\\x97");
	assert_string_equal(escape("\xc0\x8a"), "\\xc0\\x8a");
	assert_string_equal(escape("\xe0\x80\x8a"), "\\xe0\\x80\\x8a");
	assert_string_equal(escape("\xf0\x80\x80\x8a"), "\\xf0\\x80\\x80\\x8a");
	assert_string_equal(escape("\xed\xa0\x80"), "\\xed\\xa0\\x80");
	assert_string_equal(escape("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
	assert_string_equal(escape("\xf5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80");
}

static void test_different_names_have_different_texts(void **state)
{
	char out[64];

	assert_string_equal(text_escape_name(out, sizeof(out), "'\"\\x0a\n", 7),
			    "\\x27\\x22\\x5cx0a\\x0a");
	assert_string_equal(text_escape_name(out, sizeof(out), "\xc3\xbc", 2), "\xc3\xbc");
}

static void test_a_character_that_is_cut_is_found(void **state)
{
	assert_int_equal(text_whole("abc", 3), 3);
	assert_int_equal(text_whole("ab\xc3\xbc", 4), 4);
	assert_int_equal(text_whole("ab\xc3", 3), 2);
	assert_int_equal(text_whole("a\xf0\x9f\x98", 4), 1);
	assert_int_equal(text_whole("a\xf0\x9f\x98\x80", 5), 5);
	assert_int_equal(text_whole("\xbc\xbc\xbc\xbc\xbc", 5), 5);
	assert_int_equal(text_whole("a\xff", 2), 2);
	assert_int_equal(text_whole("", 0), 0);
}

static void test_what_does_not_fit_ends_in_dots(void **state)
{
	char out[9];

	assert_string_equal(text_escape(out, sizeof(out), "12345678", 8), "12345678");
	assert_string_equal(text_escape(out, sizeof(out), "123456789", 9), "12345...");
	assert_string_equal(text_escape(out, sizeof(out), "123\n5678", 8), "123...");
	assert_string_equal(text_escape(out, sizeof(out), "1\n\n", 3), "1\\x0a...");
	assert_string_equal(text_escape(out, sizeof(out), "12345\xc3\xbc\xc3\xbc", 9), "12345...");
	assert_string_equal(text_escape(out, sizeof(out), "1234\xc3\xbc\xc3\xbc", 8),
			    "1234\xc3\xbc\xc3\xbc");
	assert_string_equal(text_escape(out, sizeof(out), "123\xc2\x80", 5), "123...");
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
		cmocka_unit_test(test_control_characters_are_escaped),
		cmocka_unit_test(test_what_turns_the_direction_is_escaped),
		cmocka_unit_test(test_text_in_other_languages_is_left),
		cmocka_unit_test(test_what_is_no_utf8_is_escaped),
		cmocka_unit_test(test_different_names_have_different_texts),
		cmocka_unit_test(test_a_character_that_is_cut_is_found),
		cmocka_unit_test(test_what_does_not_fit_ends_in_dots),
		cmocka_unit_test(test_nearest_word_is_found),
		cmocka_unit_test(test_a_word_like_none_has_no_nearest),
		cmocka_unit_test(test_one_is_no_plural),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
