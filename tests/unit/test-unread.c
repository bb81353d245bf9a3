/* What a sender wrote to a program that has ended, while no front can read it. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keeper-stage.h"
#include "keeper/child/unread.h"

static const char services[] =
	"service udp { listen = \"udp:127.0.0.1:0\" exec = \"/bin/true\" }\n";

static int open_stage(void **state)
{
	return stage_set_up(state, services);
}

/* A child of the service that has ended, and has not read what its socket holds. */
static struct child *make_ended(const struct stage *stage)
{
	const struct generation *generation = stage->keeper.generation;
	struct child *child = child_new();
	int pair[2];

	assert_non_null(child);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(send(pair[1], "x", 1, 0), 1);
	close(pair[1]);
	child->unread = pair[0];
	child->record = generation->records[0];
	child->bound = generation->bound[0];
	return child;
}

static char received(int fd)
{
	char byte = '-';

	(void)recv(fd, &byte, 1, MSG_DONTWAIT);
	return byte;
}

/* As after a generation has gone. */
static void sweep(struct stage *stage)
{
	stage->keeper.records.stale = true;
	stage_turn(stage);
}

static void test_unread_waits_for_a_front(void **state)
{
	struct stage *stage = *state;
	struct channel_message message;
	int fd;

	stage->front->state = FRONT_HALTED;
	unread_end(&stage->keeper.requests.unread, make_ended(stage));
	sweep(stage);
	assert_int_equal(channel_receive(stage->channel, &message, &fd), -EAGAIN);

	stage->front->state = FRONT_SERVING;
	unread_pass_all(&stage->keeper.requests.unread);
	assert_int_equal(channel_receive(stage->channel, &message, &fd), 1);
	assert_int_equal(message.type, CHANNEL_UNREAD);
	assert_int_equal(message.unread.endpoint, 0);
	close(fd);
}

/* What others have sent to the socket before it was connected is not for the program. */
static void test_what_came_before_the_program_goes_to_the_front(void **state)
{
	struct stage *stage = *state;
	struct child *child = make_ended(stage);
	struct channel_message message;
	int fd;

	unread_pass(&stage->keeper.requests.unread, child);
	assert_int_equal(channel_receive(stage->channel, &message, &fd), 1);
	assert_int_equal(message.type, CHANNEL_UNREAD);
	assert_int_equal(received(fd), 'x');
	assert_int_equal(received(child->unread), '-');
	close(fd);

	unread_pass(&stage->keeper.requests.unread, child);
	assert_int_equal(channel_receive(stage->channel, &message, &fd), -EAGAIN);
	child_free(child);
}

/* The keeper forgets the service, and nobody would know what to do with it. */
static void test_unread_of_a_service_that_is_gone_is_not_kept(void **state)
{
	struct stage *stage = *state;
	struct child *child = make_ended(stage);

	assert_int_equal(service_records_take(&stage->keeper.records, "gone", &child->record), 0);
	stage->front->state = FRONT_HALTED;
	unread_end(&stage->keeper.requests.unread, child);
	assert_true(list_is_linked(&stage->keeper.requests.unread.waiting));
	sweep(stage);
	assert_false(list_is_linked(&stage->keeper.requests.unread.waiting));
}

static void test_unread_of_a_listener_that_is_gone_is_not_kept(void **state)
{
	struct stage *stage = *state;
	struct child *child = make_ended(stage);
	struct bound_listener closed = { 0 };

	child->bound = &closed;
	stage->front->state = FRONT_HALTED;
	unread_end(&stage->keeper.requests.unread, child);
	sweep(stage);
	assert_false(list_is_linked(&stage->keeper.requests.unread.waiting));
}

struct sockets {
	int listener;
	int sender;
	struct child *child; /* with the socket that is connected to the sender */
};

static int open_udp(const struct sockaddr_in *bound_to, struct sockaddr_in *out)
{
	socklen_t length = sizeof(*out);
	const int on = 1;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)bound_to, sizeof(*bound_to)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)out, &length), 0);
	return fd;
}

static void connect_udp(int fd, const struct sockaddr_in *to)
{
	assert_int_equal(connect(fd, (const struct sockaddr *)to, sizeof(*to)), 0);
}

static struct sockets open_sockets(pid_t pid)
{
	const struct sockaddr_in loopback = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockets sockets = { .child = child_new() };
	struct sockaddr_in service, sender;

	assert_non_null(sockets.child);
	sockets.listener = open_udp(&loopback, &service);
	sockets.sender = open_udp(&loopback, &sender);
	sockets.child->unread = open_udp(&service, &service);
	sockets.child->pid = pid;
	connect_udp(sockets.sender, &service);
	connect_udp(sockets.child->unread, &sender);
	return sockets;
}

static void close_sockets(struct sockets *sockets)
{
	close(sockets->listener);
	close(sockets->sender);
	child_free(sockets->child);
}

static void test_after_the_end_the_sender_is_heard_by_the_listener(void **state)
{
	struct sockets sockets = open_sockets(0);

	assert_int_equal(send(sockets.sender, "1", 1, 0), 1);
	unread_turn_away(sockets.child);
	assert_int_equal(send(sockets.sender, "2", 1, 0), 1);

	assert_int_equal(received(sockets.child->unread), '1');
	assert_int_equal(received(sockets.child->unread), '-');
	assert_int_equal(received(sockets.listener), '2');
	close_sockets(&sockets);
}

/* Our own group stands for what the program has left running. */
static void test_what_the_program_left_running_keeps_its_client(void **state)
{
	struct sockets sockets = open_sockets(getpgrp());

	unread_turn_away(sockets.child);
	assert_int_equal(send(sockets.sender, "1", 1, 0), 1);
	assert_int_equal(received(sockets.child->unread), '1');
	assert_int_equal(send(sockets.child->unread, "2", 1, 0), 1);
	assert_int_equal(received(sockets.sender), '2');
	close_sockets(&sockets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_after_the_end_the_sender_is_heard_by_the_listener),
		cmocka_unit_test(test_what_the_program_left_running_keeps_its_client),
		cmocka_unit_test_setup_teardown(test_unread_waits_for_a_front, open_stage,
						stage_tear_down),
		cmocka_unit_test_setup_teardown(test_what_came_before_the_program_goes_to_the_front,
						open_stage, stage_tear_down),
		cmocka_unit_test_setup_teardown(test_unread_of_a_service_that_is_gone_is_not_kept,
						open_stage, stage_tear_down),
		cmocka_unit_test_setup_teardown(test_unread_of_a_listener_that_is_gone_is_not_kept,
						open_stage, stage_tear_down),
	};

	return cmocka_run_group_tests_name("leftover", tests, NULL, NULL);
}
