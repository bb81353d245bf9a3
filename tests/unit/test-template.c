#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/template.h"

static int check(const char *text, bool allowed, bool has_client)
{
	char why[256];

	return template_check(text, allowed, has_client, why, sizeof(why));
}

static void test_known_variables_are_taken(void **state)
{
	assert_int_equal(check("--from=%{remote_addr}:%{remote_port}", true, true), 0);
	assert_int_equal(check("%{local_addr}%{local_port}%{service}", true, true), 0);
	assert_int_equal(check("100%, {a}, %", true, true), 0);
}

static void test_unknown_and_unfinished_ones_are_refused(void **state)
{
	assert_int_not_equal(check("%{remote}", true, true), 0);
	assert_int_not_equal(check("%{}", true, true), 0);
	assert_int_not_equal(check("%{service", true, true), 0);
	assert_int_not_equal(check("%{service} %{", true, true), 0);
}

static void test_doubled_percent_is_text(void **state)
{
	assert_int_equal(check("%%{anything", true, true), 0);
	assert_int_equal(check("%%%{anything", true, true), 0);
	assert_int_equal(check("%%{service}", false, false), 0);
}

static void test_only_the_service_is_known_without_a_client(void **state)
{
	assert_int_equal(check("%{service}", true, false), 0);
	assert_int_not_equal(check("%{remote_addr}", true, false), 0);
	assert_int_not_equal(check("%{local_port}", true, false), 0);
	assert_int_not_equal(check("%{service}", false, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_variables_are_taken),
		cmocka_unit_test(test_unknown_and_unfinished_ones_are_refused),
		cmocka_unit_test(test_doubled_percent_is_text),
		cmocka_unit_test(test_only_the_service_is_known_without_a_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
