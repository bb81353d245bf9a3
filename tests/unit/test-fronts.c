/* The fronts as the keeper has them: what they are told, when they are heard, and when they go. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "keeper/fronts/front.h"
#include "keeper/fronts/fronts.h"
#include "keeper/fronts/reserve-fd.h"
#include "keeper/service/generation.h"
#include "keeper/service/service-record.h"
#include "net/poller.h"

/* Nobody has these numbers. */
#define FIRST_PID 1000001

#define N_FRONTS 2

/* In the first generation `a` and `b`, in the second `b` alone: its number there is another. */
enum { A, B, N_RECORDS };

static struct {
	struct poller *poller;
	struct reserve_fd reserve;
	struct service_records records;
	struct service_record record[N_RECORDS];
	struct service_record *named[N_FRONTS][N_RECORDS];
	struct generation generations[N_FRONTS];
	struct fronts fronts;
	struct front *front[N_FRONTS];
	int end[N_FRONTS]; /* of their channels, as the fronts have it */
	pid_t killed;
	const struct front *gone;
	unsigned n_heard;
	int short_of;
	int answer; /* to each message */
} scene;

int __wrap_kill(pid_t pid, int number);

int __wrap_kill(pid_t pid, int number)
{
	assert_int_equal(number, SIGKILL);
	scene.killed = pid;
	return 0;
}

static int on_message(struct front *front, const struct channel_message *message, int fd)
{
	scene.n_heard++;
	if (fd >= 0)
		close(fd);
	return scene.answer;
}

static void on_short(struct fronts *fronts, int error)
{
	scene.short_of = error;
}

static void on_gone(struct front *front)
{
	scene.gone = front;
}

static const struct fronts_events events = {
	.on_message = on_message,
	.on_short = on_short,
	.on_gone = on_gone,
};

static void add_front(unsigned i)
{
	assert_int_equal(fronts_prepare(&scene.fronts, &scene.generations[i], &scene.front[i],
					&scene.end[i]),
			 0);
	scene.front[i]->pid = FIRST_PID + (pid_t)i;
	fronts_add(&scene.fronts, scene.front[i]);
	front_serves(scene.front[i]);
	scene.fronts.current = scene.front[i];
}

static int open_scene(void **state)
{
	memset(&scene, 0, sizeof(scene));
	scene.named[0][0] = &scene.record[A];
	scene.named[0][1] = scene.named[1][0] = &scene.record[B];
	for (unsigned i = 0; i < N_FRONTS; i++)
		/* Never freed. */
		scene.generations[i] = (struct generation){ .references = 1,
							    .records = scene.named[i],
							    .n_records = N_RECORDS - i };
	if (poller_new(&scene.poller, POLLER_EPOLL) < 0)
		return -1;
	reserve_fd_init(&scene.reserve, STDIN_FILENO);
	fronts_init(&scene.fronts, scene.poller, &scene.reserve, &scene.records, &events);
	for (unsigned i = 0; i < N_FRONTS; i++)
		add_front(i);
	return log_open(LOG_TO_FILE, "/dev/null");
}

static int close_scene(void **state)
{
	fronts_fini(&scene.fronts);
	reserve_fd_fini(&scene.reserve);
	for (unsigned i = 0; i < N_FRONTS; i++)
		close(scene.end[i]);
	poller_free(scene.poller);
	return 0;
}

static void assert_told(unsigned i, struct channel_message *out, enum channel_type type)
{
	int fd;

	assert_int_equal(channel_receive(scene.end[i], out, &fd), 1);
	assert_int_equal(out->type, type);
}

static void assert_told_nothing(unsigned i)
{
	struct channel_message message;
	int fd;

	assert_int_equal(channel_receive(scene.end[i], &message, &fd), -EAGAIN);
}

static void say(unsigned i, enum channel_type type)
{
	const struct channel_message message = { .type = type };

	assert_int_equal(channel_send(scene.end[i], &message, -1), 0);
}

static void hear(void)
{
	assert_int_equal(poller_run(scene.poller, 0), 0);
}

static void test_ends_are_told_once_in_the_numbers_of_each_front(void **state)
{
	struct channel_message message;

	fronts_note_ended(&scene.fronts, &scene.record[B]);
	fronts_note_ended(&scene.fronts, &scene.record[B]);
	assert_told_nothing(0);
	fronts_tell_ended(&scene.fronts);
	assert_told(0, &message, CHANNEL_ENDED);
	assert_int_equal(message.ended.service, 1);
	assert_int_equal(message.ended.children, 2);
	assert_told(1, &message, CHANNEL_ENDED);
	assert_int_equal(message.ended.service, 0);
	fronts_tell_ended(&scene.fronts);
	assert_told_nothing(0);
}

static void test_ends_of_a_service_are_for_those_that_have_it(void **state)
{
	struct channel_message message;

	fronts_note_ended(&scene.fronts, &scene.record[A]);
	fronts_tell_ended(&scene.fronts);
	assert_told(0, &message, CHANNEL_ENDED);
	assert_told_nothing(1);
}

static void test_a_front_that_drains_counts_no_more(void **state)
{
	struct channel_message message;

	front_drain(scene.front[0], 0);
	assert_told(0, &message, CHANNEL_DRAIN);
	fronts_note_ended(&scene.fronts, &scene.record[B]);
	fronts_tell_ended(&scene.fronts);
	fronts_pause(&scene.fronts);
	assert_told_nothing(0);
	assert_told(1, &message, CHANNEL_ENDED);
	assert_told(1, &message, CHANNEL_PAUSE);
}

static void test_a_pause_is_told_once(void **state)
{
	struct channel_message message;

	fronts_pause(&scene.fronts);
	fronts_pause(&scene.fronts);
	fronts_continue(&scene.fronts);
	fronts_continue(&scene.fronts);
	assert_told(1, &message, CHANNEL_PAUSE);
	assert_told(1, &message, CHANNEL_CONTINUE);
	assert_told_nothing(1);
}

static void test_the_newest_front_that_accepts_is_asked(void **state)
{
	assert_ptr_equal(fronts_asking(&scene.fronts), scene.front[1]);
	front_halt(scene.front[1]);
	assert_ptr_equal(fronts_asking(&scene.fronts), scene.front[0]);
	front_halt(scene.front[0]);
	assert_null(fronts_asking(&scene.fronts));
	front_resume(scene.front[0]);
	assert_ptr_equal(fronts_asking(&scene.fronts), scene.front[0]);
}

static void test_a_front_goes_when_it_was_reaped_and_heard_to_its_end(void **state)
{
	say(1, CHANNEL_ALIVE);
	close(scene.end[1]);
	hear();
	fronts_forget_ended(&scene.fronts);
	assert_null(scene.gone);
	front_reaped(scene.front[1], SIGKILL);
	fronts_forget_ended(&scene.fronts);
	assert_int_equal(scene.n_heard, 1);
	assert_ptr_equal(scene.gone, scene.front[1]);
	assert_null(scene.fronts.current);
	assert_null(fronts_find(&scene.fronts, FIRST_PID + 1));
	assert_ptr_equal(fronts_find(&scene.fronts, FIRST_PID), scene.front[0]);
	scene.end[1] = dup(STDIN_FILENO);
}

/* A process that it has forked has its end of the channel. */
static void test_a_front_that_was_reaped_goes_though_its_channel_is_open(void **state)
{
	say(1, CHANNEL_ALIVE);
	front_reaped(scene.front[1], 0);
	fronts_forget_ended(&scene.fronts);
	assert_int_equal(scene.n_heard, 1);
	assert_ptr_equal(scene.gone, scene.front[1]);
	assert_null(scene.fronts.current);
}

/* With one message each time, as from one that sends descriptors for clients. */
static int retain(struct front *front, const struct channel_message *message, int fd)
{
	reserve_fd_retain(&scene.reserve);
	scene.n_heard++;
	say(1, CHANNEL_ALIVE);
	return 0;
}

static void test_who_fills_the_channel_for_ever_is_heard_for_a_while(void **state)
{
	const struct fronts_events always = { .on_message = retain, .on_gone = on_gone };

	scene.fronts.events = &always;
	say(1, CHANNEL_ALIVE);
	front_reaped(scene.front[1], 0);
	for (unsigned turns = 0; !scene.gone && turns < 5000; turns++)
		fronts_forget_ended(&scene.fronts);
	assert_ptr_equal(scene.gone, scene.front[1]);
	assert_in_range(scene.n_heard, 512, 4096);
	scene.fronts.events = &events;
}

static void test_last_messages_wait_until_the_reserve_is_held_again(void **state)
{
	scene.reserve.withheld = true;
	assert_true(reserve_fd_release(&scene.reserve));
	say(1, CHANNEL_ALIVE);
	front_reaped(scene.front[1], 0);
	fronts_forget_ended(&scene.fronts);
	assert_null(scene.gone);

	scene.reserve.withheld = false;
	assert_true(reserve_fd_restore(&scene.reserve));
	fronts_forget_ended(&scene.fronts);
	assert_int_equal(scene.n_heard, 1);
	assert_ptr_equal(scene.gone, scene.front[1]);
}

static void test_the_number_of_a_front_that_was_reaped_may_be_that_of_the_next(void **state)
{
	scene.front[1]->pid = FIRST_PID;
	front_reaped(scene.front[0], 0);
	assert_ptr_equal(fronts_find(&scene.fronts, FIRST_PID), scene.front[1]);
	front_kill(scene.front[0]);
	assert_int_equal(scene.killed, 0);
}

static void test_a_front_that_was_reaped_is_not_killed(void **state)
{
	front_reaped(scene.front[1], 0);
	fronts_kill(&scene.fronts);
	assert_int_equal(scene.killed, FIRST_PID);
}

static void test_a_front_that_says_what_it_must_not_is_killed_and_heard_no_more(void **state)
{
	scene.answer = -EBADMSG;
	say(0, CHANNEL_ALIVE);
	say(0, CHANNEL_ALIVE);
	hear();
	assert_int_equal(scene.killed, FIRST_PID);
	hear();
	assert_int_equal(scene.n_heard, 1);
}

static void test_nothing_is_heard_while_the_reserve_is_withheld(void **state)
{
	scene.reserve.withheld = true;
	say(0, CHANNEL_ALIVE);
	hear();
	assert_int_equal(scene.short_of, -EMFILE);
	say(0, CHANNEL_ALIVE);
	hear();
	/* The first one found the reserve held. */
	assert_int_equal(scene.n_heard, 1);

	scene.reserve.withheld = false;
	assert_true(reserve_fd_restore(&scene.reserve));
	fronts_listen(&scene.fronts);
	hear();
	assert_int_equal(scene.n_heard, 2);
}

/* More than its channel holds. */
static void test_what_a_front_does_not_read_at_once_comes_in_order(void **state)
{
	struct channel_message message = { .type = CHANNEL_RELEASED };
	uint32_t n = 0, n_read = 0;
	int fd;

	while (scene.front[0]->channel.n_outgoing < 3) {
		message.released.endpoint = n++;
		front_send(scene.front[0], &message, -1);
	}
	/* There is room now, but not for one that would overtake those that wait. */
	for (; n_read < n / 2; n_read++)
		assert_int_equal(channel_receive(scene.end[0], &message, &fd), 1);
	message.released.endpoint = n++;
	front_send(scene.front[0], &message, -1);
	while (n_read < n) {
		if (channel_receive(scene.end[0], &message, &fd) == 1)
			assert_int_equal(message.released.endpoint, n_read++);
		else
			hear();
	}
	assert_told_nothing(0);
	assert_int_equal(scene.front[0]->channel.n_outgoing, 0);
}

/* It counts wrongly from the first message that it does not get, so another takes its place. */
static void test_a_front_that_never_reads_is_killed(void **state)
{
	const struct channel_message message = { .type = CHANNEL_RELEASED };
	unsigned n = 0;

	for (; scene.killed == 0 && n < 100000; n++)
		front_send(scene.front[0], &message, -1);
	assert_int_equal(scene.killed, FIRST_PID);
	assert_true(n > 65536);
	assert_int_equal(scene.front[0]->channel.n_outgoing, 0);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, open_scene, close_scene)
	const struct CMUnitTest tests[] = {
		CASE(test_ends_are_told_once_in_the_numbers_of_each_front),
		CASE(test_ends_of_a_service_are_for_those_that_have_it),
		CASE(test_a_front_that_drains_counts_no_more),
		CASE(test_a_pause_is_told_once),
		CASE(test_the_newest_front_that_accepts_is_asked),
		CASE(test_a_front_goes_when_it_was_reaped_and_heard_to_its_end),
		CASE(test_a_front_that_was_reaped_goes_though_its_channel_is_open),
		CASE(test_who_fills_the_channel_for_ever_is_heard_for_a_while),
		CASE(test_last_messages_wait_until_the_reserve_is_held_again),
		CASE(test_the_number_of_a_front_that_was_reaped_may_be_that_of_the_next),
		CASE(test_a_front_that_was_reaped_is_not_killed),
		CASE(test_a_front_that_says_what_it_must_not_is_killed_and_heard_no_more),
		CASE(test_nothing_is_heard_while_the_reserve_is_withheld),
		CASE(test_what_a_front_does_not_read_at_once_comes_in_order),
		CASE(test_a_front_that_never_reads_is_killed),
	};

	return cmocka_run_group_tests_name("fronts", tests, NULL, NULL);
}
