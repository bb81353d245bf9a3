/*
 * A case that hangs fails by name. Without this the whole program would wait until Meson ends it,
 * and nobody would know where.
 *
 * The linker puts this in place of the function of cmocka that runs the cases (--wrap), so that
 * every unit test has it and none can forget it.
 */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Less than tests/run lets Meson give to a whole program; each case needs far less. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CASE_SECONDS 60
#elif defined(__has_feature)
#define CASE_SECONDS (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ? 60 : 20)
#else
#define CASE_SECONDS 20
#endif

int __real__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t n,
				   CMFixtureFunction set_up, CMFixtureFunction tear_down);
int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t n,
				   CMFixtureFunction set_up, CMFixtureFunction tear_down);

static const struct CMUnitTest *cases; /* as the test wrote them */
static size_t n_begun;
static char hangs[256]; /* what to say should this case hang */

static void end_the_program(int number)
{
	(void)!write(STDOUT_FILENO, hangs, strlen(hangs));
	_exit(EXIT_FAILURE);
}

static int begin_case(void **state)
{
	const struct CMUnitTest *test = &cases[n_begun++];

	(void)snprintf(hangs, sizeof(hangs), "not ok %zu - %s\n# It hangs: ended after %d s.\n",
		       n_begun, test->name, CASE_SECONDS);
	alarm(CASE_SECONDS);
	return test->setup_func ? test->setup_func(state) : 0;
}

int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t n,
				   CMFixtureFunction set_up, CMFixtureFunction tear_down)
{
	const struct sigaction on_alarm = { .sa_handler = end_the_program };
	struct CMUnitTest *limited = calloc(n, sizeof(*limited));
	int failed;

	if (!limited || sigaction(SIGALRM, &on_alarm, NULL) < 0)
		return -1;
	cases = tests;
	n_begun = 0;
	for (size_t i = 0; i < n; i++) {
		limited[i] = tests[i];
		limited[i].setup_func = begin_case;
	}

	/* What was said before the end must not be lost in a buffer. */
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	failed = __real__cmocka_run_group_tests(name, limited, n, set_up, tear_down);
	alarm(0);
	free(limited);
	return failed;
}
