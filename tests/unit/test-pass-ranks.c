#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "front/pass-ranks.h"

static struct list members[3];

static int set_up(void **state)
{
	static struct pass_ranks ranks;

	for (int i = 0; i < 3; i++)
		list_init(&members[i]);
	*state = &ranks;
	return pass_ranks_init(&ranks, 4);
}

static int tear_down(void **state)
{
	pass_ranks_fini(*state);
	return 0;
}

static void test_the_least_loaded_comes_first(void **state)
{
	struct pass_ranks *ranks = *state;

	pass_ranks_put(ranks, &members[0], 2);
	pass_ranks_put(ranks, &members[1], 1);
	pass_ranks_put(ranks, &members[2], 3);
	assert_ptr_equal(pass_ranks_least(ranks), &members[1]);
	pass_ranks_put(ranks, &members[1], 2);
	pass_ranks_put(ranks, &members[0], 1);
	assert_ptr_equal(pass_ranks_least(ranks), &members[0]);
	list_unlink(&members[0]);
	list_unlink(&members[1]);
	assert_ptr_equal(pass_ranks_least(ranks), &members[2]);
}

static void test_a_full_one_has_no_rank(void **state)
{
	struct pass_ranks *ranks = *state;

	assert_null(pass_ranks_least(ranks));
	pass_ranks_put(ranks, &members[0], 3);
	pass_ranks_put(ranks, &members[0], 4);
	assert_null(pass_ranks_least(ranks));
	pass_ranks_put(ranks, &members[0], 3);
	assert_ptr_equal(pass_ranks_least(ranks), &members[0]);
}

static void test_among_idle_ones_the_latest_is_used_and_the_first_is_idlest(void **state)
{
	struct pass_ranks *ranks = *state;

	assert_null(pass_ranks_idlest(ranks));
	for (int i = 0; i < 3; i++)
		pass_ranks_put(ranks, &members[i], 0);
	assert_ptr_equal(pass_ranks_least(ranks), &members[2]);
	assert_ptr_equal(pass_ranks_idlest(ranks), &members[0]);
	pass_ranks_put(ranks, &members[0], 1);
	assert_ptr_equal(pass_ranks_idlest(ranks), &members[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_least_loaded_comes_first, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_full_one_has_no_rank, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_among_idle_ones_the_latest_is_used_and_the_first_is_idlest, set_up,
			tear_down),
	};

	return cmocka_run_group_tests_name("pass-ranks", tests, NULL, NULL);
}
