/* A throttle without a front: its listeners are sockets on which something waits. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "channel/startup.h"
#include "front/core/service.h"
#include "front/core/throttle.h"
#include "front/core/uplink.h"

static struct stage {
	struct startup startup;
	struct context context;
	struct uplink uplink;
	struct throttle throttle;
	struct service settings;
	struct dispatch dispatch;
	struct front_service service;
	struct listener socket;
	struct front_listener listener;
	_Atomic uint32_t sessions;
	int client;
	unsigned n_calls; /* of on_connection() and on_datagram() */
} stage;

/* The clock is the test's. */
static int64_t now_ms;

int64_t __wrap_clock_ms(void);

int64_t __wrap_clock_ms(void)
{
	return now_ms;
}

static void note_call(struct watch *watch)
{
	stage.n_calls++;
}

static int set_up(void **state)
{
	int pair[2];

	stage = (struct stage){
		.settings.name = (char *)"x",
		.dispatch = { .on_connection = note_call, .on_datagram = note_call },
		.service = { .settings = &stage.settings,
			     .dispatch = &stage.dispatch,
			     .context = &stage.context,
			     .sessions = &stage.sessions },
		.listener = { .service = &stage.service, .listener = &stage.socket },
	};
	stage.context.startup = &stage.startup;
	stage.context.uplink = &stage.uplink;
	stage.context.throttle = &stage.throttle;
	assert_int_equal(poller_new(&stage.context.poller, POLLER_EPOLL), 0);
	assert_int_equal(timers_new(&stage.context.timers), 0);
	list_init(&stage.service.paused);
	throttle_init(&stage.throttle, &stage.context);

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	stage.client = pair[0];
	stage.socket.fd = pair[1];
	stage.socket.endpoint.type = SOCK_STREAM;
	assert_int_equal(write(stage.client, "x", 1), 1);
	return 0;
}

static int tear_down(void **state)
{
	watch_remove(&stage.listener.watch);
	timer_cancel(&stage.service.again);
	throttle_fini(&stage.throttle);
	timers_free(stage.context.timers);
	poller_free(stage.context.poller);
	close(stage.client);
	close(stage.socket.fd);
	return 0;
}

static bool is_watched(void)
{
	unsigned before = stage.n_calls;

	assert_int_equal(poller_run(stage.context.poller, 0), 0);
	return stage.n_calls > before;
}

static void pass_ms(int64_t ms)
{
	now_ms += ms;
	timers_run(stage.context.timers, now_ms);
}

static void test_a_full_service_is_watched_again_when_a_client_ends(void **state)
{
	throttle_watch(&stage.listener);
	assert_true(is_watched());
	throttle_pause_full(&stage.listener);
	throttle_resume(&stage.throttle);
	assert_false(is_watched());
	throttle_resume_service(&stage.service);
	assert_true(is_watched());
}

static void test_a_halted_front_takes_no_client_until_it_resumes(void **state)
{
	throttle_watch(&stage.listener);
	assert_true(throttle_is_open(&stage.listener));
	stage.context.mode = MODE_HALTED;
	assert_false(throttle_is_open(&stage.listener));
	assert_false(is_watched());
	stage.context.mode = MODE_SERVING;
	throttle_resume(&stage.throttle);
	assert_true(is_watched());
}

static void test_a_draining_front_watches_nothing(void **state)
{
	stage.context.mode = MODE_DRAINING;
	throttle_watch(&stage.listener);
	assert_false(is_watched());
}

static bool is_not_wanted(const struct front_listener *listener)
{
	return false;
}

static void test_a_kind_decides_whether_there_is_a_reason_to_watch(void **state)
{
	stage.dispatch.is_wanted = is_not_wanted;
	throttle_watch(&stage.listener);
	assert_false(is_watched());
}

static void test_requests_wait_while_they_are_paused_and_sessions_do_not(void **state)
{
	throttle_watch(&stage.listener);
	throttle_pause_requests(&stage.throttle, true);
	assert_false(throttle_lets_requests(&stage.throttle));
	assert_true(throttle_is_open(&stage.listener));

	stage.dispatch.flags = DISPATCH_ASKS_KEEPER;
	assert_false(throttle_is_open(&stage.listener));
	assert_false(is_watched());
	throttle_pause_requests(&stage.throttle, false);
	assert_true(is_watched());
}

static void test_a_front_that_is_born_in_a_shortage_sends_no_requests(void **state)
{
	stage.startup.hold = true;
	throttle_init(&stage.throttle, &stage.context);
	assert_false(throttle_lets_requests(&stage.throttle));
}

static void test_requests_wait_while_the_channel_is_full(void **state)
{
	stage.dispatch.flags = DISPATCH_ASKS_KEEPER;
	stage.uplink.blocked = true;
	assert_false(throttle_is_open(&stage.listener));
	stage.uplink.blocked = false;
	throttle_resume(&stage.throttle);
	assert_true(is_watched());
}

static void test_only_who_needs_a_descriptor_waits_while_they_are_short(void **state)
{
	static const struct {
		unsigned flags;
		int type;
		bool is_open;
	} cases[] = {
		{ 0, SOCK_STREAM, true },
		{ DISPATCH_CONNECTION_TAKES_FD, SOCK_STREAM, false },
		{ DISPATCH_CONNECTION_TAKES_FD, SOCK_DGRAM, true },
		{ DISPATCH_DATAGRAM_TAKES_FD, SOCK_DGRAM, false },
		{ DISPATCH_DATAGRAM_TAKES_FD, SOCK_STREAM, true },
	};

	throttle_on_shortage(&stage.throttle, -EMFILE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		stage.dispatch.flags = cases[i].flags;
		stage.socket.endpoint.type = cases[i].type;
		assert_int_equal(throttle_is_open(&stage.listener), cases[i].is_open);
	}
}

static void test_a_shortage_is_looked_at_less_and_less_often(void **state)
{
	static const int64_t pauses_ms[] = { 50, 100, 200, 400, 500, 500 };

	stage.dispatch.flags = DISPATCH_CONNECTION_TAKES_FD;
	for (size_t i = 0; i < sizeof(pauses_ms) / sizeof(pauses_ms[0]); i++) {
		throttle_on_shortage(&stage.throttle, -EMFILE);
		assert_false(throttle_is_open(&stage.listener));
		pass_ms(pauses_ms[i] - 1);
		assert_false(is_watched());
		pass_ms(1);
		assert_true(is_watched());
		assert_true(throttle_is_open(&stage.listener));
	}
}

static void test_a_shortage_is_over_after_a_second_without_a_failure(void **state)
{
	throttle_on_shortage(&stage.throttle, -EMFILE);
	throttle_on_shortage(&stage.throttle, -EMFILE);
	pass_ms(100);
	assert_int_equal(stage.throttle.shortage_pause.pause_ms, 100);
	pass_ms(999);
	assert_int_equal(stage.throttle.shortage_pause.pause_ms, 100);
	pass_ms(1);
	assert_int_equal(stage.throttle.shortage_pause.pause_ms, 0);
}

/* What the front asks of the keeper is not sent, because the channel is full. */
static bool has_asked_for_another(void)
{
	bool asked = stage.uplink.pending_replies & 1u << CHANNEL_RUINED;

	stage.uplink.pending_replies = 0;
	return asked;
}

static void test_a_listener_that_nobody_has_shut_down_may_be_empty(void **state)
{
	stage.uplink.blocked = true;
	throttle_watch(&stage.listener);
	throttle_on_empty(&stage.listener);
	assert_true(is_watched());
	assert_false(has_asked_for_another());
}

/* It is ready for ever. */
static void test_a_listener_that_was_shut_down_is_left_alone_for_ever_longer(void **state)
{
	static const int64_t pauses_ms[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };

	stage.uplink.blocked = true;
	assert_int_equal(shutdown(stage.socket.fd, SHUT_RDWR), 0);
	throttle_watch(&stage.listener);
	for (size_t i = 0; i < sizeof(pauses_ms) / sizeof(pauses_ms[0]); i++) {
		assert_true(is_watched());
		throttle_on_empty(&stage.listener);
		assert_true(has_asked_for_another());
		pass_ms(pauses_ms[i] - 1);
		assert_false(is_watched());
		pass_ms(1);
	}
}

static void test_a_listener_that_was_opened_anew_is_watched_at_once(void **state)
{
	stage.uplink.blocked = true;
	throttle_on_shut(&stage.listener);
	throttle_watch(&stage.listener);
	assert_true(is_watched());
	pass_ms(1000);
	throttle_on_shut(&stage.listener);
	pass_ms(1000);
	assert_true(is_watched());
}

static void test_the_end_of_older_sessions_is_looked_for(void **state)
{
	static struct session_counts older;
	struct session_counts *all[] = { &older };

	stage.startup.older = all;
	stage.startup.n_older = 1;
	older.sessions[0] = 1;
	throttle_pause_full(&stage.listener);
	pass_ms(249);
	assert_false(is_watched());
	pass_ms(1);
	assert_true(is_watched());

	older.sessions[0] = 0;
	throttle_pause_full(&stage.listener);
	pass_ms(10000);
	assert_false(is_watched());
}

/* Not every kind asks for the instances, so that nobody might look again when a client ends. */
static void test_a_rate_is_looked_at_again_though_the_service_is_full(void **state)
{
	static struct service_stats stats;

	stage.service.stats = &stats;
	stage.settings.instances = 1;
	stage.sessions = 1;
	stage.settings.cps = (struct rate){ .interval_ns = INT64_C(3600000000000), .burst = 1 };
	assert_true(service_take_token(&stage.service));
	throttle_hold(&stage.listener);
	pass_ms(INT64_C(3000000));
	assert_false(is_watched());
	pass_ms(INT64_C(600001));
	assert_true(is_watched());
}

static unsigned n_returned;

static void end_wait_at_the_second(struct front_service *service)
{
	if (++n_returned == 2)
		throttle_end_wait(service);
}

static void test_a_service_that_waits_is_told_each_time_until_it_ends_its_wait(void **state)
{
	stage.dispatch.slot_returned = end_wait_at_the_second;
	n_returned = 0;
	throttle_wait(&stage.service);
	throttle_wait(&stage.service);
	for (int i = 0; i < 4; i++)
		throttle_resume(&stage.throttle);
	assert_int_equal(n_returned, 2);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_a_full_service_is_watched_again_when_a_client_ends),
		CASE(test_a_halted_front_takes_no_client_until_it_resumes),
		CASE(test_a_draining_front_watches_nothing),
		CASE(test_a_kind_decides_whether_there_is_a_reason_to_watch),
		CASE(test_requests_wait_while_they_are_paused_and_sessions_do_not),
		CASE(test_a_front_that_is_born_in_a_shortage_sends_no_requests),
		CASE(test_requests_wait_while_the_channel_is_full),
		CASE(test_only_who_needs_a_descriptor_waits_while_they_are_short),
		CASE(test_a_shortage_is_looked_at_less_and_less_often),
		CASE(test_a_shortage_is_over_after_a_second_without_a_failure),
		CASE(test_a_listener_that_nobody_has_shut_down_may_be_empty),
		CASE(test_a_listener_that_was_shut_down_is_left_alone_for_ever_longer),
		CASE(test_a_listener_that_was_opened_anew_is_watched_at_once),
		CASE(test_the_end_of_older_sessions_is_looked_for),
		CASE(test_a_rate_is_looked_at_again_though_the_service_is_full),
		CASE(test_a_service_that_waits_is_told_each_time_until_it_ends_its_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
