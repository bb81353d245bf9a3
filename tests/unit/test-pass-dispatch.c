/*
 * The dispatch kind `pass` over a real channel and real listeners, without a front: the programs,
 * the keeper and the clients are the test.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "channel/startup.h"
#include "front/core/throttle.h"
#include "front/core/uplink.h"
#include "front/pass/pass.h"
#include "pass-stage.h"

static struct {
	struct pass pass;
	struct uplink uplink;
	struct throttle throttle;
	struct endpoint endpoint;
	struct front_listener listener;
	struct settings all;
	struct startup_pool pool;
	struct startup startup;
	int keeper;
} front;

static void ignore(struct uplink *uplink)
{
}

static void ignore_lost(struct uplink *uplink, const struct channel_message *message, int error)
{
}

static void make_listener(void)
{
	const struct listener_options options = { .backlog = 16, .uid = -1, .gid = -1 };

	front.endpoint.type = SOCK_STREAM;
	front.endpoint.text = (char *)"tcp:0";
	assert_int_equal(listener_new(&front.listener.listener, &front.endpoint), 0);
	assert_int_equal(listener_open(front.listener.listener, &options), 0);
	front.listener.service = &stage.service;
	assert_int_equal(pass_dispatch.prepare(&front.listener), 0);
}

static void listen_on_ipv4(in_addr_t address)
{
	front.endpoint.address.in =
		(struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };
	front.endpoint.address.length = sizeof(struct sockaddr_in);
	make_listener();
}

static void listen_on_every_address(void)
{
	front.endpoint.address.in6 =
		(struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = in6addr_any };
	front.endpoint.address.length = sizeof(struct sockaddr_in6);
	make_listener();
}

static int set_up(void **state)
{
	static const struct uplink_events events = { ignore, ignore, ignore_lost };
	static const unsigned zero[1];
	int channel;

	stage_set_up(N_CLIENTS);
	memset(&front, 0, sizeof(front));
	front.all = (struct settings){ .n_services = 1, .services = &stage.settings };
	front.pool = (struct startup_pool){ .table = stage.table };
	front.startup = (struct startup){ .settings = &front.all,
					  .pools = &front.pool,
					  .children = zero,
					  .stats_indices = zero };
	stage.context.startup = &front.startup;
	stage.context.uplink = &front.uplink;
	stage.context.throttle = &front.throttle;
	stage.service.dispatch = &pass_dispatch;
	stage.service.owner = &front.pass;
	list_init(&stage.service.paused);
	throttle_init(&front.throttle, &stage.context);
	assert_int_equal(channel_pair(&front.keeper, &channel), 0);
	uplink_init(&front.uplink, channel, &events);
	assert_int_equal(uplink_start(&front.uplink, stage.context.poller, stage.context.timers),
			 0);
	pass_init(&front.pass, &stage.context);
	assert_int_equal(pass_dispatch.prepare_service(&stage.service), 0);
	return 0;
}

static int tear_down(void **state)
{
	int channel = front.uplink.watch.fd;

	if (front.listener.service) {
		watch_remove(&front.listener.watch);
		pass_dispatch.forget(&front.listener);
		listener_free(front.listener.listener);
	}
	pass_dispatch.forget_service(&stage.service);
	uplink_fini(&front.uplink);
	throttle_fini(&front.throttle);
	close(channel);
	close(front.keeper);
	stage_tear_down();
	return 0;
}

static void tell(struct channel_message message, int fd)
{
	pass_dispatch.on_service_message(&stage.service, &message, fd);
}

static void add_process(unsigned index)
{
	tell((struct channel_message){ .type = CHANNEL_PROCESS,
				       .process = { .index = index,
						    .pid = FIRST_PID + (int)index } },
	     stage_socket((int)index));
}

/* Its program closes and a moment passes: the process is to be dismissed. */
static void add_useless_process(unsigned index)
{
	add_process(index);
	close(take_fd(stage.programs[index]));
	stage_turn();
	timers_run(stage.context.timers, clock_ms() + 1000);
}

/* Returns the type of the next message, or 0. */
static unsigned hear(void)
{
	struct channel_message message;
	int fd;

	return channel_receive(front.keeper, &message, &fd) == 1 ? message.type : 0;
}

static void expect_dismissal(unsigned index)
{
	struct channel_message message;
	int fd;

	assert_int_equal(channel_receive(front.keeper, &message, &fd), 1);
	assert_int_equal(message.type, CHANNEL_DISMISS);
	assert_int_equal(message.dismiss.index, index);
	assert_int_equal(message.dismiss.pid, FIRST_PID + (int)index);
}

static void test_what_the_keeper_is_to_hear_goes_out_at_the_end_of_the_turn(void **state)
{
	add_useless_process(1);
	assert_int_equal(hear(), 0);
	assert_false(pass_is_over(&front.pass));
	pass_report(&front.pass);
	pass_report(&front.pass);
	expect_dismissal(1);
	assert_int_equal(hear(), 0);
	assert_true(pass_is_over(&front.pass));
}

static void test_halted_the_front_says_nothing(void **state)
{
	add_useless_process(1);
	stage.context.mode = MODE_HALTED;
	pass_report(&front.pass);
	assert_int_equal(hear(), 0);
	stage.context.mode = MODE_DRAINING;
	pass_report(&front.pass);
	expect_dismissal(1);
}

static void test_a_full_channel_is_waited_for(void **state)
{
	const struct channel_message message = { .type = CHANNEL_WAIT };

	while (!uplink_is_blocked(&front.uplink))
		uplink_send(&front.uplink, &message, -1);
	add_useless_process(1);
	pass_report(&front.pass);
	assert_false(pass_is_over(&front.pass));
	while (hear() != 0)
		stage_turn();
	assert_false(uplink_is_blocked(&front.uplink));
	pass_report(&front.pass);
	expect_dismissal(1);
}

static void test_while_processes_are_short_none_is_asked_for_and_others_are_dismissed(void **state)
{
	listen_on_ipv4(INADDR_LOOPBACK);
	tell((struct channel_message){ .type = CHANNEL_POOL, .pool = { .may_grow = true } }, -1);
	throttle_pause_requests(&front.throttle, true);
	pass_dispatch.wait_for_room(&front.listener);
	add_useless_process(1);
	pass_report(&front.pass);
	expect_dismissal(1);
	assert_int_equal(hear(), 0);
	throttle_pause_requests(&front.throttle, false);
	pass_report(&front.pass);
	assert_int_equal(hear(), CHANNEL_GROW);
	assert_int_equal(hear(), 0);
}

static void test_a_listener_waits_until_there_is_room(void **state)
{
	listen_on_ipv4(INADDR_LOOPBACK);
	throttle_watch(&front.listener);
	assert_false(pass_dispatch.has_room(&front.listener));
	pass_dispatch.wait_for_room(&front.listener);
	assert_int_equal(front.listener.watch.wanted, 0);
	add_process(0);
	assert_true(pass_dispatch.has_room(&front.listener));
	assert_int_equal(front.listener.watch.wanted, WATCH_READ);
}

static void test_processes_that_were_there_go_on_with_their_clients(void **state)
{
	const struct startup_process process = { .process_index = 2,
						 .pid = FIRST_PID + 2,
						 .fd = stage_socket(2) };

	front.startup.processes = &process;
	front.startup.n_processes = 1;
	pass_table_entry(stage.table, 2, 1)->taken = true;
	pass_table_entry(stage.table, 0, 1)->taken = true;
	stage.settings.pool.min = 0;
	assert_int_equal(pass_start(&front.startup, &stage.service), 0);
	assert_int_equal(stage.sessions, 1);
	/* Its process ended while there was no front. */
	assert_int_equal(stage.stats.ended, 1);
	assert_int_equal(pass_table_count(stage.table, 0), 0);
	stage_finish(2, 1);
	assert_int_equal(stage.sessions, 0);
	assert_false(pass_is_over(&front.pass));
}

static void test_processes_that_were_there_and_nobody_needs_are_dismissed(void **state)
{
	const struct startup_process process = { .pid = FIRST_PID, .fd = stage_socket(0) };

	front.startup.processes = &process;
	front.startup.n_processes = 1;
	stage.settings.pool.min = 0;
	assert_int_equal(pass_start(&front.startup, &stage.service), 0);
	timers_run(stage.context.timers, clock_ms() + 1);
	pass_report(&front.pass);
	expect_dismissal(0);
}

static bool message_has(int program, const char *variable)
{
	char text[4096];
	ssize_t n = recv(stage.programs[program], text, sizeof(text), 0);

	assert_true(n > 0);
	return memmem(text, (size_t)n, variable, strlen(variable) + 1);
}

static int connect_to_listener(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1) };
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct address bound;

	assert_int_equal(listener_address(front.listener.listener, &bound), 0);
	address.sin_port = htons((uint16_t)address_port(&bound));
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	return client;
}

static void test_a_client_of_every_address_has_the_one_that_it_came_to(void **state)
{
	struct address peer;
	int client, fd;

	listen_on_every_address();
	client = connect_to_listener();
	fd = listener_accept(front.listener.listener, 0, &peer);
	assert_true(fd >= 0);
	add_process(0);
	pass_dispatch.admitted(&front.listener, fd, &peer);
	assert_true(message_has(0, "TCPLOCALIP=127.0.0.2"));
	close(client);
}

static void test_the_address_of_a_listener_is_that_of_its_clients(void **state)
{
	const struct address peer = { .length = sizeof(struct sockaddr_in),
				      .in.sin_family = AF_INET };

	listen_on_ipv4(INADDR_LOOPBACK + 2);
	add_process(0);
	/* Asked for its address, it would give another one. */
	pass_dispatch.admitted(&front.listener, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
			       &peer);
	assert_true(message_has(0, "TCPLOCALIP=127.0.0.3"));
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_what_the_keeper_is_to_hear_goes_out_at_the_end_of_the_turn),
		CASE(test_halted_the_front_says_nothing),
		CASE(test_a_full_channel_is_waited_for),
		CASE(test_while_processes_are_short_none_is_asked_for_and_others_are_dismissed),
		CASE(test_a_listener_waits_until_there_is_room),
		CASE(test_processes_that_were_there_go_on_with_their_clients),
		CASE(test_processes_that_were_there_and_nobody_needs_are_dismissed),
		CASE(test_a_client_of_every_address_has_the_one_that_it_came_to),
		CASE(test_the_address_of_a_listener_is_that_of_its_clients),
	};

	return cmocka_run_group_tests_name("pass-dispatch", tests, NULL, NULL);
}
