/* Who is refused, and by which reason that is counted. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <string.h>

#include "front/core/access.h"
#include "front/core/service.h"

static const struct dispatch dispatch = { .flags = DISPATCH_ASKS_KEEPER };
static const struct address peer;

/* Nothing is logged: that would need a log. */
static struct service settings;
static struct service_stats stats;
static struct front_service service;

static int prepare(void **state)
{
	settings = (struct service){
		.name = "x",
		.instances = UINT_MAX,
		.overflow = OVERFLOW_REFUSE,
	};
	memset(&stats, 0, sizeof(stats));
	service = (struct front_service){
		.settings = &settings,
		.dispatch = &dispatch,
		.stats = &stats,
	};
	return 0;
}

static uint64_t refused(enum refusal refusal)
{
	return atomic_load(&stats.refused[refusal]);
}

static void test_a_client_above_the_instances_is_counted_for_them(void **state)
{
	settings.instances = 2;
	service.children = 2;
	access_refuse_full(&service, &peer);
	assert_int_equal(refused(REFUSAL_INSTANCES), 1);
	assert_int_equal(stats_refused(&stats), 1);
}

/* The decision was made a moment before. */
static void test_a_token_that_comes_meanwhile_changes_no_reason(void **state)
{
	settings.cps = (struct rate){ .interval_ns = 1000000, .burst = 1 };
	access_refuse_full(&service, &peer);
	assert_int_equal(refused(REFUSAL_CPS), 1);
	assert_int_equal(stats_refused(&stats), 1);
}

static void test_a_datagram_takes_a_token_if_it_may_come(void **state)
{
	settings.cps = (struct rate){ .interval_ns = INT64_C(3600000000000), .burst = 1 };
	assert_true(access_allows_quietly(&service, &peer));
	assert_false(access_allows_quietly(&service, &peer));
	assert_int_equal(refused(REFUSAL_CPS), 1);
}

static void test_who_is_not_in_an_empty_list_is_refused(void **state)
{
	settings.only_from.is_set = true;
	assert_false(access_allows(&service, -1, &peer));
	assert_int_equal(refused(REFUSAL_ONLY_FROM), 1);
	settings.only_from.is_set = false;
	assert_true(access_allows(&service, -1, &peer));
	assert_int_equal(stats_refused(&stats), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_client_above_the_instances_is_counted_for_them,
				       prepare),
		cmocka_unit_test_setup(test_a_token_that_comes_meanwhile_changes_no_reason,
				       prepare),
		cmocka_unit_test_setup(test_a_datagram_takes_a_token_if_it_may_come, prepare),
		cmocka_unit_test_setup(test_who_is_not_in_an_empty_list_is_refused, prepare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
