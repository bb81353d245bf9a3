/* Files that are included: how much of them superd takes together. */

#include <sys/stat.h>

#include "config/sources.h"
#include "settings-text.h"

#define MIB ((size_t)1 << 20)
#define N_FILES 5

static const char text[] = "include = {\"*.part\"}\n"
			   "service \"echo\" { listen = {\"tcp:0\"} builtin = echo }\n";

static void name_part(char out[PATH_MAX], int number)
{
	snprintf(out, PATH_MAX, "%.100s/%d.part", folder, number);
}

static int remove_parts(void **state)
{
	char part[PATH_MAX];

	for (int i = 0; i < N_FILES; i++) {
		name_part(part, i);
		(void)unlink(part);
	}
	return 0;
}

/* Of blanks, which are read like anything else and mean nothing. */
static void write_part(int number, size_t size)
{
	static char blanks[MIB];
	char part[PATH_MAX];
	FILE *file;

	memset(blanks, ' ', sizeof(blanks));
	name_part(part, number);
	file = fopen(part, "we");
	assert_non_null(file);
	for (size_t n = 0; n < size; n += MIB)
		assert_int_equal(fwrite(blanks, MIB, 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

static void test_files_together_have_a_bound(void **state)
{
	struct sources *sources;

	for (int i = 0; i < N_FILES; i++)
		write_part(i, 13 * MIB);
	write_file(text, strlen(text));
	assert_int_equal(sources_read(&sources, path), 0);
	assert_int_equal(sources->n, 1 + N_FILES);
	for (int i = 0; i < N_FILES; i++)
		assert_true(sources->list[i].whole);
	assert_false(sources->list[N_FILES].whole);
	assert_int_equal(sources->errors.n, 1);
	assert_non_null(strstr(sources->errors.list[0].message, "larger than 64 MiB"));
	sources_free(sources);
}

/* Only what the configuration itself writes is a pattern. */
static void test_a_folder_may_have_the_name_of_a_pattern(void **state)
{
	char inner[PATH_MAX], part[PATH_MAX], file[PATH_MAX];
	struct sources *sources;
	int r;

	write_part(0, MIB);
	name_part(part, 0);
	snprintf(inner, sizeof(inner), "%.100s/[a]*", folder);
	assert_int_equal(mkdir(inner, 0700), 0);
	snprintf(file, sizeof(file), "%.100s/0.part", inner);
	assert_int_equal(rename(part, file), 0);
	write_file(text, strlen(text));
	snprintf(part, sizeof(part), "%.100s/superd.conf", inner);
	assert_int_equal(rename(path, part), 0);

	r = sources_read(&sources, part);
	(void)unlink(file);
	(void)unlink(part);
	(void)rmdir(inner);
	assert_int_equal(r, 0);
	assert_int_equal(sources->n, 2);
	assert_string_equal(sources->list[1].path, file);
	sources_free(sources);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_files_together_have_a_bound, remove_parts),
		cmocka_unit_test_teardown(test_a_folder_may_have_the_name_of_a_pattern,
					  remove_parts),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
