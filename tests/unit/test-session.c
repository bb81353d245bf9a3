#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "config/settings.h"
#include "front/session/builtin.h"
#include "front/core/service.h"
#include "front/session/sessions.h"
#include "front/session/worker.h"
#include "net/poller.h"
#include "net/timer.h"

#define STREAM_READ_MAX (64 * 1024)
#define PATIENCE_US 5000000
#define TURN_MAX (256 * 1024)
#define FIRST_TURNS_MAX 4
#define BUFFERS_MAX (64 * 1024 * 1024) /* far more than sockets and a session hold */
#define LINGER_MS 2000
#define LINGER_BYTES_MAX (64 * 1024)
#define MANY 300

static unsigned n_workers; /* arrives as the initial state: each case runs without and with some */
static struct poller *poller;
static struct timers *timers;
static struct workers *workers;
static struct sessions sessions;
static struct service service = { .name = (char *)"test" };
static struct front_service front_service = { .settings = &service };
static uint64_t bytes_in, bytes_out;
static enum session_limit limit;

/* Stands still until a test moves it, for the workers as well. */
static _Atomic int64_t now_ms;

int64_t __wrap_clock_ms(void);

int64_t __wrap_clock_ms(void)
{
	return now_ms;
}

static void note_ended(struct session *session)
{
	bytes_in = session->io.bytes_in;
	bytes_out = session->io.bytes_out;
	limit = session->limit;
}

static int start_loop(void **state)
{
	n_workers = **(const unsigned **)state;
	assert_int_equal(poller_new(&poller, POLLER_AUTO), 0);
	assert_int_equal(timers_new(&timers), 0);
	assert_int_equal(workers_new(&workers, n_workers), 0);
	assert_int_equal(workers_count(workers), n_workers);
	assert_int_equal(sessions_init(&sessions, poller, timers, workers, note_ended), 0);
	builtin_prepare(BUILTIN_CHARGEN);
	service.idle_timeout_ms = service.max_lifetime_ms = 0;
	bytes_in = bytes_out = 0;
	now_ms = 1000000;
	return 0;
}

static int stop_loop(void **state)
{
	sessions_end_all(&sessions);
	assert_int_equal(sessions.count, 0);
	workers_free(workers);
	sessions_fini(&sessions);
	timers_free(timers);
	poller_free(poller);
	return 0;
}

static void turn(void)
{
	assert_int_equal(poller_run(poller, n_workers > 0), 0);
	timers_run(timers, clock_ms());
}

static void let_pass(int64_t ms)
{
	now_ms += ms;
	turn();
}

/* By the true clock: what does not come has failed. */
static void turn_before(int64_t until_us)
{
	assert_true(clock_us() < until_us);
	turn();
}

static void wait_for_count(size_t count)
{
	int64_t until_us = clock_us() + PATIENCE_US;

	while (sessions.count != count)
		turn_before(until_us);
}

/* What read() returns once it returns anything. */
static ssize_t receive(int client, void *out, size_t size)
{
	int64_t until_us = clock_us() + PATIENCE_US;
	ssize_t n;

	while ((n = read(client, out, size)) < 0) {
		assert_int_equal(errno, EAGAIN);
		turn_before(until_us);
	}
	return n;
}

/* Returns the client's end. @first is what it has sent before it is served. */
static int connect_saying(enum builtin_kind kind, int type, const char *first)
{
	struct address peer = { .length = sizeof(sa_family_t) };
	int pair[2];

	peer.any.sa_family = AF_UNIX;
	service.builtin = kind;
	assert_int_equal(socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	if (*first)
		assert_int_equal(write(pair[1], first, strlen(first)), strlen(first));
	assert_int_equal(sessions_start(&sessions, &front_service, pair[0], &peer), 0);
	return pair[1];
}

static int connect_to(enum builtin_kind kind, int type)
{
	return connect_saying(kind, type, "");
}

static void test_echo_answers_what_came_before_the_half_close(void **state)
{
	int client = connect_to(BUILTIN_ECHO, SOCK_STREAM);
	char answer[16];

	assert_int_equal(write(client, "last words", 10), 10);
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	assert_int_equal(receive(client, answer, sizeof(answer)), 10);
	assert_memory_equal(answer, "last words", 10);
	assert_int_equal(receive(client, answer, sizeof(answer)), 0);
	wait_for_count(0);
	assert_int_equal(bytes_out, 10);
	close(client);
}

/* The main thread has not waited for anything meanwhile. */
static void test_the_first_turn_is_at_once(void **state)
{
	int client = connect_saying(BUILTIN_ECHO, SOCK_STREAM, "ping");
	char answer[16];

	assert_int_equal(read(client, answer, sizeof(answer)), 4);
	close(client);
	wait_for_count(0);
}

static void test_a_short_session_is_over_after_its_first_turn(void **state)
{
	struct address peer = { .length = sizeof(sa_family_t) };
	int pair[2];

	peer.any.sa_family = AF_UNIX;
	service.builtin = BUILTIN_ECHO;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(write(pair[1], "ping", 4), 4);
	assert_int_equal(shutdown(pair[1], SHUT_WR), 0);
	assert_int_equal(sessions_start(&sessions, &front_service, pair[0], &peer), 0);
	assert_int_equal(sessions.count, 0);
	assert_int_equal(bytes_out, 4);
	close(pair[1]);
}

static size_t send_until_full(int client)
{
	static const char block[4096];
	size_t sent = 0;

	for (int idle = 0; idle < 20; idle++) {
		ssize_t n;

		while ((n = write(client, block, sizeof(block))) > 0) {
			sent += (size_t)n;
			assert_true(sent < BUFFERS_MAX);
			idle = 0;
		}
		turn();
	}
	return sent;
}

static size_t read_to_end(int client)
{
	static char block[65536];
	int64_t until_us = clock_us() + PATIENCE_US;
	size_t received = 0;
	ssize_t n;

	while ((n = receive(client, block, sizeof(block))) > 0) {
		received += (size_t)n;
		assert_true(clock_us() < until_us);
	}
	return received;
}

static void test_a_client_that_never_reads_costs_one_buffer(void **state)
{
	int client = connect_to(BUILTIN_ECHO, SOCK_STREAM);
	struct session *session = container_of(sessions.serving.next, struct session, link);
	size_t sent = send_until_full(client);

	/* It is the worker's, otherwise. */
	if (n_workers == 0) {
		assert_non_null(session->io.rest);
		assert_int_equal(session->watch.wanted, WATCH_WRITE);
		assert_in_range(session->io.bytes_in - session->io.bytes_out, 1, STREAM_READ_MAX);
	}

	assert_int_equal(shutdown(client, SHUT_WR), 0);
	assert_int_equal(read_to_end(client), sent);
	wait_for_count(0);
	assert_int_equal(bytes_out, sent);
	close(client);
}

static void test_echo_keeps_the_bounds_of_records(void **state)
{
	static char record[100000];
	int client = connect_to(BUILTIN_ECHO, SOCK_SEQPACKET);

	assert_int_equal(send(client, "a", 1, 0), 1);
	assert_int_equal(send(client, record, sizeof(record), 0), sizeof(record));
	assert_int_equal(receive(client, record, sizeof(record)), 1);
	assert_int_equal(receive(client, record, sizeof(record)), sizeof(record));
	assert_int_equal(send(client, "", 0, 0), 0);
	wait_for_count(0);
	close(client);
}

static void test_chargen_goes_on_after_the_half_close(void **state)
{
	static char block[STREAM_READ_MAX];
	int client = connect_saying(BUILTIN_CHARGEN, SOCK_STREAM, "ignored");

	assert_int_equal(shutdown(client, SHUT_WR), 0);
	for (int i = 0; i < 50; i++)
		assert_true(receive(client, block, sizeof(block)) > 0);
	close(client);
	wait_for_count(0);
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
	turn();
	close(client);
	wait_for_count(0);
	assert_int_equal(bytes_in, 4);
}

static void test_a_client_that_lingers_is_ended(void **state)
{
	int client = connect_to(BUILTIN_TIME, SOCK_STREAM);

	let_pass(LINGER_MS - 1);
	assert_int_equal(sessions.count, 1);
	let_pass(1);
	assert_int_equal(sessions.count, 0);
	close(client);
}

/* Its time is not over: it is ended for what it sends. */
static void test_a_client_that_goes_on_sending_after_its_answer_is_ended(void **state)
{
	static const char block[LINGER_BYTES_MAX - 1];
	int client = connect_to(BUILTIN_TIME, SOCK_STREAM);

	assert_int_equal(write(client, block, sizeof(block)), sizeof(block));
	turn();
	assert_int_equal(sessions.count, 1);
	assert_int_equal(write(client, "x", 1), 1);
	turn();
	assert_int_equal(sessions.count, 0);
	assert_int_equal(bytes_in, LINGER_BYTES_MAX);
	close(client);
}

static int n_unread(int fd)
{
	int n = 0;

	assert_int_equal(ioctl(fd, FIONREAD, &n), 0);
	return n;
}

/* The client has room for more than that, as one that reads very fast would. */
static void test_one_turn_of_chargen_lets_others_have_theirs(void **state)
{
	struct address peer = { .length = sizeof(sa_family_t) };
	const int size = 4 * TURN_MAX;
	int pair[2];

	peer.any.sa_family = AF_UNIX;
	service.builtin = BUILTIN_CHARGEN;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	assert_int_equal(sessions_start(&sessions, &front_service, pair[0], &peer), 0);
	turn();
	assert_in_range(n_unread(pair[1]), 1, TURN_MAX);
	turn();
	if (n_unread(pair[1]) <= TURN_MAX)
		skip(); /* net.core.wmem_max is too small for this */
	close(pair[1]);
	wait_for_count(0);
}

static void test_the_first_turns_of_one_client_let_others_have_theirs(void **state)
{
	static const char block[FIRST_TURNS_MAX * STREAM_READ_MAX];
	struct address peer = { .length = sizeof(sa_family_t) };
	const int size = 8 * (int)sizeof(block);
	int pair[2], n_sent = 0;

	peer.any.sa_family = AF_UNIX;
	service.builtin = BUILTIN_DISCARD;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	(void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	for (int i = 0; i < 2; i++) {
		ssize_t n = write(pair[1], block, sizeof(block));

		n_sent += n > 0 ? (int)n : 0;
	}
	if (n_sent <= (int)sizeof(block))
		skip(); /* net.core.wmem_max is too small for this */
	assert_int_equal(sessions_start(&sessions, &front_service, pair[0], &peer), 0);
	assert_int_equal(n_unread(pair[0]), n_sent - (int)sizeof(block));
	close(pair[1]);
	wait_for_count(0);
	assert_int_equal(bytes_in, n_sent);
}

/* A socket that is closed before all was read would reset the connection. */
static void test_an_answer_outlives_all_that_its_client_has_sent(void **state)
{
	static const char block[STREAM_READ_MAX + 1000];
	struct address peer = { .length = sizeof(sa_family_t) };
	char answer[64];
	int pair[2];

	peer.any.sa_family = AF_UNIX;
	service.builtin = BUILTIN_DAYTIME;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(write(pair[1], block, sizeof(block)), sizeof(block));
	assert_int_equal(sessions_start(&sessions, &front_service, pair[0], &peer), 0);
	turn();
	assert_int_equal(read(pair[1], answer, sizeof(answer)), 26);
	assert_int_equal(read(pair[1], answer, sizeof(answer)), 0);
	close(pair[1]);
	wait_for_count(0);
	assert_int_equal(bytes_in, sizeof(block));
}

static void test_an_idle_client_is_ended(void **state)
{
	char answer[4];
	int client;

	service.idle_timeout_ms = 500;
	client = connect_to(BUILTIN_ECHO, SOCK_STREAM);
	let_pass(499);
	assert_int_equal(sessions.count, 1);
	let_pass(1);
	assert_int_equal(receive(client, answer, sizeof(answer)), 0);
	wait_for_count(0);
	assert_int_equal(limit, SESSION_IDLE);
	close(client);
}

static void test_a_busy_client_is_not_idle(void **state)
{
	struct session *session;
	char answer[4];
	int client;

	service.idle_timeout_ms = 500;
	client = connect_to(BUILTIN_ECHO, SOCK_STREAM);
	session = container_of(sessions.serving.next, struct session, link);
	for (int i = 0; i < 5; i++) {
		let_pass(499);
		assert_int_equal(send(client, "ping", 4, MSG_NOSIGNAL), 4);
		assert_int_equal(receive(client, answer, sizeof(answer)), 4);
		/* A worker answers first and notes the time then. */
		for (int turns = 0; session->io.active_ms != now_ms && turns < 2000; turns++)
			turn();
		assert_int_equal(session->io.active_ms, now_ms);
	}
	assert_int_equal(sessions.count, 1);
	close(client);
	wait_for_count(0);
	assert_int_equal(limit, SESSION_UNLIMITED);
}

static void test_even_a_busy_client_has_a_lifetime(void **state)
{
	char block[4096];
	int client;

	service.idle_timeout_ms = 10000;
	service.max_lifetime_ms = 500;
	client = connect_to(BUILTIN_CHARGEN, SOCK_STREAM);
	let_pass(499);
	assert_true(receive(client, block, sizeof(block)) > 0);
	assert_int_equal(sessions.count, 1);
	let_pass(1);
	(void)read_to_end(client);
	wait_for_count(0);
	assert_int_equal(limit, SESSION_LIFETIME);
	close(client);
}

static void test_many_come_and_go(void **state)
{
	int clients[MANY];
	char answer[4];

	for (int i = 0; i < MANY; i++)
		clients[i] = connect_to(BUILTIN_ECHO, SOCK_STREAM);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(write(clients[i], "ping", 4), 4);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(receive(clients[i], answer, sizeof(answer)), 4);
		if (i % 2)
			close(clients[i]);
	}
	wait_for_count(MANY / 2);
	for (int i = 0; i < MANY; i += 2)
		close(clients[i]);
	wait_for_count(0);
}

static void test_workers_share_alike(void **state)
{
	int clients[MANY];

	for (int i = 0; i < MANY; i++)
		clients[i] = connect_to(BUILTIN_DISCARD, SOCK_STREAM);
	assert_int_equal(sessions.host.loop.load, 0);
	assert_int_equal(workers_least(workers)->load, MANY / n_workers);
	for (int i = 0; i < MANY; i++)
		close(clients[i]);
	wait_for_count(0);
	assert_int_equal(workers_least(workers)->load, 0);
}

static void test_all_can_be_ended_whatever_they_are_at(void **state)
{
	int echo = connect_to(BUILTIN_ECHO, SOCK_STREAM);
	int stuck = connect_to(BUILTIN_CHARGEN, SOCK_STREAM);
	int lingering = connect_to(BUILTIN_TIME, SOCK_STREAM);
	char answer[4];

	assert_int_equal(sessions.count, 3);
	sessions_end_all(&sessions);
	assert_int_equal(sessions.count, 0);
	assert_int_equal(limit, SESSION_GRACE);
	assert_int_equal(read(echo, answer, sizeof(answer)), 0);
	close(echo);
	close(stuck);
	close(lingering);
}

#define WITH_WORKERS(test)                                             \
	{                                                              \
#test "_in_workers", test, start_loop, stop_loop, &two \
	}
#define WITHOUT_WORKERS(test)                             \
	{                                                 \
#test, test, start_loop, stop_loop, &none \
	}
#define SESSION_TEST(test) WITHOUT_WORKERS(test), WITH_WORKERS(test)

int main(void)
{
	static unsigned none = 0;
	static unsigned two = 2;
	const struct CMUnitTest tests[] = {
		SESSION_TEST(test_echo_answers_what_came_before_the_half_close),
		SESSION_TEST(test_the_first_turn_is_at_once),
		SESSION_TEST(test_a_short_session_is_over_after_its_first_turn),
		SESSION_TEST(test_a_client_that_never_reads_costs_one_buffer),
		SESSION_TEST(test_echo_keeps_the_bounds_of_records),
		SESSION_TEST(test_chargen_goes_on_after_the_half_close),
		SESSION_TEST(test_daytime_waits_for_the_client_to_close),
		SESSION_TEST(test_a_client_that_lingers_is_ended),
		SESSION_TEST(test_a_client_that_goes_on_sending_after_its_answer_is_ended),
		WITHOUT_WORKERS(test_one_turn_of_chargen_lets_others_have_theirs),
		WITHOUT_WORKERS(test_the_first_turns_of_one_client_let_others_have_theirs),
		SESSION_TEST(test_an_answer_outlives_all_that_its_client_has_sent),
		SESSION_TEST(test_an_idle_client_is_ended),
		SESSION_TEST(test_a_busy_client_is_not_idle),
		SESSION_TEST(test_even_a_busy_client_has_a_lifetime),
		SESSION_TEST(test_many_come_and_go),
		WITH_WORKERS(test_workers_share_alike),
		SESSION_TEST(test_all_can_be_ended_whatever_they_are_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
