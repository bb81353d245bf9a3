#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "keeper/service/service-record.h"

static struct service_records records;

static struct service_record *take(const char *name)
{
	struct service_record *record;

	assert_int_equal(service_records_take(&records, name, &record), 0);
	return record;
}

static int forget_all(void **state)
{
	service_records_fini(&records);
	records = (struct service_records){ 0 };
	return 0;
}

static void test_service_keeps_its_record_by_its_name(void **state)
{
	struct service_record *record = take("a");

	assert_ptr_not_equal(take("b"), record);
	assert_ptr_equal(take("a"), record);
}

static void test_record_stays_while_anything_is_left_of_its_service(void **state)
{
	struct service_record *record = take("a");
	unsigned *const holds[] = { &record->generations, &record->live, &record->pools,
				    &record->failures_unlogged };

	for (size_t i = 0; i < sizeof(holds) / sizeof(holds[0]); i++) {
		*holds[i] = 1;
		service_records_sweep(&records);
		assert_ptr_equal(take("a"), record);
		*holds[i] = 0;
	}
	service_records_sweep(&records);
	assert_null(records.by_name);
}

/* Or reloads that rename services would use the board up. */
static void test_number_of_a_forgotten_service_is_used_again(void **state)
{
	struct service_record *first = take("first"), *kept = take("kept");
	unsigned number = first->number;

	kept->generations = 1;
	service_records_sweep(&records);
	assert_int_equal(take("new")->number, number);
	assert_int_not_equal(take("another")->number, number);
	assert_int_not_equal(take("another")->number, kept->number);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_service_keeps_its_record_by_its_name, forget_all),
		cmocka_unit_test_teardown(test_record_stays_while_anything_is_left_of_its_service,
					  forget_all),
		cmocka_unit_test_teardown(test_number_of_a_forgotten_service_is_used_again,
					  forget_all),
	};

	return cmocka_run_group_tests_name("slot", tests, NULL, NULL);
}
