/* What the keeper commands, and what a front with one service of a made-up kind does about it. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "channel/startup.h"
#include "front/commands.h"
#include "front/front.h"

static struct front front;
static struct startup startup;
static struct settings settings;
static struct service service_settings;
static struct front_service service;
static struct front_listener listener;
static struct listener socket_of_listener;
static struct dispatch kind;
static int keeper;
static char said[256]; /* what the kind was told, in order */

/* The clock is the test's. */
static int64_t now_ms;

int64_t __wrap_clock_ms(void);

int64_t __wrap_clock_ms(void)
{
	return now_ms;
}

static void note(const char *word)
{
	strcat(said, word);
	strcat(said, " ");
}

static void note_halt(struct front_service *self)
{
	note("halt");
}

static void note_resume(struct front_service *self)
{
	note("resume");
}

static void note_close(struct front_listener *self)
{
	note(self->listener->fd >= 0 ? "close" : "closed");
}

static void note_drain(struct front_service *self, bool has_successor)
{
	note(has_successor ? "drain-after" : "drain");
}

static void note_end(struct front_service *self)
{
	note("end");
}

static void note_message(struct front_service *self, const struct channel_message *message, int fd)
{
	note(channel_traits(message->type)->name);
	if (fd >= 0)
		close(fd);
}

static void note_slot(struct front_service *self)
{
	note("slot");
}

static void note_lost(struct front_service *self, const struct channel_message *message, int error)
{
	note("lost");
}

static void ignore_ready(struct watch *watch)
{
}

static int on_bound(struct services *services, const struct listener *bound)
{
	note("bound");
	return 0;
}

static int set_up(void **state)
{
	int channel;

	memset(&front, 0, sizeof(front));
	said[0] = '\0';
	kind = (struct dispatch){
		.on_connection = ignore_ready,
		.slot_returned = note_slot,
		.request_lost = note_lost,
		.on_service_message = note_message,
		.halt = note_halt,
		.resume = note_resume,
		.close = note_close,
		.drain = note_drain,
		.end_clients = note_end,
	};
	settings = (struct settings){ .n_services = 1, .n_endpoints = 1 };
	startup = (struct startup){ .settings = &settings };
	service_settings = (struct service){ .name = (char *)"x", .n_endpoints = 1 };
	socket_of_listener = (struct listener){ .fd = -1, .endpoint.type = SOCK_STREAM };
	service = (struct front_service){ .settings = &service_settings,
					  .dispatch = &kind,
					  .context = &front.context,
					  .listeners = &listener };
	list_init(&service.paused);
	listener = (struct front_listener){ .service = &service, .listener = &socket_of_listener };
	front.services = (struct services){ &service, &listener, 1, 1, on_bound };
	front.context = (struct context){ .startup = &startup,
					  .uplink = &front.uplink,
					  .throttle = &front.throttle };
	assert_int_equal(poller_new(&front.context.poller, POLLER_EPOLL), 0);
	assert_int_equal(timers_new(&front.context.timers), 0);
	throttle_init(&front.throttle, &front.context);
	program_log_init(&front.program_log, &front.context);
	assert_int_equal(channel_pair(&keeper, &channel), 0);
	uplink_init(&front.uplink, channel, &commands_uplink);
	assert_int_equal(uplink_start(&front.uplink, front.context.poller, front.context.timers),
			 0);
	return 0;
}

static int tear_down(void **state)
{
	watch_remove(&listener.watch);
	if (socket_of_listener.fd >= 0)
		close(socket_of_listener.fd);
	uplink_fini(&front.uplink);
	close(front.uplink.watch.fd);
	if (keeper >= 0)
		close(keeper);
	timers_free(front.context.timers);
	poller_free(front.context.poller);
	return 0;
}

static void pass_ms(int64_t ms)
{
	now_ms += ms;
	timers_run(front.context.timers, now_ms);
}

static void turn(void)
{
	assert_int_equal(poller_run(front.context.poller, 0), 0);
}

static void order(struct channel_message message, int fd)
{
	assert_int_equal(channel_send(keeper, &message, fd), 0);
	if (fd >= 0)
		close(fd);
	turn();
}

static void order_type(enum channel_type type)
{
	order((struct channel_message){ .type = type }, -1);
}

/* The type of what the front says, or 0. */
static unsigned hear(void)
{
	struct channel_message message;
	int fd;

	return channel_receive(keeper, &message, &fd) == 1 ? message.type : 0;
}

static void drain(uint32_t limit_ms, bool has_successor)
{
	order((struct channel_message){ .type = CHANNEL_DRAIN,
					.drain = { limit_ms, has_successor } },
	      -1);
}

static void test_a_front_halts_answers_and_resumes(void **state)
{
	order_type(CHANNEL_HALT);
	assert_int_equal(front.context.mode, MODE_HALTED);
	assert_int_equal(hear(), CHANNEL_HALTED);
	order_type(CHANNEL_RESUME);
	assert_int_equal(front.context.mode, MODE_SERVING);
	assert_string_equal(said, "halt resume ");
}

static void test_listeners_are_closed_before_their_service_drains(void **state)
{
	socket_of_listener.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	drain(0, true);
	assert_int_equal(front.context.mode, MODE_DRAINING);
	assert_int_equal(socket_of_listener.fd, -1);
	drain(0, true);
	assert_string_equal(said, "close drain-after ");
}

static void test_clients_are_ended_when_their_time_is_up(void **state)
{
	drain(1000, false);
	pass_ms(999);
	assert_int_equal(front.context.mode, MODE_DRAINING);
	pass_ms(1);
	assert_int_equal(front.context.mode, MODE_OVER);
	assert_string_equal(said, "closed drain end ");
}

static void test_without_a_limit_clients_have_all_the_time(void **state)
{
	drain(0, false);
	assert_int_equal(timers_wait_ms(front.context.timers, now_ms), -1);
}

static void test_a_front_that_drains_never_resumes(void **state)
{
	drain(0, false);
	order_type(CHANNEL_RESUME);
	order_type(CHANNEL_HALT);
	assert_int_equal(front.context.mode, MODE_DRAINING);
}

static void test_without_its_keeper_a_front_drains(void **state)
{
	close(keeper);
	keeper = -1;
	turn();
	assert_int_equal(front.context.mode, MODE_DRAINING);
	pass_ms(1);
	assert_int_equal(front.context.mode, MODE_OVER);
	assert_string_equal(said, "closed drain end ");
}

static void test_a_halted_front_without_its_keeper_has_a_successor(void **state)
{
	order_type(CHANNEL_HALT);
	close(keeper);
	keeper = -1;
	turn();
	assert_string_equal(said, "halt closed drain-after ");
}

static void test_children_that_ended_leave_their_slots(void **state)
{
	service.children = 3;
	order((struct channel_message){ .type = CHANNEL_ENDED, .ended = { 0, 2 } }, -1);
	assert_int_equal(service.children, 1);
	order((struct channel_message){ .type = CHANNEL_ENDED, .ended = { 0, 2 } }, -1);
	assert_int_equal(service.children, 0);
	order((struct channel_message){ .type = CHANNEL_ENDED, .ended = { 1, 1 } }, -1);
	assert_string_equal(said, "slot slot ");
}

static void test_a_listener_that_is_bound_late_is_watched(void **state)
{
	int pair[2], other[2];
	char byte;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, other), 0);
	order((struct channel_message){ .type = CHANNEL_LISTENER }, pair[1]);
	assert_non_null(listener.watch.poller);
	/* Its kind has no use for a second one. */
	order((struct channel_message){ .type = CHANNEL_LISTENER, .listener.socket = 1 }, other[1]);
	assert_int_equal(read(other[0], &byte, 1), 0);
	assert_string_equal(said, "bound ");
	close(pair[0]);
	close(other[0]);
}

/* The keeper has opened it anew, because a process has ruined the one before. */
static void test_another_socket_replaces_that_of_a_listener(void **state)
{
	int old[2], new[2];
	char byte;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, old), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, new), 0);
	order((struct channel_message){ .type = CHANNEL_LISTENER }, old[1]);
	order((struct channel_message){ .type = CHANNEL_LISTENER }, new[1]);
	assert_int_equal(read(old[0], &byte, 1), 0);
	assert_non_null(listener.watch.poller);
	assert_int_equal(listener.watch.fd, socket_of_listener.fd);
	assert_string_equal(said, "bound close bound ");
	close(old[0]);
	close(new[0]);
}

static void test_a_listener_comes_back_when_its_program_has_ended(void **state)
{
	socket_of_listener.fd = dup(keeper);
	order((struct channel_message){ .type = CHANNEL_RELEASED }, -1);
	assert_non_null(listener.watch.poller);
}

static void test_what_is_about_no_service_is_ignored_and_closed(void **state)
{
	static const enum channel_type types[] = { CHANNEL_LISTENER, CHANNEL_PROCESS,
						   CHANNEL_UNREAD };
	char byte;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct channel_message message = { .type = types[i],
						   .listener = { .service = 1, .endpoint = 1 } };
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		order(message, pair[1]);
		assert_int_equal(read(pair[0], &byte, 1), 0);
		close(pair[0]);
	}
	order((struct channel_message){ .type = CHANNEL_RELEASED, .released.endpoint = 1 }, -1);
	order((struct channel_message){ .type = CHANNEL_POOL, .pool.service = 1 }, -1);
	assert_string_equal(said, "");
}

static void test_a_message_about_a_service_goes_to_its_kind(void **state)
{
	order_type(CHANNEL_POOL);
	order((struct channel_message){ .type = CHANNEL_PROCESS },
	      open("/dev/null", O_RDONLY | O_CLOEXEC));
	order_type(CHANNEL_LEAVE);
	assert_string_equal(said, "POOL PROCESS LEAVE ");
}

/* What was logged since log_to_file(). */
static char logged[256];
static char log_path[] = "/tmp/superd-test-commands-XXXXXX";

static int log_to_file(void **state)
{
	int fd = mkstemp(log_path);

	if (fd < 0)
		return -1;
	close(fd);
	return log_open(LOG_TO_FILE, log_path) < 0 ? -1 : set_up(state);
}

static int log_to_stderr(void **state)
{
	log_close();
	unlink(log_path);
	return tear_down(state);
}

static const char *read_log(void)
{
	int fd = open(log_path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, logged, sizeof(logged) - 1);

	close(fd);
	assert_true(n >= 0);
	logged[n] = '\0';
	return logged;
}

static void test_datagrams_for_a_kind_that_takes_none_are_said_to_be_lost(void **state)
{
	order((struct channel_message){ .type = CHANNEL_UNREAD },
	      open("/dev/null", O_RDONLY | O_CLOEXEC));
	assert_non_null(
		strstr(read_log(), "service 'x': datagrams that came for its program are lost"));
}

static void test_a_request_that_is_lost_is_told_to_its_kind(void **state)
{
	struct channel_message message = { .type = CHANNEL_WAIT };

	close(keeper);
	keeper = -1;
	uplink_send(&front.uplink, &message, -1);
	assert_string_equal(said, "lost ");
}

static void test_requests_are_paused_and_continue(void **state)
{
	order_type(CHANNEL_PAUSE);
	assert_false(throttle_lets_requests(&front.throttle));
	order_type(CHANNEL_CONTINUE);
	assert_true(throttle_lets_requests(&front.throttle));
}

static void test_a_ping_is_answered(void **state)
{
	order_type(CHANNEL_PING);
	assert_int_equal(hear(), CHANNEL_ALIVE);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_a_front_halts_answers_and_resumes),
		CASE(test_listeners_are_closed_before_their_service_drains),
		CASE(test_clients_are_ended_when_their_time_is_up),
		CASE(test_without_a_limit_clients_have_all_the_time),
		CASE(test_a_front_that_drains_never_resumes),
		CASE(test_without_its_keeper_a_front_drains),
		CASE(test_a_halted_front_without_its_keeper_has_a_successor),
		CASE(test_children_that_ended_leave_their_slots),
		CASE(test_a_listener_that_is_bound_late_is_watched),
		CASE(test_another_socket_replaces_that_of_a_listener),
		CASE(test_a_listener_comes_back_when_its_program_has_ended),
		CASE(test_what_is_about_no_service_is_ignored_and_closed),
		CASE(test_a_message_about_a_service_goes_to_its_kind),
		cmocka_unit_test_setup_teardown(
			test_datagrams_for_a_kind_that_takes_none_are_said_to_be_lost, log_to_file,
			log_to_stderr),
		CASE(test_a_request_that_is_lost_is_told_to_its_kind),
		CASE(test_requests_are_paused_and_continue),
		CASE(test_a_ping_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
