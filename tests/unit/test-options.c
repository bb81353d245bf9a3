#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/draft.h"
#include "config/schema.h"
#include "config/settings.h"

#include "settings-text.h"

static void test_a_pool_is_resolved(void **state)
{
	struct settings *settings = parse_text(
		"defaults { user = root idle_exit = 2m stderr = socket instances = 3 }\n"
		"service a { listen = tcp:1 exec = /bin/sh dispatch = pool processes = {0, 5}\n"
		"  ready = notify ready_timeout = 500ms }\n"
		"service b { listen = tcp:2 exec = /bin/sh dispatch = pass processes = 4\n"
		"  clients_per_process = 10 idle_exit = 1s stderr = null instances = 7 }\n"
		"service c { listen = tcp:3 exec = /bin/sh dispatch = pass }\n");
	const struct service *a, *b, *c;

	assert_non_null(settings);
	a = &settings->services[0];
	b = &settings->services[1];
	c = &settings->services[2];

	assert_int_equal(a->dispatch, DISPATCH_POOL);
	assert_int_equal(a->pool.min, 0);
	assert_int_equal(a->pool.max, 5);
	assert_int_equal(a->pool.idle_exit_ms, 120000);
	assert_true(a->pool.ready_notify);
	assert_int_equal(a->pool.ready_timeout_ms, 500);
	assert_int_equal(a->program.stderr_to, STDERR_LOG);
	assert_int_equal(a->instances, UINT_MAX);

	assert_int_equal(b->dispatch, DISPATCH_PASS);
	assert_int_equal(b->pool.min, 4);
	assert_int_equal(b->pool.max, 4);
	assert_int_equal(b->pool.clients_per_process, 10);
	assert_int_equal(b->pool.idle_exit_ms, 1000);
	assert_false(b->pool.ready_notify);
	assert_int_equal(b->program.stderr_to, STDERR_NULL);
	assert_int_equal(b->instances, 7);

	assert_int_equal(c->pool.min, 1);
	assert_int_equal(c->pool.max, 1);
	assert_int_equal(c->pool.clients_per_process, 1);
	assert_int_equal(c->pool.ready_timeout_ms, 30000);
	assert_int_equal(c->program.stderr_to, STDERR_LOG);
	assert_int_equal(c->instances, 3);
	settings_free(settings);
}

/* What the defaults say about processes does not reach a service that starts none. */
static void test_only_pools_have_pool_settings(void **state)
{
	struct settings *settings =
		parse_text("defaults { user = root processes = 3 ready = notify }\n"
			   "service a { listen = tcp:1 exec = /bin/sh }\n"
			   "service b { listen = tcp:2 builtin = echo }\n");

	assert_non_null(settings);
	for (size_t i = 0; i < settings->n_services; i++) {
		assert_int_equal(settings->services[i].pool.max, 0);
		assert_false(settings->services[i].pool.ready_notify);
	}
	assert_int_equal(settings->services[0].program.stderr_to, STDERR_SOCKET);
	settings_free(settings);
}

static void test_session_options_are_resolved(void **state)
{
	struct settings *settings = parse_text(
		"defaults { user = root idle_timeout = 5s max_lifetime = 1h shards = 2 }\n"
		"service a { listen = {\"tcp:1\", \"udp:1\"} builtin = echo idle_timeout = 10ms\n"
		"  max_lifetime = never rcvbuf = 64k sndbuf = 1m }\n"
		"service b { listen = {\"tcp:2\", \"unix-dgram:@b\"} builtin = echo }\n"
		"service c { listen = udp:3 exec = /bin/sh }\n");
	const struct service *a, *b, *c;

	assert_non_null(settings);
	a = &settings->services[0];
	b = &settings->services[1];
	c = &settings->services[2];

	assert_int_equal(a->idle_timeout_ms, 10);
	assert_int_equal(a->max_lifetime_ms, 0);
	assert_int_equal(a->shards, 2);
	assert_int_equal(a->socket.rcvbuf, 65536);
	assert_int_equal(a->socket.sndbuf, 1048576);
	assert_int_equal(b->idle_timeout_ms, 5000);
	assert_int_equal(b->max_lifetime_ms, 3600000);
	assert_int_equal(b->shards, 0);
	assert_int_equal(b->socket.rcvbuf, 0);
	assert_int_equal(c->shards, 0);
	assert_int_equal(c->idle_timeout_ms, 0);
	settings_free(settings);
}

static void expect_workers(const char *top, const char *service, unsigned threads, unsigned sockets)
{
	struct settings *settings;
	char text[256];

	snprintf(text, sizeof(text), "%s service a { listen = udp:1 builtin = echo %s }\n", top,
		 service);
	settings = parse_text(text);
	assert_non_null(settings);
	assert_int_equal(settings->workers, threads);
	assert_int_equal(settings->services[0].shards, sockets);
	settings_free(settings);
}

static void test_workers_are_resolved(void **state)
{
	cpu_set_t all, one;
	int cpu = 0;
	int n;

	expect_workers("workers = 0", "", 0, 0);
	expect_workers("workers = 0", "shards = auto", 0, 1);
	expect_workers("workers = 5", "shards = auto", 5, 5);
	expect_workers("workers = 64", "shards = 3", 64, 3);

	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	n = CPU_COUNT(&all) - 1;
	if (n < 1)
		n = 1;
	if (n > WORKERS_MAX)
		n = WORKERS_MAX;
	expect_workers("", "shards = auto", n, n);
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	expect_workers("workers = auto", "", 1, 0);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

static void test_options_of_the_schema_are_all_there(void **state)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option *option = &schema_options[i];
		size_t length = option->name ? strlen(option->name) : 0;

		assert_non_null(option->name);
		assert_true(!option->parse != !option->parse_list);
		assert_string_not_equal(option_takes(option), "");
		assert_int_equal(schema_find(option->name, length), i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_pool_is_resolved),
		cmocka_unit_test(test_only_pools_have_pool_settings),
		cmocka_unit_test(test_session_options_are_resolved),
		cmocka_unit_test(test_workers_are_resolved),
		cmocka_unit_test(test_options_of_the_schema_are_all_there),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
