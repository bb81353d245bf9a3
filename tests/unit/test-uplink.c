/* An uplink without a front. The keeper is the test. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "front/core/uplink.h"

static struct poller *poller;
static struct timers *timers;
static struct uplink uplink;
static int channel, keeper;
static unsigned n_readable, n_writable, n_lost, lost_service;
static int lost_error;

/* The clock is the test's. */
static int64_t now_ms;

int64_t __wrap_clock_ms(void);

int64_t __wrap_clock_ms(void)
{
	return now_ms;
}

static void on_readable(struct uplink *self)
{
	struct channel_message message;
	int fd;

	n_readable++;
	while (channel_receive(channel, &message, &fd) == 1)
		;
}

static void on_writable(struct uplink *self)
{
	n_writable++;
}

static void on_lost(struct uplink *self, const struct channel_message *message, int error)
{
	n_lost++;
	lost_service = message->request.service;
	lost_error = error;
}

static int set_up(void **state)
{
	static const struct uplink_events events = { on_readable, on_writable, on_lost };

	n_readable = n_writable = n_lost = 0;
	assert_int_equal(poller_new(&poller, POLLER_EPOLL), 0);
	assert_int_equal(timers_new(&timers), 0);
	assert_int_equal(channel_pair(&keeper, &channel), 0);
	uplink_init(&uplink, channel, &events);
	assert_int_equal(uplink_start(&uplink, poller, timers), 0);
	return 0;
}

static int tear_down(void **state)
{
	uplink_fini(&uplink);
	timers_free(timers);
	poller_free(poller);
	close(channel);
	if (keeper >= 0)
		close(keeper);
	return 0;
}

static void turn(void)
{
	assert_int_equal(poller_run(poller, 0), 0);
}

/* What the keeper finds: its type, or 0. */
static unsigned hear(struct channel_message *out)
{
	int fd;
	int r = channel_receive(keeper, out, &fd);

	if (r == -EAGAIN)
		return 0;
	assert_int_equal(r, 1);
	if (fd >= 0)
		close(fd);
	return out->type;
}

static struct channel_message request(unsigned service)
{
	return (struct channel_message){ .type = CHANNEL_WAIT, .request.service = service };
}

/* Returns how many requests were sent; their services are 0, 1, ... */
static unsigned fill(void)
{
	unsigned n = 0;

	while (!uplink_is_blocked(&uplink)) {
		struct channel_message message = request(n++);

		uplink_send(&uplink, &message, -1);
	}
	return n;
}

static void test_a_request_takes_its_descriptor_along(void **state)
{
	struct channel_message message = { .type = CHANNEL_SPAWN };
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	uplink_send(&uplink, &message, fd);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(hear(&message), CHANNEL_SPAWN);
}

static void test_a_request_that_finds_no_room_goes_out_later_in_order(void **state)
{
	unsigned n = fill();
	struct channel_message message;

	assert_true(uplink_has_request(&uplink));
	turn();
	assert_true(uplink_is_blocked(&uplink));
	assert_int_equal(n_writable, 0);
	for (unsigned i = 0; i + 1 < n; i++) {
		assert_int_equal(hear(&message), CHANNEL_WAIT);
		assert_int_equal(message.request.service, i);
	}
	assert_int_equal(hear(&message), 0);
	turn();
	assert_int_equal(n_writable, 1);
	assert_false(uplink_is_blocked(&uplink));
	assert_false(uplink_has_request(&uplink));
	assert_int_equal(hear(&message), CHANNEL_WAIT);
	assert_int_equal(message.request.service, n - 1);
	turn();
	assert_int_equal(n_writable, 1);
}

static void test_an_answer_goes_out_after_the_requests(void **state)
{
	struct channel_message message;
	unsigned n = fill();

	uplink_answer(&uplink, CHANNEL_HALTED);
	for (unsigned i = 0; i + 1 < n; i++)
		assert_int_equal(hear(&message), CHANNEL_WAIT);
	turn();
	assert_int_equal(hear(&message), CHANNEL_WAIT);
	assert_int_equal(hear(&message), CHANNEL_HALTED);
	assert_int_equal(hear(&message), 0);
}

static void test_each_answer_goes_out_once(void **state)
{
	struct channel_message message;

	uplink_answer(&uplink, CHANNEL_ALIVE);
	assert_int_equal(hear(&message), CHANNEL_ALIVE);
	uplink_answer(&uplink, CHANNEL_HALTED);
	assert_int_equal(hear(&message), CHANNEL_HALTED);
	assert_int_equal(hear(&message), 0);
}

static void test_an_answer_can_be_taken_back_until_it_has_gone_out(void **state)
{
	struct channel_message message;

	fill();
	uplink_answer(&uplink, CHANNEL_HALTED);
	uplink_answer(&uplink, CHANNEL_ALIVE);
	uplink_forget(&uplink, CHANNEL_HALTED);
	while (hear(&message) == CHANNEL_WAIT)
		;
	turn();
	assert_int_equal(hear(&message), CHANNEL_WAIT);
	assert_int_equal(hear(&message), CHANNEL_ALIVE);
	assert_int_equal(hear(&message), 0);
}

static void test_a_front_without_requests_may_have_answers_to_send(void **state)
{
	struct channel_message message = request(0);

	while (channel_send(channel, &message, -1) == 0)
		;
	uplink_answer(&uplink, CHANNEL_ALIVE);
	assert_true(uplink_is_blocked(&uplink));
	assert_false(uplink_has_request(&uplink));
}

static void test_without_a_keeper_the_kept_request_and_later_ones_are_lost(void **state)
{
	struct channel_message message = { .type = CHANNEL_SPAWN, .request.service = 7 };
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	unsigned n;

	close(keeper);
	keeper = -1;
	uplink_send(&uplink, &message, fd);
	assert_int_equal(n_lost, 1);
	assert_int_equal(lost_service, 7);
	assert_int_equal(lost_error, -EPIPE);
	assert_int_equal(fcntl(fd, F_GETFD), -1);

	tear_down(NULL);
	set_up(NULL);
	n = fill();
	uplink_abandon(&uplink);
	assert_int_equal(n_lost, 1);
	assert_int_equal(lost_service, n - 1);
	assert_false(uplink_has_request(&uplink));
	assert_false(uplink_is_blocked(&uplink));
}

static void test_what_cannot_be_read_for_now_is_read_after_a_moment(void **state)
{
	struct channel_message message = { .type = CHANNEL_PING };

	uplink_pause_reading(&uplink);
	assert_int_equal(channel_send(keeper, &message, -1), 0);
	turn();
	assert_int_equal(n_readable, 0);
	now_ms += 50;
	timers_run(timers, now_ms);
	turn();
	assert_int_equal(n_readable, 1);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_a_request_takes_its_descriptor_along),
		CASE(test_a_request_that_finds_no_room_goes_out_later_in_order),
		CASE(test_an_answer_goes_out_after_the_requests),
		CASE(test_each_answer_goes_out_once),
		CASE(test_an_answer_can_be_taken_back_until_it_has_gone_out),
		CASE(test_a_front_without_requests_may_have_answers_to_send),
		CASE(test_without_a_keeper_the_kept_request_and_later_ones_are_lost),
		CASE(test_what_cannot_be_read_for_now_is_read_after_a_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
