#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "front/pass/load-ranks.h"

static struct list processes[3];

static int set_up(void **state)
{
	static struct load_ranks ranks;

	for (int i = 0; i < 3; i++)
		list_init(&processes[i]);
	*state = &ranks;
	return load_ranks_init(&ranks, 4);
}

static int tear_down(void **state)
{
	load_ranks_fini(*state);
	return 0;
}

static void test_the_least_loaded_comes_first(void **state)
{
	struct load_ranks *ranks = *state;

	load_ranks_put(ranks, &processes[0], 2);
	load_ranks_put(ranks, &processes[1], 1);
	load_ranks_put(ranks, &processes[2], 3);
	assert_ptr_equal(load_ranks_least(ranks), &processes[1]);
	load_ranks_put(ranks, &processes[1], 2);
	load_ranks_put(ranks, &processes[0], 1);
	assert_ptr_equal(load_ranks_least(ranks), &processes[0]);
	list_unlink(&processes[0]);
	list_unlink(&processes[1]);
	assert_ptr_equal(load_ranks_least(ranks), &processes[2]);
}

static void test_a_full_one_is_not_found(void **state)
{
	struct load_ranks *ranks = *state;

	assert_null(load_ranks_least(ranks));
	load_ranks_put(ranks, &processes[0], 3);
	load_ranks_put(ranks, &processes[0], 4);
	assert_null(load_ranks_least(ranks));
	load_ranks_put(ranks, &processes[0], 3);
	assert_ptr_equal(load_ranks_least(ranks), &processes[0]);
}

static void test_among_idle_ones_the_latest_is_used_and_the_first_is_idlest(void **state)
{
	struct load_ranks *ranks = *state;

	assert_null(load_ranks_idlest(ranks));
	for (int i = 0; i < 3; i++)
		load_ranks_put(ranks, &processes[i], 0);
	assert_ptr_equal(load_ranks_least(ranks), &processes[2]);
	assert_ptr_equal(load_ranks_idlest(ranks), &processes[0]);
	load_ranks_put(ranks, &processes[0], 1);
	assert_ptr_equal(load_ranks_idlest(ranks), &processes[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_least_loaded_comes_first, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_full_one_is_not_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_among_idle_ones_the_latest_is_used_and_the_first_is_idlest, set_up,
			tear_down),
	};

	return cmocka_run_group_tests_name("load-ranks", tests, NULL, NULL);
}
