#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/digest.h"
#include "config/draft.h"
#include "config/schema.h"
#include "config/settings.h"

#include "settings-text.h"

/* What the service has that is looked at, but for the option at hand. */
static const struct {
	enum option_number option;
	const char *text;
} base[] = {
	{ OPTION_LISTEN, "listen = tcp:127.0.0.1:1" },
	{ OPTION_EXEC, "exec = /bin/sh" },
	{ OPTION_DISPATCH, "dispatch = pass" },
	{ OPTION_USER, "user = root" },
};

/* Each option of a service with two values: whether a process that runs is concerned. */
static const struct {
	enum option_number option;
	const char *one;
	const char *other;
	bool differs;
} options[] = {
	{ OPTION_ENABLED, "", "enabled = yes", false },
	{ OPTION_LISTEN, "listen = tcp:127.0.0.1:1", "listen = tcp:127.0.0.1:2", false },
	{ OPTION_EXEC, "exec = {\"/bin/sh\", a, b}", "exec = {\"/bin/sh\", ab}", true },
	{ OPTION_ARGV0, "", "argv0 = \"sh\"", true },
	{ OPTION_DISPATCH, "dispatch = pool", "dispatch = pass", true },
	{ OPTION_PROCESSES, "processes = 3", "processes = 4", true },
	{ OPTION_CLIENTS_PER_PROCESS, "", "clients_per_process = 2", true },
	{ OPTION_IDLE_EXIT, "", "idle_exit = 1s", false },
	{ OPTION_READY, "", "ready = notify", true },
	{ OPTION_READY_TIMEOUT, "", "ready_timeout = 1s", false },
	{ OPTION_USER, "user = root", "user = nobody", true },
	{ OPTION_GROUP, "group = root", "group = daemon", true },
	{ OPTION_GROUPS, "", "groups = yes", true },
	{ OPTION_DIRECTORY, "", "directory = \"/tmp\"", true },
	{ OPTION_CHROOT, "", "chroot = \"/\"", true },
	{ OPTION_UMASK, "", "umask = 077", true },
	{ OPTION_NICE, "", "nice = 1", true },
	{ OPTION_ENV, "env = \"A=b\"", "env = \"A=c\"", true },
	{ OPTION_PASSENV, "", "passenv = SUPERD_TEST", true },
	{ OPTION_STDERR, "stderr = log", "stderr = null", true },
	{ OPTION_LAUNCH_TIMEOUT, "", "launch_timeout = 1s", false },
	{ OPTION_INSTANCES, "", "instances = 1", false },
	{ OPTION_OVERFLOW, "", "overflow = refuse", false },
	{ OPTION_AT_STOP, "", "at_stop = leave", false },
	{ OPTION_REFLECTION_GUARD, "", "reflection_guard = own", false },
	{ OPTION_IDLE_TIMEOUT, "", "idle_timeout = 1s", false },
	{ OPTION_MAX_LIFETIME, "", "max_lifetime = 1s", false },
	{ OPTION_SHARDS, "", "shards = 2", false },
	{ OPTION_BACKLOG, "", "backlog = 2", false },
	{ OPTION_KEEPALIVE, "", "keepalive = yes", false },
	{ OPTION_NODELAY, "", "nodelay = yes", false },
	{ OPTION_RCVBUF, "", "rcvbuf = 2k", false },
	{ OPTION_SNDBUF, "", "sndbuf = 2k", false },
	{ OPTION_V6ONLY, "", "v6only = yes", false },
	{ OPTION_FREEBIND, "", "freebind = yes", false },
	{ OPTION_INTERFACE, "", "interface = lo", false },
	{ OPTION_SOCKET_MODE, "", "socket_mode = 0600", false },
	{ OPTION_SOCKET_USER, "", "socket_user = root", false },
	{ OPTION_SOCKET_GROUP, "", "socket_group = root", false },
	{ OPTION_LOG_ON_SUCCESS, "", "log_on_success = none", false },
	{ OPTION_LOG_ON_FAILURE, "", "log_on_failure = none", false },
	{ OPTION_DEBUG, "", "debug = yes", false },
	{ OPTION_AMPLIFY, "", "amplify = yes", false },
	{ OPTION_ACCESS_TIMES, "", "access_times = \"08:00-18:00\"", false },
	{ OPTION_CPS, "", "cps = 5", false },
	{ OPTION_ONLY_FROM, "", "only_from = 10.0.0.0/8", false },
	{ OPTION_NO_ACCESS, "", "no_access = 10.0.0.0/8", false },
	{ OPTION_ONLY_FROM, "", "only_from = 10.0.0.0/8", false },
	{ OPTION_NO_ACCESS, "", "no_access = 10.0.0.0/8", false },
};

struct digests {
	uint64_t program;
	uint64_t options;
};

/* With option @number set by @text: in the defaults where it may stand there. */
static struct digests digests_with(int number, const char *text)
{
	bool in_defaults = schema_options[number].where & SECTION_DEFAULTS;
	struct settings *settings;
	char all[1024];
	size_t n;
	struct digests digests;

	n = snprintf(all, sizeof(all), "defaults { %s }\nservice s { %s", in_defaults ? text : "",
		     in_defaults ? "" : text);
	for (size_t i = 0; i < sizeof(base) / sizeof(base[0]); i++)
		if ((int)base[i].option != number)
			n += snprintf(all + n, sizeof(all) - n, "\n%s", base[i].text);
	snprintf(all + n, sizeof(all) - n, " }\n");

	settings = parse_text(all);
	assert_non_null(settings);
	digests.program = settings->services[0].digest;
	digests.options = settings->services[0].options_digest;
	assert_int_not_equal(digests.program, 0);
	settings_free(settings);
	return digests;
}

static uint64_t digest_with(int number, const char *text)
{
	return digests_with(number, text).program;
}

/* What a reload says to have changed. `enabled` is the same in both. */
static void test_every_option_makes_another_digest_of_the_options(void **state)
{
	setenv("SUPERD_TEST", "1", 1);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		uint64_t one = digests_with(options[i].option, options[i].one).options;
		uint64_t other = digests_with(options[i].option, options[i].other).options;

		if (options[i].option != OPTION_ENABLED && one == other)
			fail_msg("'%s' and '%s'", options[i].one, options[i].other);
	}
	assert_int_not_equal(digests_with(OPTION_PROCESSES, "processes = {1, 3}").options,
			     digests_with(OPTION_PROCESSES, "processes = {2, 3}").options);
}

static void test_options_that_concern_processes_make_another_digest(void **state)
{
	setenv("SUPERD_TEST", "1", 1);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		uint64_t one = digest_with(options[i].option, options[i].one);
		uint64_t other = digest_with(options[i].option, options[i].other);

		if ((one != other) != options[i].differs)
			fail_msg("'%s' and '%s'", options[i].one, options[i].other);
	}
}

/* Whoever adds an option says here whether it concerns a process that runs. */
static void test_every_option_of_a_service_is_known_here(void **state)
{
	for (int number = 0; number < OPTION_COUNT; number++) {
		size_t i = 0;

		/* One that a program cannot have. */
		if (!(schema_options[number].where & SECTION_SERVICE) || number == OPTION_BUILTIN)
			continue;
		while (i < sizeof(options) / sizeof(options[0]) && (int)options[i].option != number)
			i++;
		if (i == sizeof(options) / sizeof(options[0]))
			fail_msg("'%s' is missing", schema_options[number].name);
	}
}

static void test_the_least_number_of_processes_does_not_count(void **state)
{
	assert_int_equal(digest_with(OPTION_PROCESSES, "processes = 3"),
			 digest_with(OPTION_PROCESSES, "processes = {1, 3}"));
}

static void test_what_means_the_same_has_the_same_digest(void **state)
{
	assert_int_equal(digest_with(OPTION_USER, "user = root"),
			 digest_with(OPTION_USER, "user = 0"));
	assert_int_equal(digest_with(OPTION_STDERR, ""),
			 digest_with(OPTION_STDERR, "stderr = log"));
	assert_int_equal(digest_with(OPTION_DIRECTORY, ""),
			 digest_with(OPTION_DIRECTORY, "directory = '/'"));
	setenv("SUPERD_TEST", "1", 1);
	assert_int_equal(digest_with(OPTION_ENV, "env = \"SUPERD_TEST=1\""),
			 digest_with(OPTION_PASSENV, "passenv = SUPERD_TEST"));
}

static void test_what_is_resolved_counts_by_what_it_stands_for(void **state)
{
	uint64_t before;

	setenv("SUPERD_TEST", "1", 1);
	before = digest_with(OPTION_PASSENV, "passenv = SUPERD_TEST");
	setenv("SUPERD_TEST", "2", 1);
	assert_int_not_equal(digest_with(OPTION_PASSENV, "passenv = SUPERD_TEST"), before);
}

/* Users and groups may get other numbers between two reloads. */
static void test_numbers_of_users_and_groups_count(void **state)
{
	gid_t groups[] = { 1, 2 }, others[] = { 1, 3 };
	const struct draft draft = { 0 };
	const struct identity identities[] = {
		{ .uid = 1, .gid = 1, .groups = groups, .n_groups = 2 },
		{ .uid = 2, .gid = 1, .groups = groups, .n_groups = 2 },
		{ .uid = 1, .gid = 2, .groups = groups, .n_groups = 2 },
		{ .uid = 1, .gid = 1, .groups = groups, .n_groups = 1 },
		{ .uid = 1, .gid = 1, .groups = others, .n_groups = 2 },
	};
	struct service service = { .program.identity = identities[0] };
	uint64_t digest = digest_of_service(&service, &draft);

	for (size_t i = 1; i < sizeof(identities) / sizeof(identities[0]); i++) {
		service.program.identity = identities[i];
		assert_int_not_equal(digest_of_service(&service, &draft), digest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_that_concern_processes_make_another_digest),
		cmocka_unit_test(test_every_option_makes_another_digest_of_the_options),
		cmocka_unit_test(test_every_option_of_a_service_is_known_here),
		cmocka_unit_test(test_the_least_number_of_processes_does_not_count),
		cmocka_unit_test(test_what_means_the_same_has_the_same_digest),
		cmocka_unit_test(test_what_is_resolved_counts_by_what_it_stands_for),
		cmocka_unit_test(test_numbers_of_users_and_groups_count),
	};

	return cmocka_run_group_tests_name("digest", tests, make_folder, remove_folder);
}
