#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "config/load.h"
#include "config/schema.h"
#include "config/settings.h"

static char folder[] = "/tmp/superd-test-settings-XXXXXX";
static char path[PATH_MAX];

static const struct load_options as_root = { .port_base = -1, .privileged = true };

static int make_folder(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/superd.conf", folder);
	return log_open(LOG_TO_FILE, "/dev/null");
}

static int remove_folder(void **state)
{
	(void)unlink(path);
	return rmdir(folder);
}

static void write_file(const char *text, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

/* NULL if it is refused. Without the rehearsal, for speed. */
static struct settings *parse(const char *text, size_t length)
{
	struct settings *settings = NULL;
	struct sources *sources;

	write_file(text, length);
	if (sources_read(&sources, path) < 0)
		return NULL;
	if (settings_parse(&settings, sources, NULL, &as_root) < 0)
		settings = NULL;
	sources_free(sources);
	return settings;
}

static struct settings *parse_text(const char *text)
{
	return parse(text, strlen(text));
}

static void test_values_arrive_as_written(void **state)
{
	struct settings *settings = parse_text(
		"port_base = 100\n"
		"poller = epoll grace = 2m log = '/a b'\n"
		"service \"s\" {\n"
		"  listen = {\"tcp:127.0.0.1:1\", \"tcp:127.0.0.1:0\"}\n"
		"  exec = {\"/bin/sh\", \"-c\", \"echo ${HOME} \\\"$1\\\"\\t\\x41\", 'a\\nb$'}\n"
		"  user = root umask = 77 nice = -5 instances = 7 env = \"A=$B\"\n"
		"}\n");
	const struct service *service;

	assert_non_null(settings);
	assert_int_equal(settings->poller, POLLER_EPOLL);
	assert_int_equal(settings->grace_ms, 120000);
	assert_false(settings->log_is_auto);
	assert_int_equal(settings->log_target, LOG_TO_FILE);
	assert_string_equal(settings->log_path, "/a b");
	assert_string_equal(settings->path, path);

	service = &settings->services[0];
	assert_string_equal(service->name, "s");
	assert_int_equal(service->line, 3);
	assert_ptr_equal(service->file, settings->files[0]);
	assert_int_equal(service->dispatch, DISPATCH_SPAWN);
	assert_int_equal(service->instances, 7);
	assert_string_equal(service->program.argv[2], "echo ${HOME} \"$1\"\tA");
	assert_string_equal(service->program.argv[3], "a\\nb$");
	assert_null(service->program.argv[4]);
	assert_string_equal(service->program.env[0], "A=$B");
	assert_null(service->program.env[1]);
	assert_int_equal(service->program.umask, 077);
	assert_int_equal(service->program.nice, -5);
	assert_true(service->program.identity.change);
	assert_int_equal(service->program.identity.uid, 0);
	assert_int_equal(service->socket.uid, (uid_t)-1);
	assert_int_equal(address_port(&service->endpoints[0].address), 101);
	assert_int_equal(address_port(&service->endpoints[1].address), 0);
	settings_unref(settings);
}

static void test_defaults_hold_wherever_they_stand(void **state)
{
	struct settings *settings =
		parse_text("service a { listen = tcp:1 builtin = echo }\n"
			   "service b { listen = tcp:2 builtin = echo backlog = 6 }\n"
			   "defaults { backlog = 5 log_on_success = none }\n"
			   "service c { listen = tcp:3 builtin = echo log_on_success = pid }\n");

	assert_non_null(settings);
	assert_int_equal(settings->services[0].socket.backlog, 5);
	assert_int_equal(settings->services[1].socket.backlog, 6);
	assert_int_equal(settings->services[2].socket.backlog, 5);
	assert_int_equal(settings->services[0].log_on_success, 0);
	assert_int_equal(settings->services[2].log_on_success, RECORD_PID);
	settings_unref(settings);
}

static void test_crew_is_resolved(void **state)
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
	assert_int_equal(a->crew.min, 0);
	assert_int_equal(a->crew.max, 5);
	assert_int_equal(a->crew.idle_exit_ms, 120000);
	assert_true(a->crew.ready_notify);
	assert_int_equal(a->crew.ready_timeout_ms, 500);
	assert_int_equal(a->program.stderr_to, STDERR_LOG);
	assert_int_equal(a->instances, UINT_MAX);

	assert_int_equal(b->dispatch, DISPATCH_PASS);
	assert_int_equal(b->crew.min, 4);
	assert_int_equal(b->crew.max, 4);
	assert_int_equal(b->crew.clients_per_process, 10);
	assert_int_equal(b->crew.idle_exit_ms, 1000);
	assert_false(b->crew.ready_notify);
	assert_int_equal(b->program.stderr_to, STDERR_NULL);
	assert_int_equal(b->instances, 7);

	assert_int_equal(c->crew.min, 1);
	assert_int_equal(c->crew.max, 1);
	assert_int_equal(c->crew.clients_per_process, 1);
	assert_int_equal(c->crew.ready_timeout_ms, 30000);
	assert_int_equal(c->program.stderr_to, STDERR_LOG);
	assert_int_equal(c->instances, 3);
	settings_unref(settings);
}

/* What the defaults say about crews does not reach a service that has none. */
static void test_only_crews_have_crew_settings(void **state)
{
	struct settings *settings =
		parse_text("defaults { user = root processes = 3 ready = notify }\n"
			   "service a { listen = tcp:1 exec = /bin/sh }\n"
			   "service b { listen = tcp:2 builtin = echo }\n");

	assert_non_null(settings);
	for (size_t i = 0; i < settings->n_services; i++) {
		assert_int_equal(settings->services[i].crew.max, 0);
		assert_false(settings->services[i].crew.ready_notify);
	}
	assert_int_equal(settings->services[0].program.stderr_to, STDERR_SOCKET);
	settings_unref(settings);
}

static void test_session_options_are_resolved(void **state)
{
	struct settings *settings = parse_text(
		"defaults { user = root idle_timeout = 5s max_lifetime = 1h workers = 2 }\n"
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
	assert_int_equal(a->workers, 2);
	assert_int_equal(a->socket.rcvbuf, 65536);
	assert_int_equal(a->socket.sndbuf, 1048576);
	assert_int_equal(b->idle_timeout_ms, 5000);
	assert_int_equal(b->max_lifetime_ms, 3600000);
	assert_int_equal(b->workers, 0);
	assert_int_equal(b->socket.rcvbuf, 0);
	assert_int_equal(c->workers, 0);
	assert_int_equal(c->idle_timeout_ms, 0);
	settings_unref(settings);
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
	assert_int_equal(settings->services[0].workers, sockets);
	settings_unref(settings);
}

static void test_workers_are_resolved(void **state)
{
	cpu_set_t all, one;
	int cpu = 0;

	expect_workers("workers = 0", "", 0, 0);
	expect_workers("workers = 0", "workers = auto", 0, 1);
	expect_workers("workers = 5", "workers = auto", 5, 5);
	expect_workers("workers = 64", "workers = 3", 64, 3);

	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	expect_workers("", "workers = auto", CPU_COUNT(&all), CPU_COUNT(&all));
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	expect_workers("workers = auto", "", 1, 0);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

static void test_every_endpoint_finds_its_service(void **state)
{
	struct settings *settings =
		parse_text("service a { listen = {\"tcp:1-3\", \"udp:1\"} builtin = echo }\n"
			   "service off { enabled = no }\n"
			   "service b { listen = tcp:10 builtin = echo }\n"
			   "service c { listen = {\"tcp:20-29\"} builtin = echo }\n");
	size_t number = 0;

	assert_non_null(settings);
	assert_int_equal(settings->n_services, 3);
	assert_int_equal(settings->n_endpoints, 15);
	for (size_t i = 0; i < settings->n_services; i++) {
		const struct service *service = &settings->services[i];

		assert_int_equal(service->index, i);
		assert_int_equal(service->first_endpoint, number);
		for (size_t k = 0; k < service->n_endpoints; k++, number++) {
			assert_ptr_equal(settings_service_of(settings, number), service);
			assert_ptr_equal(settings_endpoint(settings, number),
					 &service->endpoints[k]);
		}
	}
	settings_unref(settings);
}

static void test_reference_keeps_settings(void **state)
{
	struct settings *settings = parse_text("service a { listen = tcp:1 builtin = echo }\n");
	struct settings *again = settings_ref(settings);

	settings_unref(settings);
	assert_string_equal(again->services[0].name, "a");
	settings_unref(again);
	settings_unref(NULL);
}

/* How many services a part of the text has if it ends between statements, newline or not, else -1.
 */
static int complete_services(const char *text, size_t length, const size_t *ends, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ends[i] == length || ends[i] == length + 1)
			return i;
	return -1;
}

static void test_cut_file_is_refused_or_ends_between_statements(void **state)
{
	static const char *const parts[] = {
		"# a file /* with all that can be cut { */\n"
		"port_base = 10000\n"
		"log = \"/var/log/#superd\"\n"
		"defaults {\n\tinstances = 100 # comment\n\tumask = 022\n}\n",
		"service \"one\" {\n\tlisten = {\"tcp:1\",\n\t\t\"udp:1\"}\n\tbuiltin = echo\n}\n",
		"service two {\n\tlisten = { 'tcp:2' } /* two\n lines */\n\tbuiltin = time\n}\n",
		"service \"three\" { listen = \"unix:/run/a\\\"b\" builtin = discard }\n",
	};
	size_t ends[4];
	char text[1024] = "";

	for (size_t i = 0; i < 4; i++) {
		strcat(text, parts[i]);
		ends[i] = strlen(text);
	}

	for (size_t length = 0; length <= strlen(text); length++) {
		int expected = complete_services(text, length, ends, 4);
		struct settings *settings = parse(text, length);

		if (expected <= 0) {
			assert_null(settings);
			continue;
		}
		assert_non_null(settings);
		assert_int_equal(settings->n_services, expected);
		assert_int_equal(settings->services[0].instances, 100);
		assert_int_equal(address_port(&settings->services[0].endpoints[0].address), 10001);
		settings_unref(settings);
	}
}

static void test_ten_thousand_services_load(void **state)
{
	enum { SERVICES = 10000 };
	struct settings *settings = NULL;
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs("defaults { user = root instances = 5 }\n", file);
	for (int i = 0; i < SERVICES; i++)
		fprintf(file,
			"service \"s%d\" {\n\tlisten = {\"tcp:127.1.1.1:%d\", "
			"\"udp:127.1.%d.%d:53\"}\n"
			"\texec = {\"/bin/sh\", \"-c\", \"true\"}\n}\n",
			i, i + 1, i / 250, i % 250);
	assert_int_equal(fclose(file), 0);

	assert_int_equal(settings_load(&settings, path, &as_root), 0);
	assert_int_equal(settings->n_services, SERVICES);
	assert_int_equal(settings->n_endpoints, 2 * SERVICES);
	assert_string_equal(settings->services[SERVICES - 1].name, "s9999");
	settings_unref(settings);
}

static void test_what_is_no_text_file_is_refused_at_once(void **state)
{
	struct sources *sources;

	assert_int_not_equal(sources_read(&sources, folder), 0);
	assert_int_not_equal(sources_read(&sources, "/dev/zero"), 0);
	assert_int_not_equal(sources_read(&sources, "/no/such/file"), 0);

	(void)unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_not_equal(sources_read(&sources, path), 0);
	assert_int_equal(unlink(path), 0);

	write_file("", 0);
	assert_int_equal(truncate(path, 100 << 20), 0);
	assert_int_not_equal(sources_read(&sources, path), 0);

	assert_null(parse("service a\0 { }\n", 15));
	assert_null(parse("", 0));
}

static void test_host_names_of_the_rehearsal_reach_the_parse(void **state)
{
	static const char text[] = "service a { listen = \"tcp:localhost:1\" builtin = echo }\n";
	struct settings *settings = NULL;

	write_file(text, strlen(text));
	assert_int_equal(settings_load(&settings, path, &as_root), 0);
	assert_true(settings->n_endpoints >= 1);
	settings_unref(settings);
}

static void test_dead_rehearsal_is_a_failure(void **state)
{
	struct rehearsal rehearsal = { 0 };

	assert_int_equal(rehearsal_result(&rehearsal, 0), 0);
	assert_int_not_equal(rehearsal_result(&rehearsal, SIGKILL), 0);
	assert_int_not_equal(rehearsal_result(&rehearsal, 1 << 8), 0);
	assert_int_not_equal(rehearsal_result(&rehearsal, 2 << 8), 0);
}

static void test_options_of_the_schema_are_all_there(void **state)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option *option = &schema_options[i];
		size_t length = option->name ? strlen(option->name) : 0;

		assert_non_null(option->name);
		assert_non_null(option->parse);
		assert_non_null(option->takes);
		for (unsigned where = SECTION_ROOT; where <= SECTION_SERVICE; where <<= 1)
			if (option->where & where)
				assert_int_equal(schema_find(option->name, length, where), i);
	}
}

/* One grammar decodes all sections. */
static void test_options_of_one_name_are_written_alike(void **state)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		for (int k = 0; k < i; k++)
			if (strcmp(schema_options[i].name, schema_options[k].name) == 0)
				assert_int_equal(schema_options[i].is_list,
						 schema_options[k].is_list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_arrive_as_written),
		cmocka_unit_test(test_defaults_hold_wherever_they_stand),
		cmocka_unit_test(test_crew_is_resolved),
		cmocka_unit_test(test_only_crews_have_crew_settings),
		cmocka_unit_test(test_session_options_are_resolved),
		cmocka_unit_test(test_workers_are_resolved),
		cmocka_unit_test(test_every_endpoint_finds_its_service),
		cmocka_unit_test(test_reference_keeps_settings),
		cmocka_unit_test(test_cut_file_is_refused_or_ends_between_statements),
		cmocka_unit_test(test_ten_thousand_services_load),
		cmocka_unit_test(test_what_is_no_text_file_is_refused_at_once),
		cmocka_unit_test(test_host_names_of_the_rehearsal_reach_the_parse),
		cmocka_unit_test(test_dead_rehearsal_is_a_failure),
		cmocka_unit_test(test_options_of_the_schema_are_all_there),
		cmocka_unit_test(test_options_of_one_name_are_written_alike),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
