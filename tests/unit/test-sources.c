/* Files that are included: how much of them superd takes together. */

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_files_together_have_a_bound, remove_parts),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
