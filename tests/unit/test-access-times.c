#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "config/access-times.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* @day: 0 is Sunday. */
static bool contains(const struct access_times *times, int day, int hour, int minute)
{
	const struct tm local = { .tm_wday = day, .tm_hour = hour, .tm_min = minute };

	return access_times_contain(times, &local);
}

static void test_minutes_of_days_belong_to_the_times_and_the_end_does_not(void **state)
{
	struct access_times times = { 0 };

	assert_true(access_times_add(&times, "mo-fr 08:00-18:00"));
	assert_true(access_times_add(&times, "SA 9:30-24:00"));
	assert_false(contains(&times, 1, 7, 59));
	assert_true(contains(&times, 1, 8, 0));
	assert_true(contains(&times, 5, 17, 59));
	assert_false(contains(&times, 5, 18, 0));
	assert_false(contains(&times, 6, 9, 29));
	assert_true(contains(&times, 6, 23, 59));
	assert_false(contains(&times, 0, 0, 0));
	assert_false(contains(&times, 0, 12, 0));
}

static void test_a_time_may_end_on_the_next_day(void **state)
{
	struct access_times times = { 0 };

	assert_true(access_times_add(&times, "su 22:00-06:00"));
	assert_true(contains(&times, 0, 22, 0));
	assert_true(contains(&times, 1, 5, 59));
	assert_false(contains(&times, 1, 6, 0));
	assert_false(contains(&times, 0, 5, 0));
}

static void test_days_may_go_round_the_end_of_the_week(void **state)
{
	struct access_times times = { 0 };

	assert_true(access_times_add(&times, "sa-mo 12:00-13:00"));
	for (int day = 0; day < 7; day++)
		assert_int_equal(contains(&times, day, 12, 30), day == 6 || day <= 1);
}

static void test_without_days_every_day_is_meant(void **state)
{
	struct access_times times = { 0 };

	assert_true(access_times_add(&times, "00:00-24:00"));
	for (int day = 0; day < 7; day++)
		for (int hour = 0; hour < 24; hour++)
			assert_true(contains(&times, day, hour, 59));
}

static void test_the_clock_on_the_wall_counts_when_it_is_set_for_summer(void **state)
{
	/* 29 March 2026, 00:59 and 01:00 UTC: the hour from 2 to 3 is not there. */
	static const time_t winter = 1774745940;
	struct access_times times = { 0 };
	struct tm local;
	time_t at = winter;

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	assert_true(access_times_add(&times, "su 03:00-03:30"));
	assert_false(access_times_contain(&times, localtime_r(&at, &local)));
	assert_int_equal(local.tm_hour, 1);
	at += 60;
	assert_true(access_times_contain(&times, localtime_r(&at, &local)));
	assert_int_equal(local.tm_hour, 3);
	unsetenv("TZ");
}

static void test_what_is_no_time_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"8-18",
		"08:00",
		"08:00-",
		"08:00-08:00",
		"08:00-24:01",
		"25:00-26:00",
		"08:60-09:00",
		"8:0-9:00",
		"xx 08:00-18:00",
		"mo-xx 08:00-18:00",
		"mo- 08:00-18:00",
		"mo 08:00-18:00 ",
		"mo  08:00-18:00",
		"mo,tu 08:00-18:00",
		"monday 08:00-18:00",
		"24:00-08:00",
		"-08:00-18:00",
		"m 08:00-18:00",
	};

	for (size_t i = 0; i < N(texts); i++) {
		struct access_times times = { 0 };

		assert_false(access_times_add(&times, texts[i]));
		for (size_t byte = 0; byte < sizeof(times.minutes); byte++)
			assert_int_equal(times.minutes[byte], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_minutes_of_days_belong_to_the_times_and_the_end_does_not),
		cmocka_unit_test(test_a_time_may_end_on_the_next_day),
		cmocka_unit_test(test_days_may_go_round_the_end_of_the_week),
		cmocka_unit_test(test_without_days_every_day_is_meant),
		cmocka_unit_test(test_the_clock_on_the_wall_counts_when_it_is_set_for_summer),
		cmocka_unit_test(test_what_is_no_time_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
