/* A file that somebody writes while superd reads it: never is one half of it taken for the whole.
 */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret-memory.h"
#include "config/file.h"

static char path[] = "/tmp/superd-test-file-XXXXXX";
static const char *written; /* into the file, before the next read from it, or NULL */

/* read(), and what it is called where the compiler checks sizes. */
ssize_t __real_read(int fd, void *out, size_t size);
ssize_t __wrap_read(int fd, void *out, size_t size);
ssize_t __wrap___read_chk(int fd, void *out, size_t size, size_t room);

static void write_file(const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

ssize_t __wrap_read(int fd, void *out, size_t size)
{
	const char *text = written;

	written = NULL;
	if (text)
		write_file(text);
	return __real_read(fd, out, size);
}

ssize_t __wrap___read_chk(int fd, void *out, size_t size, size_t room)
{
	return __wrap_read(fd, out, size);
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	return unlink(path);
}

static int forget_writer(void **state)
{
	written = NULL;
	return 0;
}

/* So old that what is written later has another time, however coarse the clock of files is. */
static void write_long_ago(const char *text)
{
	const struct timespec long_ago[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	write_file(text);
	assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
}

static void assert_read(const char *expected)
{
	const char *why = NULL;
	struct stat status;
	size_t length;
	char *text;

	assert_int_equal(file_read(&text, &length, &status, path, &why), 0);
	assert_int_equal(length, strlen(expected));
	assert_string_equal(text, expected);
	secret_memory_free(text, file_room(&status));
}

static void assert_changed(const char *before, const char *meanwhile)
{
	const char *why = NULL;
	struct stat status;
	size_t length;
	char *text;

	write_long_ago(before);
	written = meanwhile;
	assert_int_equal(file_read(&text, &length, &status, path, &why), -EINVAL);
	assert_string_equal(why, "the file changed while it was read");
}

static void test_a_file_at_rest_is_read_whole(void **state)
{
	write_long_ago("service");
	assert_read("service");
}

static void test_a_file_that_grows_or_shrinks_is_refused(void **state)
{
	assert_changed("before", "before and after");
	assert_changed("before", "bef");
	assert_changed("before", "");
}

static void test_a_file_that_is_written_again_at_its_length_is_refused(void **state)
{
	assert_changed("before", "behind");
}

static void test_a_file_that_was_refused_is_read_once_it_is_at_rest(void **state)
{
	assert_changed("before", "behind");
	assert_read("behind");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_a_file_at_rest_is_read_whole, forget_writer),
		cmocka_unit_test_teardown(test_a_file_that_grows_or_shrinks_is_refused,
					  forget_writer),
		cmocka_unit_test_teardown(
			test_a_file_that_is_written_again_at_its_length_is_refused, forget_writer),
		cmocka_unit_test_teardown(test_a_file_that_was_refused_is_read_once_it_is_at_rest,
					  forget_writer),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
