#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "keeper/slot.h"

static struct slots slots;

static struct slot *take(const char *name)
{
	struct slot *slot;

	assert_int_equal(slots_take(&slots, name, &slot), 0);
	return slot;
}

static int forget_all(void **state)
{
	slots_fini(&slots);
	slots = (struct slots){ 0 };
	return 0;
}

static void test_service_keeps_its_slot_by_its_name(void **state)
{
	struct slot *slot = take("a");

	assert_ptr_not_equal(take("b"), slot);
	assert_ptr_equal(take("a"), slot);
}

static void test_slot_stays_while_anything_is_left_of_its_service(void **state)
{
	struct slot *slot = take("a");
	unsigned *const holds[] = { &slot->generations, &slot->live, &slot->crews,
				    &slot->failures_unsaid };

	for (size_t i = 0; i < sizeof(holds) / sizeof(holds[0]); i++) {
		*holds[i] = 1;
		slots_sweep(&slots);
		assert_ptr_equal(take("a"), slot);
		*holds[i] = 0;
	}
	slots_sweep(&slots);
	assert_null(slots.by_name);
}

/* Or reloads that rename services would use the board up. */
static void test_number_of_a_forgotten_service_is_used_again(void **state)
{
	struct slot *first = take("first"), *kept = take("kept");
	unsigned number = first->number;

	kept->generations = 1;
	slots_sweep(&slots);
	assert_int_equal(take("new")->number, number);
	assert_int_not_equal(take("another")->number, number);
	assert_int_not_equal(take("another")->number, kept->number);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_service_keeps_its_slot_by_its_name, forget_all),
		cmocka_unit_test_teardown(test_slot_stays_while_anything_is_left_of_its_service,
					  forget_all),
		cmocka_unit_test_teardown(test_number_of_a_forgotten_service_is_used_again,
					  forget_all),
	};

	return cmocka_run_group_tests_name("slot", tests, NULL, NULL);
}
