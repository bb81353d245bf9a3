#include "keeper/log-writer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/privileges.h"

static void test_a_writer_without_descriptors_uses_none_of_the_keeper(void **state)
{
	const struct privileges_user user = { .change = false };
	struct log_writer writer = { 0 };
	struct rlimit before, tight;
	struct log_pipes pipes;
	int first = dup(STDERR_FILENO);
	int r;

	assert_return_code(getrlimit(RLIMIT_NOFILE, &before), errno);
	close(first);
	/* The keeper gets its own, and the writer not one more. */
	tight = (struct rlimit){ (rlim_t)first + 6, before.rlim_max };
	assert_return_code(setrlimit(RLIMIT_NOFILE, &tight), errno);
	r = log_writer_start(&writer, "/nonexistent/superd.log", &user, &pipes);
	assert_return_code(setrlimit(RLIMIT_NOFILE, &before), errno);
	assert_int_equal(r, -EMFILE);
	assert_false(log_writer_has(&writer, "/nonexistent/superd.log"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_writer_without_descriptors_uses_none_of_the_keeper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
