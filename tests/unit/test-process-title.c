#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/process-title.h"

static int n_arguments;
static char **arguments;

static const char *title(void)
{
	static char text[65536];
	AUTO(auto_close) int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void test_the_title_is_shown_and_the_environment_stays(void **state)
{
	static char huge[65536];
	char *path = getenv("PATH");
	AUTO(auto_free) char *copy = path ? strdup(path) : NULL;
	AUTO(auto_free) char *before = strdup(title());

	if (!copy || !*copy)
		skip();
	process_title_set("too early");
	assert_string_equal(title(), before);

	process_title_init(n_arguments, arguments);
	assert_string_equal(getenv("PATH"), copy);
	assert_ptr_not_equal(getenv("PATH"), path);
	assert_int_equal(path[0], '\0');

	process_title_set("front, draining");
	assert_string_equal(title(), "superd: front, draining");
	process_title_set("front");
	assert_string_equal(title(), "superd: front");

	memset(huge, 'x', sizeof(huge) - 1);
	process_title_set(huge);
	assert_memory_equal(title(), "superd: xxx", 11);
	process_title_set("");
	assert_string_equal(title(), "superd: ");
	assert_string_equal(getenv("PATH"), copy);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_title_is_shown_and_the_environment_stays),
	};

	n_arguments = argc;
	arguments = argv;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
