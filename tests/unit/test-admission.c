#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/settings.h"
#include "front/core/admission.h"
#include "net/address.h"

static const struct {
	unsigned instances;
	enum overflow overflow;
	struct admission_counters counters;
	enum admission expected;
} cases[] = {
	{ 1, OVERFLOW_QUEUE, { 0, 0, 0, 0 }, ADMISSION_ADMIT },
	{ 1, OVERFLOW_QUEUE, { 1, 0, 0, 0 }, ADMISSION_HOLD },
	{ 1, OVERFLOW_REFUSE, { 1, 0, 0, 0 }, ADMISSION_REFUSE },
	{ 5, OVERFLOW_QUEUE, { 0, 4, 0, 0 }, ADMISSION_ADMIT },
	{ 5, OVERFLOW_QUEUE, { 0, 4, 1, 0 }, ADMISSION_HOLD },
	{ 5, OVERFLOW_QUEUE, { 0, 0, 5, 0 }, ADMISSION_HOLD },
	{ 5, OVERFLOW_REFUSE, { 0, 2, 7, 0 }, ADMISSION_REFUSE },
	{ 5, OVERFLOW_QUEUE, { 0, 2, 0, 1 }, ADMISSION_HOLD },
	{ 5, OVERFLOW_REFUSE, { 0, 2, 0, 1 }, ADMISSION_REFUSE },
	{ UINT_MAX, OVERFLOW_QUEUE, { 0, 0, 0, 1 }, ADMISSION_HOLD },
	{ UINT_MAX, OVERFLOW_REFUSE, { UINT_MAX, UINT_MAX, UINT_MAX, 0 }, ADMISSION_ADMIT },
};

static void test_a_service_takes_as_many_as_its_instances_and_no_more(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct service service = { .instances = cases[i].instances,
					   .overflow = cases[i].overflow };

		assert_int_equal(admission_decide(&service, &cases[i].counters), cases[i].expected);
	}
}

static struct client_set set_of(const char *text, struct member_place *place)
{
	char why[ADDRESS_RANGE_HINT_MAX];
	struct client_set set = { .places = place };
	struct address_range range;

	assert_true(address_range_parse(text, &range, why));
	assert_int_equal(address_set_new(&set.addresses, &range, 1), 0);
	return set;
}

static void test_the_more_specific_list_decides_and_no_access_of_equal_ones(void **state)
{
	static const struct {
		const char *only_from;
		const char *no_access;
		enum refusal expected;
	} lists[] = {
		{ "10.0.0.0/8", "10.0.0.0/16", REFUSAL_NO_ACCESS },
		{ "10.0.0.0/16", "10.0.0.0/8", REFUSAL_NONE },
		{ "10.0.0.0/8", "10.0.0.0/8", REFUSAL_NO_ACCESS },
		{ "10.0.0.0-10.0.0.2", "10.0.0.0/30", REFUSAL_NONE },
		{ "10.0.0.1", "11.0.0.0/8", REFUSAL_NONE },
		{ "11.0.0.0/8", "10.0.0.1", REFUSAL_ONLY_FROM },
		{ "11.0.0.0/8", "11.0.0.1", REFUSAL_ONLY_FROM },
		{ NULL, "10.0.0.1", REFUSAL_NO_ACCESS },
		{ NULL, "10.0.0.2", REFUSAL_NONE },
		{ NULL, NULL, REFUSAL_NONE },
	};
	struct address peer = { .length = sizeof(peer.in), .in.sin_family = AF_INET };
	const struct candidate candidate = { .peer = &peer };

	peer.in.sin_addr.s_addr = htonl(0x0a000001);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct member_place place = { "x.conf", 1 };
		struct client_set sets[2] = { 0 };
		const struct client_set *only_from[] = { &sets[0] };
		const struct client_set *no_access[] = { &sets[1] };
		struct service service = { 0 };
		struct client_match match;

		if (lists[i].only_from) {
			sets[0] = set_of(lists[i].only_from, &place);
			service.only_from = (struct client_list){ true, only_from, 1 };
		}
		if (lists[i].no_access) {
			sets[1] = set_of(lists[i].no_access, &place);
			service.no_access = (struct client_list){ true, no_access, 1 };
		}
		assert_int_equal(admission_judge(&service, &candidate, &match), lists[i].expected);
		assert_int_equal(admission_is_open(&service),
				 !lists[i].only_from && !lists[i].no_access);
		address_set_free(sets[0].addresses);
		address_set_free(sets[1].addresses);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_service_takes_as_many_as_its_instances_and_no_more),
		cmocka_unit_test(test_the_more_specific_list_decides_and_no_access_of_equal_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
