#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/executable.h"

static char folder[] = "/tmp/superd-test-executable-XXXXXX";
static char path[PATH_MAX];

static int make_folder(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/program", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)unlink(path);
	return rmdir(folder);
}

static void write_program(const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) >= 0, 1);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/* "" if it can be expected to run; of @path only the last part is kept. */
static const char *verdict(const char *root, const char *program)
{
	static char why[EXECUTABLE_WHY_MAX];
	char *at;

	why[0] = '\0';
	if (executable_check(root, program, why) == 0)
		assert_string_equal(why, "");
	at = strstr(why, folder);
	if (at)
		memmove(at, at + strlen(folder), strlen(at + strlen(folder)) + 1);
	return why;
}

static void test_programs_that_run(void **state)
{
	assert_string_equal(verdict(NULL, "/bin/sh"), "");
	assert_string_equal(verdict("/", "/bin/sh"), "");
	write_program("", 0755);
	assert_string_equal(verdict(NULL, path), "");
	write_program("#!", 0755);
	assert_string_equal(verdict(NULL, path), "");
	write_program("#! \t/bin/sh -e\necho", 0711);
	assert_string_equal(verdict(NULL, path), "");
	assert_string_equal(verdict("/", path), "");
	write_program("#!bin/here", 0755);
	assert_string_equal(verdict(NULL, path), "");
}

static void test_programs_that_do_not(void **state)
{
	(void)unlink(path);
	assert_string_equal(verdict(NULL, path),
			    "cannot use the program '/program': No such file or directory");
	assert_string_equal(verdict(NULL, "/dev"), "the program '/dev' is not a regular file");
	write_program("", 0644);
	assert_string_equal(verdict(NULL, path),
			    "the program '/program' is not executable (chmod +x)");
}

static void test_script_needs_its_interpreter(void **state)
{
	write_program("#!/nonexistent/sh -e\n", 0755);
	assert_string_equal(verdict(NULL, path),
			    "cannot use the interpreter of '/program', '/nonexistent/sh': "
			    "No such file or directory");
	write_program("#!/bin/sh", 0755);
	assert_string_equal(verdict(folder, "/program"),
			    "cannot use the interpreter of '/program', '/bin/sh': "
			    "No such file or directory");
}

static void test_interpreter_may_be_longer_than_the_kernel_reads(void **state)
{
	char text[1000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "#!/", 3);
	write_program(text, 0755);
	assert_non_null(strstr(verdict(NULL, path), "xxx"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_programs_that_run),
		cmocka_unit_test(test_programs_that_do_not),
		cmocka_unit_test(test_script_needs_its_interpreter),
		cmocka_unit_test(test_interpreter_may_be_longer_than_the_kernel_reads),
	};

	return cmocka_run_group_tests_name("executable", tests, make_folder, remove_folder);
}
