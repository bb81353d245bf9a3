#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/errors.h"
#include "config/syntax.h"
#include "config/text.h"

/* Prepares a copy of @text; the caller frees it. NULL with the line in @out_line if refused. */
static char *prepare(const char *text, int *out_line)
{
	struct errors errors = { 0 };
	char *copy = strdup(text);

	if (config_text_prepare(copy, strlen(copy), "f", &errors) == 0) {
		assert_int_equal(errors.n, 0);
		return copy;
	}

	assert_int_equal(errors.n, 1);
	*out_line = errors.list[0].at.line;
	errors_fini(&errors);
	free(copy);
	return NULL;
}

static void assert_prepared(const char *text, const char *expected)
{
	int line;
	char *copy = prepare(text, &line);

	assert_non_null(copy);
	assert_string_equal(copy, expected);
	free(copy);
}

static void assert_refused_at(const char *text, int expected)
{
	int line = 0;

	assert_null(prepare(text, &line));
	assert_int_equal(line, expected);
}

static void test_comments_become_blanks_and_lines_stay(void **state)
{
	assert_prepared("a = 1 # b\n", "a = 1    \n");
	assert_prepared("a = 1 // b\n", "a = 1     \n");
	assert_prepared("a /* b\n { c */ = 1\n", "a     \n        = 1\n");
	assert_prepared("/**/\n", "    \n");
}

static void test_strings_hide_comments_and_braces(void **state)
{
	assert_prepared("a = \"# { /* \\\" }\"\n", "a = \"# { /* \\\" }\"\n");
	assert_prepared("a = '# { // \\' }'\n", "a = '# { // \\' }'\n");
}

static void test_marks_of_other_systems_become_blanks(void **state)
{
	assert_prepared("\xef\xbb\xbf"
			"a = 1\r\nb = 2\r\n",
			"   a = 1 \nb = 2 \n");
}

static void test_what_is_open_at_the_end_is_told_with_its_line(void **state)
{
	assert_refused_at("\na = \"\n\n", 2);
	assert_refused_at("\n\n/* x\n\n", 3);
	assert_refused_at("a {\nb {\n}\n", 1);
	assert_refused_at("a {\nb {\n", 2);
	assert_refused_at("a\n}\n", 2);
	assert_refused_at("a = 1\nb = 2", 2);
	assert_refused_at("a = \"\\", 1);
}

static void test_syntax_gives_statements_with_lines(void **state)
{
	const char *text = "a = 1\nservice\t\"x\" {\nb = { 'c', d,\n\"e\" } f = g\n}\n";
	struct errors errors = { 0 };
	struct statement *statement;
	struct syntax syntax;

	syntax_init(&syntax, text, "f", &errors);
	statement = syntax_next(&syntax);
	assert_int_equal(statement->keyword.length, 0);
	assert_int_equal(statement->n_assignments, 1);
	assert_true(token_is(&statement->assignments[0].name, "a"));

	statement = syntax_next(&syntax);
	assert_true(token_is(&statement->keyword, "service"));
	assert_true(token_is(&statement->title, "\"x\""));
	assert_int_equal(statement->n_assignments, 2);
	assert_int_equal(statement->assignments[0].n_values, 3);
	assert_true(statement->assignments[0].is_list);
	assert_int_equal(statement->values[1].line, 3);
	assert_int_equal(statement->values[2].line, 4);
	assert_true(token_is(&statement->values[3], "g"));

	assert_null(syntax_next(&syntax));
	assert_int_equal(errors.n, 0);
	syntax_fini(&syntax);
}

/* Refused, and what is left to be read. */
static void assert_left(const char *text, const char *expected)
{
	struct errors errors = { 0 };
	char *copy = strdup(text);

	assert_int_equal(config_text_prepare(copy, strlen(copy), "f", &errors), -EINVAL);
	assert_int_equal(errors.n, 1);
	assert_string_equal(copy, expected);
	errors_fini(&errors);
	free(copy);
}

static void test_what_stands_before_a_wrong_brace_is_left(void **state)
{
	assert_left("a = 1\ns {\n}\nt {\nu {\n}\n", "a = 1\ns {\n}");
	assert_left("a = 1\ns\n{\nb = \"\n}\n", "a = 1\n");
	assert_left("a = 1\nb = 2", "a = 1\n");
	assert_left("a = {\n1 }\n/*", "a = {\n1 }");
	assert_left("a = 1\nb = /* c */\n{ 1\n", "a = 1\n");
	assert_left("s { }\nt { b = { 1 }}\nc = 1\n}\n", "s { }");
}

static void test_text_goes_on_behind_a_wrong_character(void **state)
{
	assert_left("a = \"\\d\" b\n", "a = \"\1d\" b\n");
	assert_left("a = \"\\0\" b\n", "a = \"\0010\" b\n");
	assert_left("a = \"\x02\"\n", "a = \"\1\"\n");
	assert_left("a\xc2\xa0 = 1\n", "a\1\1 = 1\n");
	assert_left("a = \x7f\n", "a = \1\n");
}

static void test_a_word_is_not_cut_by_a_comment(void **state)
{
	assert_left("a = http://x # b\n", "a = http:\1/x    \n");
	assert_left("a = d/*.conf\n", "a = d\1*.conf\n");
	assert_left("a = x#y\n", "a = x\1y\n");
	assert_prepared("a = 1# b\nc = 2//\n", "a = 1   \nc = 2  \n");
	assert_prepared("a = 1/* b */\n", "a = 1       \n");
	assert_prepared("a = \"1\"#b\ns{}//c\n", "a = \"1\"  \ns{}   \n");
}

static void test_a_told_mistake_is_not_told_again(void **state)
{
	const char *text = "a\1 = 1\nb = \1\nc = { 1, \"\1\" }\ns \1 {\nd\1 = 1\ne = 2\n}\nf = 3\n";
	struct errors errors = { 0 };
	struct statement *statement;
	struct syntax syntax;

	syntax_init(&syntax, text, "f", &errors);
	statement = syntax_next(&syntax);
	assert_true(token_is(&statement->keyword, "s"));
	assert_true(token_is_reported(&statement->title));
	assert_true(statement->broken);
	assert_int_equal(statement->n_assignments, 1);
	assert_true(token_is(&syntax_next(&syntax)->assignments[0].name, "f"));
	assert_null(syntax_next(&syntax));
	assert_int_equal(errors.n, 0);
	syntax_fini(&syntax);
}

static void test_reading_goes_on_after_a_mistake(void **state)
{
	const char *text = "a 1\nb = 2\nservice x {\nc d\ne = { f g }\nh = 1\n}\ni = 3\n";
	struct errors errors = { 0 };
	struct statement *statement;
	struct syntax syntax;

	syntax_init(&syntax, text, "f", &errors);
	assert_true(token_is(&syntax_next(&syntax)->assignments[0].name, "b"));
	statement = syntax_next(&syntax);
	assert_true(statement->broken);
	assert_int_equal(statement->n_assignments, 1);
	assert_true(token_is(&statement->assignments[0].name, "h"));
	assert_true(token_is(&syntax_next(&syntax)->assignments[0].name, "i"));
	assert_null(syntax_next(&syntax));

	assert_int_equal(errors.n, 3);
	assert_int_equal(errors.list[0].at.line, 1);
	assert_int_equal(errors.list[1].at.line, 4);
	assert_int_equal(errors.list[2].at.line, 5);
	syntax_fini(&syntax);
	errors_fini(&errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comments_become_blanks_and_lines_stay),
		cmocka_unit_test(test_strings_hide_comments_and_braces),
		cmocka_unit_test(test_marks_of_other_systems_become_blanks),
		cmocka_unit_test(test_what_is_open_at_the_end_is_told_with_its_line),
		cmocka_unit_test(test_syntax_gives_statements_with_lines),
		cmocka_unit_test(test_what_stands_before_a_wrong_brace_is_left),
		cmocka_unit_test(test_text_goes_on_behind_a_wrong_character),
		cmocka_unit_test(test_a_word_is_not_cut_by_a_comment),
		cmocka_unit_test(test_a_told_mistake_is_not_told_again),
		cmocka_unit_test(test_reading_goes_on_after_a_mistake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
