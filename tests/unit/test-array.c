#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/array.h"

static bool memory_is_short;
static unsigned calls;

void *__real_reallocarray(void *at, size_t n, size_t size);
void *__wrap_reallocarray(void *at, size_t n, size_t size);

void *__wrap_reallocarray(void *at, size_t n, size_t size)
{
	calls++;
	return memory_is_short ? NULL : __real_reallocarray(at, n, size);
}

static int set_up(void **state)
{
	memory_is_short = false;
	calls = 0;
	return 0;
}

static void test_elements_stay_while_the_array_grows(void **state)
{
	int64_t *numbers = NULL;
	size_t n = 0, room = 0;

	for (int64_t i = 0; i < 1000; i++) {
		assert_int_equal(array_make_room(numbers, n, room), 0);
		assert_true(n < room);
		numbers[n++] = i;
	}
	for (int64_t i = 0; i < 1000; i++)
		assert_int_equal(numbers[i], i);
	free(numbers);
}

static void test_room_doubles_so_that_few_additions_move_the_elements(void **state)
{
	char *letters = NULL;
	size_t room = 0;

	for (size_t n = 0; n < 1024; n++) {
		assert_int_equal(array_make_room(letters, n, room), 0);
		letters[n] = 'x';
	}
	assert_int_equal(room, 1024);
	assert_int_equal(calls, 7); /* 16, 32, ... 1024 */
	free(letters);
}

static void test_nothing_changes_when_memory_is_short(void **state)
{
	int *numbers = NULL, *before;
	size_t n = 0, room = 0;

	do {
		assert_int_equal(array_make_room(numbers, n, room), 0);
		numbers[n] = (int)n;
	} while (++n < room);

	before = numbers;
	memory_is_short = true;
	assert_int_equal(array_make_room(numbers, n, room), -ENOMEM);
	assert_ptr_equal(numbers, before);
	assert_int_equal(room, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(numbers[i], i);

	memory_is_short = false;
	assert_int_equal(array_make_room(numbers, n, room), 0);
	assert_true(n < room);
	free(numbers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_elements_stay_while_the_array_grows, set_up),
		cmocka_unit_test_setup(test_room_doubles_so_that_few_additions_move_the_elements,
				       set_up),
		cmocka_unit_test_setup(test_nothing_changes_when_memory_is_short, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
