/* Which fronts are asked whether they turn, when, and what becomes of those that do not answer. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "channel/stats.h"
#include "keeper/fronts/front.h"
#include "keeper/fronts/fronts.h"
#include "keeper/fronts/reserve-fd.h"
#include "keeper/service/generation.h"
#include "keeper/service/service-record.h"
#include "keeper/watchdog.h"
#include "net/poller.h"

#define BUSY_MS 15000
#define AT_REST_MS 90000
#define ANSWER_MS 10000
#define START_MS 10000
#define HOUR_MS 3600000

/* Nobody has these numbers. */
#define OLD_PID 1000001
#define PID 1000002

static struct {
	struct timers *timers;
	struct poller *poller;
	struct reserve_fd reserve;
	struct service_records records;
	struct service_record *record;
	struct generation generation;
	struct fronts fronts;
	struct service_stats *stats;
	struct watchdog watchdog;
	struct front *front, *old;
	int end, old_end; /* of their channels */
	int64_t now_ms;
	int64_t limit_ms;
	unsigned n_notified;
	pid_t killed;
} scene;

int64_t __wrap_clock_ms(void);
int __wrap_kill(pid_t pid, int number);
void __wrap_notify_watchdog(void);
int64_t __wrap_notify_watchdog_ms(void);

int64_t __wrap_clock_ms(void)
{
	return scene.now_ms;
}

int __wrap_kill(pid_t pid, int number)
{
	assert_int_equal(number, SIGKILL);
	scene.killed = pid;
	return 0;
}

void __wrap_notify_watchdog(void)
{
	scene.n_notified++;
}

int64_t __wrap_notify_watchdog_ms(void)
{
	return scene.limit_ms;
}

static int on_message(struct front *front, const struct channel_message *message, int fd)
{
	assert_int_equal(message->type, CHANNEL_ALIVE);
	front_alive(front);
	watchdog_answered(&scene.watchdog);
	return 0;
}

static const struct fronts_events events = { .on_message = on_message };

static struct front *add_front(pid_t pid, int *out_end)
{
	struct front *front;

	assert_int_equal(fronts_prepare(&scene.fronts, &scene.generation, &front, out_end), 0);
	front->pid = pid;
	fronts_add(&scene.fronts, front);
	return front;
}

static int open_scene(void **state)
{
	memset(&scene, 0, sizeof(scene));
	scene.now_ms = 1000000;
	scene.generation.references = 1; /* never freed */
	if (timers_new(&scene.timers) < 0 || poller_new(&scene.poller, POLLER_EPOLL) < 0 ||
	    service_records_take(&scene.records, "a", &scene.record) < 0)
		return -1;
	scene.stats = stats_new();
	reserve_fd_init(&scene.reserve, STDIN_FILENO);
	fronts_init(&scene.fronts, scene.poller, &scene.reserve, &scene.records, &events);
	scene.old = add_front(OLD_PID, &scene.old_end);
	scene.front = add_front(PID, &scene.end);
	front_serves(scene.old);
	scene.fronts.current = scene.front;
	return log_open(LOG_TO_FILE, "/dev/null");
}

static int close_scene(void **state)
{
	watchdog_fini(&scene.watchdog);
	fronts_fini(&scene.fronts);
	reserve_fd_fini(&scene.reserve);
	close(scene.end);
	close(scene.old_end);
	service_records_fini(&scene.records);
	stats_free(scene.stats);
	timers_free(scene.timers);
	poller_free(scene.poller);
	return 0;
}

/* As the keeper does it, step by step. */
static void pass_time(int64_t ms)
{
	int64_t until = scene.now_ms + ms;

	while (scene.now_ms < until) {
		int wait_ms = timers_wait_ms(scene.timers, scene.now_ms);

		scene.now_ms += wait_ms >= 0 && wait_ms < until - scene.now_ms
					? wait_ms
					: until - scene.now_ms;
		timers_run(scene.timers, scene.now_ms);
	}
}

static void start(int64_t limit_ms)
{
	scene.limit_ms = limit_ms;
	watchdog_init(&scene.watchdog, scene.timers, &scene.fronts, scene.stats);
	watchdog_start(&scene.watchdog);
}

static void start_serving(int64_t limit_ms)
{
	start(limit_ms);
	front_serves(scene.front);
	front_drain(scene.old, 0);
	watchdog_relax(&scene.watchdog);
}

/* Returns how often the front was asked, which answers if it @answers. */
static unsigned count_asked(int end, bool answers)
{
	const struct channel_message alive = { .type = CHANNEL_ALIVE };
	struct channel_message message;
	unsigned n = 0;
	int fd;

	while (channel_receive(end, &message, &fd) == 1)
		n += message.type == CHANNEL_PING;
	for (unsigned i = 0; answers && i < n; i++)
		assert_int_equal(channel_send(end, &alive, -1), 0);
	assert_int_equal(poller_run(scene.poller, 0), 0);
	return n;
}

static void answer(unsigned expected)
{
	assert_int_equal(count_asked(scene.end, true), expected);
	assert_int_equal(count_asked(scene.old_end, true), expected);
}

static void test_fronts_are_asked_seldom_while_nobody_comes(void **state)
{
	start_serving(0);
	pass_time(AT_REST_MS - 1);
	answer(0);
	pass_time(1);
	answer(1);
	for (unsigned i = 0; i < 5; i++) {
		pass_time(AT_REST_MS);
		answer(1);
	}
	assert_int_equal(scene.killed, 0);
	assert_int_equal(scene.n_notified, 0);
}

static void test_fronts_are_asked_more_often_while_clients_come(void **state)
{
	start_serving(0);
	for (unsigned i = 0; i < 3; i++) {
		scene.stats[scene.record->number].accepted++;
		pass_time(i == 0 ? AT_REST_MS : BUSY_MS);
		answer(1);
	}
	pass_time(BUSY_MS);
	answer(1);
	pass_time(AT_REST_MS - 1);
	answer(0);
}

/* Stopped, for example. */
static void test_a_front_that_does_not_answer_is_ended(void **state)
{
	start_serving(0);
	pass_time(AT_REST_MS);
	assert_int_equal(count_asked(scene.old_end, true), 1);
	pass_time(ANSWER_MS - 1);
	assert_int_equal(scene.killed, 0);
	pass_time(1);
	assert_int_equal(scene.killed, PID);
}

static void test_a_front_that_drains_must_answer_as_well(void **state)
{
	start_serving(0);
	pass_time(AT_REST_MS);
	assert_int_equal(count_asked(scene.end, true), 1);
	pass_time(ANSWER_MS);
	assert_int_equal(scene.killed, OLD_PID);
}

/* All timers are due when the machine goes on. */
static void test_a_pause_of_the_machine_is_nobodys_fault(void **state)
{
	start_serving(0);
	pass_time(AT_REST_MS);
	scene.now_ms += 10 * ANSWER_MS;
	timers_run(scene.timers, scene.now_ms);
	assert_int_equal(scene.killed, 0);
	answer(1);
	pass_time(AT_REST_MS);
	answer(1);
	assert_int_equal(scene.killed, 0);
}

static void test_a_front_that_does_not_come_to_serve_is_ended(void **state)
{
	start(0);
	pass_time(START_MS - 1);
	assert_int_equal(scene.killed, 0);
	pass_time(1);
	assert_int_equal(scene.killed, PID);
}

static void test_one_that_is_started_later_has_the_same_time(void **state)
{
	start_serving(0);
	pass_time(AT_REST_MS / 2);
	scene.front->state = FRONT_STARTING;
	scene.front->started_ms = scene.now_ms;
	watchdog_expect(&scene.watchdog);
	pass_time(START_MS);
	assert_int_equal(scene.killed, PID);
}

static void test_the_service_manager_hears_of_every_answer(void **state)
{
	start_serving(3000);
	assert_int_equal(scene.n_notified, 1);
	pass_time(1000);
	assert_int_equal(scene.n_notified, 1);
	answer(1);
	assert_int_equal(scene.n_notified, 2);
	pass_time(1000);
	answer(1);
	assert_int_equal(scene.n_notified, 3);
}

static void test_the_service_manager_waits_no_longer_than_it_wants(void **state)
{
	unsigned before;

	start_serving(3000);
	pass_time(1000);
	answer(1);
	before = scene.n_notified;
	pass_time(2000);
	assert_int_equal(scene.killed, PID);
	scene.front->state = scene.old->state = FRONT_HALTED; /* nobody is to be asked */
	pass_time(999);
	assert_int_equal(scene.n_notified, before + 1);
}

/* However often fronts are started. */
static void test_a_crash_does_not_put_off_what_is_due(void **state)
{
	start_serving(3000);
	for (unsigned i = 0; i < 9; i++) {
		watchdog_expect(&scene.watchdog);
		pass_time(100);
	}
	watchdog_expect(&scene.watchdog);
	pass_time(100);
	answer(1);
}

/* Whether the log @file has @n lines with @text. */
static void assert_lines(const char *file, const char *text, unsigned n)
{
	char content[4096] = "";
	FILE *log = fopen(file, "r");
	unsigned found = 0;

	assert_non_null(log);
	assert_true(fread(content, 1, sizeof(content) - 1, log) < sizeof(content));
	(void)fclose(log);
	for (const char *at = content; (at = strstr(at, text)); at++)
		found++;
	assert_int_equal(found, n);
}

static void test_a_front_that_drains_for_hours_is_said_once_an_hour(void **state)
{
	char file[] = "/tmp/superd-test-watchdog-XXXXXX";

	close(mkstemp(file));
	assert_int_equal(log_open(LOG_TO_FILE, file), 0);
	start_serving(0);
	atomic_store(&scene.old->session_counts->sessions[scene.record->number], 2);
	for (int64_t passed = 0; passed < 2 * HOUR_MS + AT_REST_MS; passed += AT_REST_MS) {
		pass_time(AT_REST_MS);
		answer(1);
		assert_lines(file, "an older front (pid 1000001) has finished its clients for",
			     (unsigned)((passed + AT_REST_MS) / HOUR_MS));
	}
	assert_lines(file, "for 2 h, 2 sessions left", 1);
	assert_lines(file, "pid 1000002", 0);
	(void)unlink(file);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, open_scene, close_scene)
	const struct CMUnitTest tests[] = {
		CASE(test_fronts_are_asked_seldom_while_nobody_comes),
		CASE(test_fronts_are_asked_more_often_while_clients_come),
		CASE(test_a_front_that_does_not_answer_is_ended),
		CASE(test_a_front_that_drains_must_answer_as_well),
		CASE(test_a_pause_of_the_machine_is_nobodys_fault),
		CASE(test_a_front_that_does_not_come_to_serve_is_ended),
		CASE(test_one_that_is_started_later_has_the_same_time),
		CASE(test_the_service_manager_hears_of_every_answer),
		CASE(test_the_service_manager_waits_no_longer_than_it_wants),
		CASE(test_a_crash_does_not_put_off_what_is_due),
		CASE(test_a_front_that_drains_for_hours_is_said_once_an_hour),
	};

	return cmocka_run_group_tests_name("watchdog", tests, NULL, NULL);
}
