#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/settings.h"
#include "front/session.h"
#include "net/poller.h"
#include "net/timer.h"

#define STREAM_READ_MAX (64 * 1024)

static struct poller *poller;
static struct timers *timers;
static struct sessions sessions;
static uint64_t bytes_in, bytes_out;

static void count_ended(struct session *session)
{
	bytes_in = session->bytes_in;
	bytes_out = session->bytes_out;
}

static int start_loop(void **state)
{
	assert_int_equal(poller_new(&poller, POLLER_AUTO), 0);
	assert_int_equal(timers_new(&timers), 0);
	sessions_init(&sessions, poller, timers, count_ended);
	bytes_in = bytes_out = 0;
	return 0;
}

static int stop_loop(void **state)
{
	sessions_end_all(&sessions, 0);
	timers_free(timers);
	poller_free(poller);
	return 0;
}

static void turn(int turns)
{
	for (int i = 0; i < turns; i++)
		assert_int_equal(poller_run(poller, 0), 0);
}

/* Returns the client's end. */
static int connect_to(enum builtin_kind kind, int type)
{
	static struct service service = { .name = (char *)"test" };
	struct address peer = { .length = sizeof(sa_family_t) };
	int pair[2];

	peer.any.sa_family = AF_UNIX;
	service.builtin = kind;
	assert_int_equal(socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(session_start(&sessions, &service, pair[0], &peer), 0);
	return pair[1];
}

static void test_echo_answers_what_came_before_the_half_close(void **state)
{
	int client = connect_to(BUILTIN_ECHO, SOCK_STREAM);
	char answer[16];

	assert_int_equal(write(client, "last words", 10), 10);
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	turn(3);
	assert_int_equal(read(client, answer, sizeof(answer)), 10);
	assert_memory_equal(answer, "last words", 10);
	assert_int_equal(read(client, answer, sizeof(answer)), 0);
	assert_int_equal(sessions.count, 0);
	assert_int_equal(bytes_out, 10);
	close(client);
}

static size_t send_until_full(int client)
{
	static const char block[4096];
	size_t sent = 0;

	for (int idle = 0; idle < 20; idle++) {
		ssize_t n;

		while ((n = write(client, block, sizeof(block))) > 0) {
			sent += (size_t)n;
			idle = 0;
		}
		turn(1);
	}
	return sent;
}

static size_t read_to_end(int client)
{
	char block[65536];
	size_t received = 0;

	for (int i = 0; i < 10000; i++) {
		ssize_t n = read(client, block, sizeof(block));

		if (n == 0)
			break;
		if (n > 0)
			received += (size_t)n;
		turn(1);
	}
	return received;
}

static void test_a_client_that_never_reads_costs_one_buffer(void **state)
{
	int client = connect_to(BUILTIN_ECHO, SOCK_STREAM);
	struct session *session = container_of(sessions.serving.next, struct session, link);
	size_t sent = send_until_full(client);

	assert_non_null(session->rest);
	assert_int_equal(session->watch.wanted, WATCH_WRITE);
	assert_in_range(session->bytes_in - session->bytes_out, 1, STREAM_READ_MAX);

	assert_int_equal(shutdown(client, SHUT_WR), 0);
	assert_int_equal(read_to_end(client), sent);
	assert_int_equal(sessions.count, 0);
	close(client);
}

static void test_echo_keeps_the_bounds_of_records(void **state)
{
	static char record[100000];
	int client = connect_to(BUILTIN_ECHO, SOCK_SEQPACKET);

	assert_int_equal(send(client, "a", 1, 0), 1);
	assert_int_equal(send(client, record, sizeof(record), 0), sizeof(record));
	turn(3);
	assert_int_equal(recv(client, record, sizeof(record), 0), 1);
	assert_int_equal(recv(client, record, sizeof(record), 0), sizeof(record));
	assert_int_equal(send(client, "", 0, 0), 0);
	turn(1);
	assert_int_equal(sessions.count, 0);
	close(client);
}

static void test_chargen_goes_on_after_the_half_close(void **state)
{
	static char block[STREAM_READ_MAX];
	int client = connect_to(BUILTIN_CHARGEN, SOCK_STREAM);

	assert_int_equal(write(client, "ignored", 7), 7);
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	turn(3);
	for (int i = 0; i < 50; i++) {
		turn(1);
		assert_true(read(client, block, sizeof(block)) > 0);
	}
	close(client);
	turn(3);
	assert_int_equal(sessions.count, 0);
	assert_int_equal(bytes_in, 7);
}

static void test_daytime_waits_for_the_client_to_close(void **state)
{
	int client = connect_to(BUILTIN_DAYTIME, SOCK_STREAM);
	char answer[64];

	assert_int_equal(read(client, answer, sizeof(answer)), 26);
	assert_int_equal(read(client, answer, sizeof(answer)), 0);
	assert_int_equal(sessions.count, 1);
	assert_int_equal(write(client, "late", 4), 4);
	turn(1);
	close(client);
	turn(2);
	assert_int_equal(sessions.count, 0);
	assert_int_equal(bytes_in, 4);
}

static void test_a_client_that_lingers_is_ended(void **state)
{
	int client = connect_to(BUILTIN_TIME, SOCK_STREAM);

	assert_int_equal(sessions.count, 1);
	/* The timer asks the clock itself, so the session's time is what moves. */
	container_of(sessions.lingering.next, struct session, link)->linger_until_ms = 0;
	timers_run(timers, INT64_MAX);
	assert_int_equal(sessions.count, 0);
	close(client);
}

#define SESSION_TEST(function) cmocka_unit_test_setup_teardown(function, start_loop, stop_loop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(test_echo_answers_what_came_before_the_half_close),
		SESSION_TEST(test_a_client_that_never_reads_costs_one_buffer),
		SESSION_TEST(test_echo_keeps_the_bounds_of_records),
		SESSION_TEST(test_chargen_goes_on_after_the_half_close),
		SESSION_TEST(test_daytime_waits_for_the_client_to_close),
		SESSION_TEST(test_a_client_that_lingers_is_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
