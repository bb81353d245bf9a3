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

#include "config/load.h"
#include "config/settings.h"

#include "settings-text.h"

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
	settings_free(settings);
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
	settings_free(settings);
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
	settings_free(settings);
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
		settings_free(settings);
	}
}

static void test_ten_thousand_services_load(void **state)
{
	enum { SERVICES = 10000 };
	struct settings *settings = NULL;
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs("front_user = 65533 defaults { user = root instances = 5 }\n", file);
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
	settings_free(settings);
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
	settings_free(settings);
}

static void test_dead_rehearsal_is_a_failure(void **state)
{
	struct rehearsal rehearsal = { 0 };

	assert_int_equal(rehearsal_result(&rehearsal, 0), 0);
	assert_int_not_equal(rehearsal_result(&rehearsal, SIGKILL), 0);
	assert_int_not_equal(rehearsal_result(&rehearsal, 1 << 8), 0);
	assert_int_not_equal(rehearsal_result(&rehearsal, 2 << 8), 0);
}

/* What is not logged costs nothing but a branch. */
static void test_a_line_for_debugging_is_not_made_unless_it_is_wanted(void **state)
{
	struct settings *settings =
		parse_text("service quiet { listen = tcp:127.0.0.1:1 builtin = echo }\n"
			   "service loud { listen = tcp:127.0.0.1:2 builtin = echo debug = yes }");
	int evaluated = 0;

	assert_non_null(settings);
	service_debug(&settings->services[0], "%d", ++evaluated);
	assert_int_equal(evaluated, 0);
	service_debug(&settings->services[1], "%d", ++evaluated);
	assert_int_equal(evaluated, 1);
	settings_free(settings);
}

/* --debug is for all of them. */
static void test_debugging_of_everything_includes_every_service(void **state)
{
	struct settings *settings;

	log_set_debug(true);
	settings = parse_text("service s { listen = tcp:127.0.0.1:1 builtin = echo debug = no }");
	log_set_debug(false);
	assert_non_null(settings);
	assert_true(settings->services[0].debug);
	settings_free(settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_arrive_as_written),
		cmocka_unit_test(test_defaults_hold_wherever_they_stand),
		cmocka_unit_test(test_every_endpoint_finds_its_service),
		cmocka_unit_test(test_cut_file_is_refused_or_ends_between_statements),
		cmocka_unit_test(test_ten_thousand_services_load),
		cmocka_unit_test(test_what_is_no_text_file_is_refused_at_once),
		cmocka_unit_test(test_host_names_of_the_rehearsal_reach_the_parse),
		cmocka_unit_test(test_dead_rehearsal_is_a_failure),
		cmocka_unit_test(test_a_line_for_debugging_is_not_made_unless_it_is_wanted),
		cmocka_unit_test(test_debugging_of_everything_includes_every_service),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
