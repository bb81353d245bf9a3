#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "front/pass/message.h"
#include "net/client-variables.h"

static struct address in(const char *host, unsigned port)
{
	struct address address = { .length = sizeof(address.in) };

	address.in.sin_family = AF_INET;
	address_set_port(&address, port);
	assert_int_equal(inet_pton(AF_INET, host, &address.in.sin_addr), 1);
	return address;
}

static struct address at_path(const char *path)
{
	struct address address = { .length = sizeof(address.un) };

	address.un.sun_family = AF_UNIX;
	strncpy(address.un.sun_path, path, sizeof(address.un.sun_path) - 1);
	return address;
}

/* The message with a '|' for each terminator. */
static const char *write_message(unsigned client_index, int type, const struct address *peer,
				 const struct address *local)
{
	static char text[PASS_MESSAGE_MAX];
	struct client_text client;
	size_t n;

	client_text_init(&client, "web", type, peer, local);
	n = pass_message_write(text, client_index, &client);
	for (size_t i = 0; i < n - 1; i++)
		if (!text[i])
			text[i] = '|';
	assert_int_equal(strlen(text), n - 1);
	return text;
}

static void test_a_message_has_what_a_spawned_program_finds(void **state)
{
	struct address peer = in("192.0.2.1", 4000), local = in("192.0.2.2", 80);

	assert_string_equal(write_message(12, SOCK_STREAM, &peer, &local),
			    "SUPERD_CLIENT=12|PROTO=TCP|SUPERD_SERVICE=web|SERVER_ADDR=192.0.2.2|"
			    "SERVER_PORT=80|REMOTE_ADDR=192.0.2.1|REMOTE_PORT=4000|"
			    "REMOTE_HOST=192.0.2.1|TCPREMOTEIP=192.0.2.1|TCPREMOTEPORT=4000|"
			    "TCPLOCALIP=192.0.2.2|TCPLOCALPORT=80");
}

static void test_a_unix_client_has_paths_and_no_ports(void **state)
{
	struct address peer = at_path(""), local = at_path("/run/x.sock");

	peer.length = sizeof(sa_family_t);
	assert_string_equal(write_message(0, SOCK_SEQPACKET, &peer, &local),
			    "SUPERD_CLIENT=0|PROTO=UNIX|SUPERD_SERVICE=web|SERVER_ADDR=/run/x.sock|"
			    "REMOTE_ADDR=");
}

static int answer(const char *text)
{
	return pass_message_read_answer(text, strlen(text), 10);
}

static void test_answers_name_a_client(void **state)
{
	assert_int_equal(answer("DONE=0"), 0);
	assert_int_equal(answer("DONE=9"), 9);
	assert_int_equal(answer("DONE=07"), 7);
	assert_int_equal(pass_message_read_answer("DONE=3", sizeof("DONE=3"), 10), 3);
}

static void test_anything_else_is_no_answer(void **state)
{
	static const char *const texts[] = {
		"",       "DONE", "DONE=",   "DONE=10",    "DONE=-1",           "DONE=1\n",
		"done=1", "1",    "DONE= 1", "DONE=1 2",   "DONE=99999999",     "DONE=4294967296",
		"DONE=x", "DO",   "FONE=1",  "DONE=1DONE", "DONE=000000000000",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(answer(texts[i]), -EINVAL);
	assert_int_equal(pass_message_read_answer("DONE=1\0\0", 8, 10), -EINVAL);
	assert_int_equal(pass_message_read_answer("\0", 1, 10), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_message_has_what_a_spawned_program_finds),
		cmocka_unit_test(test_a_unix_client_has_paths_and_no_ports),
		cmocka_unit_test(test_answers_name_a_client),
		cmocka_unit_test(test_anything_else_is_no_answer),
	};

	return cmocka_run_group_tests_name("pass-message", tests, NULL, NULL);
}
