#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/settings.h"
#include "front/core/admission.h"

static const struct {
	unsigned instances;
	enum overflow overflow;
	struct admission_counters counters;
	enum admission expected;
} cases[] = {
	{ 1, OVERFLOW_QUEUE, { 0, 0, 0 }, ADMISSION_ADMIT },
	{ 1, OVERFLOW_QUEUE, { 1, 0, 0 }, ADMISSION_HOLD },
	{ 1, OVERFLOW_REFUSE, { 1, 0, 0 }, ADMISSION_REFUSE },
	{ 5, OVERFLOW_QUEUE, { 0, 4, 0 }, ADMISSION_ADMIT },
	{ 5, OVERFLOW_QUEUE, { 0, 4, 1 }, ADMISSION_HOLD },
	{ 5, OVERFLOW_QUEUE, { 0, 0, 5 }, ADMISSION_HOLD },
	{ 5, OVERFLOW_REFUSE, { 0, 2, 7 }, ADMISSION_REFUSE },
	{ UINT_MAX, OVERFLOW_REFUSE, { UINT_MAX, UINT_MAX, UINT_MAX }, ADMISSION_ADMIT },
};

static void test_a_service_takes_as_many_as_its_instances_and_no_more(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct service service = { .instances = cases[i].instances,
					   .overflow = cases[i].overflow };

		assert_int_equal(admission_decide(&service, &cases[i].counters), cases[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_service_takes_as_many_as_its_instances_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
