#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/reload-answer.h"
#include "keeper/reload-askers.h"

/* The answer that this process has got, or 0. */
static int answer(void)
{
	const struct timespec none = { 0 };
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGURG);
	return sigtimedwait(&set, &info, &none) == SIGURG ? info.si_value.sival_int : 0;
}

static int block(void **state)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGURG);
	return sigprocmask(SIG_BLOCK, &set, NULL);
}

static void test_who_asks_is_told_once_how_it_ended(void **state)
{
	struct reload_askers askers = { 0 };

	reload_askers_answer(&askers, false);
	assert_int_equal(answer(), 0);
	reload_askers_add(&askers, getpid(), false);
	assert_int_equal(answer(), 0);
	reload_askers_answer(&askers, true);
	assert_int_equal(answer(), RELOAD_FAILED);
	reload_askers_answer(&askers, false);
	assert_int_equal(answer(), 0);
	reload_askers_add(&askers, getpid(), false);
	reload_askers_answer(&askers, false);
	assert_int_equal(answer(), RELOAD_SUCCEEDED);
}

static void test_who_waits_is_known_until_the_answer(void **state)
{
	struct reload_askers askers = { 0 };

	assert_false(reload_askers_have(&askers, getpid()));
	reload_askers_add(&askers, getpid(), true);
	assert_true(reload_askers_have(&askers, getpid()));
	assert_false(reload_askers_have(&askers, getpid() + 1));
	reload_askers_answer(&askers, true);
	assert_true(reload_askers_have(&askers, getpid()));
	reload_askers_answer(&askers, true);
	assert_false(reload_askers_have(&askers, getpid()));
	assert_int_equal(answer(), RELOAD_FAILED);
}

static void test_the_end_of_the_reload_before_is_no_answer(void **state)
{
	struct reload_askers askers = { 0 };

	reload_askers_add(&askers, getpid(), true);
	reload_askers_answer(&askers, true);
	assert_int_equal(answer(), 0);
	reload_askers_answer(&askers, false);
	assert_int_equal(answer(), RELOAD_SUCCEEDED);
}

static void test_too_many_take_no_memory(void **state)
{
	struct reload_askers askers = { 0 };

	for (int i = 0; i < RELOAD_ASKERS_MAX + 10; i++)
		reload_askers_add(&askers, getpid(), i % 2);
	assert_int_equal(askers.n, RELOAD_ASKERS_MAX);
	reload_askers_answer(&askers, false);
	assert_int_equal(askers.n, RELOAD_ASKERS_MAX / 2);
	reload_askers_answer(&askers, false);
	assert_int_equal(askers.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_asks_is_told_once_how_it_ended),
		cmocka_unit_test(test_who_waits_is_known_until_the_answer),
		cmocka_unit_test(test_the_end_of_the_reload_before_is_no_answer),
		cmocka_unit_test(test_too_many_take_no_memory),
	};

	return cmocka_run_group_tests(tests, block, NULL);
}
