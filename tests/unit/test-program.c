#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/settings.h"
#include "keeper/exec/plan-buffer.h"
#include "keeper/exec/program.h"

/* Room for what these tests need. */
static char room[16384];
static struct plan_buffer buffer = { .text = room, .size = sizeof(room) };

static const struct rlimit limit = { 1024, 4096 };

static struct address address(const char *host, unsigned port)
{
	struct address out = { .length = sizeof(out.in) };

	if (inet_pton(AF_INET, host, &out.in.sin_addr) == 1) {
		out.in.sin_family = AF_INET;
		out.in.sin_port = htons((uint16_t)port);
		return out;
	}
	out.length = sizeof(out.in6);
	out.in6.sin6_family = AF_INET6;
	assert_int_equal(inet_pton(AF_INET6, host, &out.in6.sin6_addr), 1);
	out.in6.sin6_port = htons((uint16_t)port);
	return out;
}

static char *join(char *const *words)
{
	static char text[2048];

	text[0] = '\0';
	for (; *words; words++) {
		strcat(text, *words);
		strcat(text, "\n");
	}
	return text;
}

static void test_client_finds_exactly_the_documented_environment(void **state)
{
	char *argv[] = { "/bin/cat", NULL }, *env[] = { "PATHS=a", "PROTOCOL=b", NULL };
	struct service service = { .name = "cat", .program = { .argv = argv, .env = env } };
	struct address peer = address("192.0.2.7", 5000), local = address("192.0.2.1", 23);
	struct program *program;

	assert_int_equal(program_new(&program, &service, &limit), 0);
	assert_string_equal(
		join(program_for_client(program, &buffer, SOCK_STREAM, &peer, &local)->envp),
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
		"PATHS=a\n"
		"PROTOCOL=b\n"
		"PROTO=TCP\n"
		"SUPERD_SERVICE=cat\n"
		"SERVER_ADDR=192.0.2.1\n"
		"SERVER_PORT=23\n"
		"REMOTE_ADDR=192.0.2.7\n"
		"REMOTE_PORT=5000\n"
		"REMOTE_HOST=192.0.2.7\n"
		"TCPREMOTEIP=192.0.2.7\n"
		"TCPREMOTEPORT=5000\n"
		"TCPLOCALIP=192.0.2.1\n"
		"TCPLOCALPORT=23\n");
	program_free(program);
}

static void test_nothing_of_one_client_reaches_the_next(void **state)
{
	char *argv[] = { "/bin/cat", NULL }, *env[] = { "PATH=/bin", NULL };
	struct service service = { .name = "cat", .program = { .argv = argv, .env = env } };
	struct address peer = address("2001:db8::1", 5000), local = address("2001:db8::2", 23);
	struct address path = { .length = sizeof(sa_family_t) };
	struct program *program;

	path.any.sa_family = AF_UNIX;
	assert_int_equal(program_new(&program, &service, &limit), 0);
	(void)program_for_client(program, &buffer, SOCK_STREAM, &peer, &local);
	assert_string_equal(
		join(program_for_client(program, &buffer, SOCK_STREAM, &path, &path)->envp),
		"PATH=/bin\n"
		"PROTO=UNIX\n"
		"SUPERD_SERVICE=cat\n"
		"SERVER_ADDR=\n"
		"REMOTE_ADDR=\n");
	program_free(program);
}

static void test_owner_of_a_listener_finds_it_by_both_families_of_names(void **state)
{
	char *argv[] = { "/bin/cat", NULL }, *env[] = { "PATH=/bin", NULL };
	struct service service = { .name = "tftp", .program = { .argv = argv, .env = env } };
	struct address local = address("0.0.0.0", 69);
	const struct spawn_plan *spawn;
	struct program *program;

	assert_int_equal(program_new(&program, &service, &limit), 0);
	spawn = program_for_listener(program, &buffer, SOCK_DGRAM, &local);
	strcpy(spawn->listen_pid, "123");
	assert_string_equal(join(spawn->envp), "PATH=/bin\n"
					       "PROTO=UDP\n"
					       "SUPERD_SERVICE=tftp\n"
					       "SERVER_ADDR=0.0.0.0\n"
					       "SERVER_PORT=69\n"
					       "LISTEN_FDS=1\n"
					       "LISTEN_FDNAMES=tftp\n"
					       "LISTEN_PID=123\n");
	program_free(program);
}

static void test_process_of_a_pool_finds_all_listeners(void **state)
{
	char *argv[] = { "/bin/%{service}", "%{service}", NULL }, *env[] = { "PATH=/bin", NULL };
	struct service service = { .name = "web",
				   .dispatch = DISPATCH_POOL,
				   .n_endpoints = 3,
				   .program = { .argv = argv, .env = env } };
	struct address local = address("192.0.2.1", 80);
	const struct spawn_plan *spawn;
	struct program *program;

	assert_int_equal(program_new(&program, &service, &limit), 0);
	spawn = program_for_process(program, &buffer, SOCK_STREAM, &local, "@ready");
	strcpy(spawn->listen_pid, "123");
	assert_string_equal(join(spawn->argv), "/bin/%{service}\nweb\n");
	assert_string_equal(join(spawn->envp), "PATH=/bin\n"
					       "PROTO=TCP\n"
					       "SUPERD_SERVICE=web\n"
					       "SERVER_ADDR=192.0.2.1\n"
					       "SERVER_PORT=80\n"
					       "LISTEN_FDS=3\n"
					       "LISTEN_FDNAMES=web:web:web\n"
					       "NOTIFY_SOCKET=@ready\n"
					       "LISTEN_PID=123\n");
	program_free(program);
}

static void test_process_that_clients_are_passed_to_finds_its_socket(void **state)
{
	char *argv[] = { "/bin/cat", NULL }, *env[] = { "PATH=/bin", NULL };
	struct service service = { .name = "web",
				   .dispatch = DISPATCH_PASS,
				   .n_endpoints = 3,
				   .pool = { .clients_per_process = 8 },
				   .program = { .argv = argv, .env = env } };
	struct address nowhere = { 0 };
	const struct spawn_plan *spawn;
	struct program *program;

	assert_int_equal(program_new(&program, &service, &limit), 0);
	spawn = program_for_process(program, &buffer, SOCK_STREAM, &nowhere, NULL);
	strcpy(spawn->listen_pid, "123");
	assert_string_equal(join(spawn->envp), "PATH=/bin\n"
					       "SUPERD_SERVICE=web\n"
					       "SUPERD_PASS_CLIENTS=8\n"
					       "LISTEN_FDS=1\n"
					       "LISTEN_FDNAMES=superd-pass\n"
					       "LISTEN_PID=123\n");
	program_free(program);
}

static void test_variables_in_arguments_are_the_client(void **state)
{
	char *argv[] = {
		"/bin/%{service}", "%{remote_addr}:%{remote_port}", "-l%{local_addr}/%{local_port}",
		"plain",           "%%{service} %{service}",        NULL
	};
	char *env[] = { "PATH=/bin", NULL };
	struct service service = { .name = "x", .program = { .argv = argv, .env = env } };
	struct address peer = address("2001:db8::1", 5000), local = address("2001:db8::2", 23);
	struct program *program;

	assert_int_equal(program_new(&program, &service, &limit), 0);
	for (int i = 0; i < 2; i++)
		assert_string_equal(
			join(program_for_client(program, &buffer, SOCK_STREAM, &peer, &local)
				     ->argv),
			"/bin/%{service}\n"
			"2001:db8::1:5000\n"
			"-l2001:db8::2/23\n"
			"plain\n"
			"%{service} x\n");
	program_free(program);
}

static void test_what_the_administrator_set_is_left_alone(void **state)
{
	char *argv[] = { "/bin/cat", NULL }, *env[] = { "PATH=/bin", "PROTO=mine", NULL };
	struct service service = { .name = "x", .program = { .argv = argv, .env = env } };
	struct address path = { .length = sizeof(sa_family_t) };
	struct program *program;

	path.any.sa_family = AF_UNIX;
	assert_int_equal(program_new(&program, &service, &limit), 0);
	assert_string_equal(
		join(program_for_client(program, &buffer, SOCK_STREAM, &path, &path)->envp),
		"PATH=/bin\nPROTO=mine\nSUPERD_SERVICE=x\nSERVER_ADDR=\nREMOTE_ADDR=\n");
	program_free(program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client_finds_exactly_the_documented_environment),
		cmocka_unit_test(test_nothing_of_one_client_reaches_the_next),
		cmocka_unit_test(test_owner_of_a_listener_finds_it_by_both_families_of_names),
		cmocka_unit_test(test_process_of_a_pool_finds_all_listeners),
		cmocka_unit_test(test_process_that_clients_are_passed_to_finds_its_socket),
		cmocka_unit_test(test_variables_in_arguments_are_the_client),
		cmocka_unit_test(test_what_the_administrator_set_is_left_alone),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
