/*
 * A real front whose keeper, programs and clients are the test: what it does with dispatch pass is
 * seen on its sockets and in the memory that it shares.
 */

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "channel/startup.h"
#include "channel/stats.h"
#include "channel/channel.h"
#include "channel/pass-table.h"
#include "config/settings.h"
#include "front/front.h"
#include "net/listener.h"

#define N_PROCESSES 3
#define PATIENCE_MS 10000
#define NO_STATUS (-1)

/* The test's end of what a front has. */
static struct stage {
	struct endpoint endpoint;
	struct service service;
	struct settings settings;
	struct listener *listener;
	struct pass_table *table;
	struct service_stats *stats;
	struct session_counts *session_counts;
	bool may_grow;
	rlim_t descriptors; /* that it may have, and that may be on their way; 0: no limit */
	uid_t user;         /* whose front it is; 0: the test's */
	int log;            /* what it says, or -1 */
	pid_t front;
	int channel;
	int processes[N_PROCESSES];  /* the programs' ends */
	int front_ends[N_PROCESSES]; /* the keeper's copies of the others */
} stage;

static void make_stage(unsigned n_clients)
{
	const struct listener_options options = { .backlog = 1024, .uid = -1, .gid = -1 };
	const struct sockaddr_in loopback = { .sin_family = AF_INET,
					      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	stage = (struct stage){
		.endpoint = { .type = SOCK_STREAM, .text = (char *)"tcp:127.0.0.1:0" },
		.service = { .name = (char *)"x",
			     .n_endpoints = 1,
			     .dispatch = DISPATCH_PASS,
			     .instances = UINT_MAX,
			     .pool = { .min = N_PROCESSES,
				       .max = N_PROCESSES,
				       .clients_per_process = n_clients } },
		.settings = { .poller = POLLER_EPOLL, .n_services = 1, .n_endpoints = 1 },
	};
	stage.log = -1;
	stage.endpoint.address.in = loopback;
	stage.endpoint.address.length = sizeof(loopback);
	stage.service.endpoints = &stage.endpoint;
	stage.settings.services = &stage.service;
	assert_int_equal(listener_new(&stage.listener, &stage.endpoint), 0);
	assert_int_equal(listener_open(stage.listener, &options), 0);
	stage.table = pass_table_new(N_PROCESSES, n_clients);
	stage.stats = stats_new();
	assert_non_null(stage.table);
	for (int i = 0; i < N_PROCESSES; i++) {
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		stage.processes[i] = pair[0];
		stage.front_ends[i] = pair[1];
	}
}

static int set_up(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	make_stage(2);
	return 0;
}

static void end_front(void)
{
	if (stage.front > 0) {
		kill(stage.front, SIGKILL);
		waitpid(stage.front, NULL, 0);
		close(stage.channel);
		session_counts_free(stage.session_counts);
	}
	stage.front = 0;
}

static int tear_down(void **state)
{
	end_front();
	for (int i = 0; i < N_PROCESSES; i++) {
		close(stage.processes[i]);
		close(stage.front_ends[i]);
	}
	listener_free(stage.listener);
	pass_table_free(stage.table);
	stats_free(stage.stats);
	return 0;
}

static pid_t pid_of(int process)
{
	return 1000 + process;
}

static void be_front(const struct startup *startup)
{
	for (int i = 0; i < N_PROCESSES; i++)
		close(stage.processes[i]);
	close(stage.channel);
	if (stage.log >= 0)
		(void)dup2(stage.log, STDERR_FILENO);
	if (stage.descriptors)
		(void)setrlimit(RLIMIT_NOFILE,
				&(struct rlimit){ stage.descriptors, stage.descriptors });
	if (stage.user && geteuid() == 0 && setresuid(stage.user, stage.user, stage.user) < 0)
		_exit(1);
	_exit(front_main(startup));
}

static struct channel_message hear(void)
{
	struct pollfd input = { .fd = stage.channel, .events = POLLIN };
	struct channel_message message = { 0 };
	int fd;

	assert_int_equal(poll(&input, 1, PATIENCE_MS), 1);
	assert_int_equal(channel_receive(stage.channel, &message, &fd), 1);
	return message;
}

static void expect_silence(void)
{
	struct pollfd input = { .fd = stage.channel, .events = POLLIN };

	assert_int_equal(poll(&input, 1, 0), 0);
}

/* A front born with @n_processes of those that are there. */
static void start_front(size_t n_processes)
{
	static const unsigned zero[1];
	struct startup_pool pool = { .ready = n_processes,
				     .may_grow = stage.may_grow,
				     .table = stage.table };
	struct startup_process processes[N_PROCESSES];
	struct startup startup = {
		.settings = &stage.settings,
		.listeners = &stage.listener,
		.children = zero,
		.stats_indices = zero,
		.pools = &pool,
		.processes = processes,
		.n_processes = n_processes,
		.stats = stage.stats,
	};

	stage.session_counts = session_counts_new();
	startup.session_counts = stage.session_counts;
	for (unsigned i = 0; i < n_processes; i++)
		processes[i] = (struct startup_process){ 0, i, pid_of(i), stage.front_ends[i] };
	assert_int_equal(channel_pair(&stage.channel, &startup.channel), 0);
	stage.front = fork();
	if (stage.front == 0)
		be_front(&startup);
	close(startup.channel);
	assert_int_equal(hear().type, CHANNEL_READY);
}

static void tell(enum channel_type type, int process, int32_t status)
{
	struct channel_message message = { .type = type,
					   .process = { .index = process, .pid = status } };

	assert_int_equal(channel_send(stage.channel, &message,
				      type == CHANNEL_PROCESS ? stage.front_ends[process] : -1),
			 0);
}

static void order(enum channel_type type)
{
	tell(type, 0, 0);
	if (type == CHANNEL_HALT)
		assert_int_equal(hear().type, CHANNEL_HALTED);
}

/* Whatever was said before has been done then. */
static void wait_for_front(void)
{
	order(CHANNEL_PING);
	assert_int_equal(hear().type, CHANNEL_ALIVE);
}

static int come(void)
{
	struct address address;
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct timeval limit = { .tv_sec = 5 };

	/* Where the end does not come, read() fails. */
	assert_int_equal(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	assert_int_equal(listener_address(stage.listener, &address), 0);
	assert_int_equal(connect(client, &address.any, address.length), 0);
	return client;
}

struct received {
	int fd;
	unsigned client_index;
	size_t n;
	char text[4096];
};

static bool has_client(int process, int patience_ms)
{
	struct pollfd input = { .fd = stage.processes[process], .events = POLLIN };

	return poll(&input, 1, patience_ms) == 1;
}

static struct received receive(int process)
{
	struct received got = { .fd = -1 };
	struct iovec part = { got.text, sizeof(got.text) };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control) };

	assert_true(has_client(process, PATIENCE_MS));
	got.n = (size_t)recvmsg(stage.processes[process], &header, MSG_CMSG_CLOEXEC);
	assert_non_null(CMSG_FIRSTHDR(&header));
	memcpy(&got.fd, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof(int));
	assert_int_equal(sscanf(got.text, "SUPERD_CLIENT=%u", &got.client_index), 1);
	return got;
}

static void say(int process, const char *text)
{
	assert_int_equal(send(stage.processes[process], text, strlen(text), MSG_NOSIGNAL),
			 strlen(text));
}

static void finish(int process, const struct received *client)
{
	char text[32];

	close(client->fd);
	snprintf(text, sizeof(text), "DONE=%u", client->client_index);
	say(process, text);
}

static void expect_dismissal(int process)
{
	struct channel_message message = hear();

	assert_int_equal(message.type, CHANNEL_DISMISS);
	assert_int_equal(message.dismiss.index, process);
	assert_int_equal(message.dismiss.pid, pid_of(process));
}

static unsigned in_service(void)
{
	return atomic_load(&stage.session_counts->sessions[0]);
}

static void wait_in_service(unsigned n)
{
	for (int i = 0; in_service() != n && i < PATIENCE_MS; i++)
		poll(NULL, 0, 1);
	assert_int_equal(in_service(), n);
}

static void wait_for_end(int status)
{
	int found;

	assert_int_equal(waitpid(stage.front, &found, 0), stage.front);
	close(stage.channel);
	session_counts_free(stage.session_counts);
	stage.front = 0;
	assert_int_equal(found, status);
}

static void test_a_process_gets_the_connection_and_its_variables(void **state)
{
	struct sockaddr_in mine, theirs;
	socklen_t length = sizeof(mine);
	struct received got;
	int client;

	start_front(1);
	client = come();
	got = receive(0);
	assert_int_equal(getsockname(client, (struct sockaddr *)&mine, &length), 0);
	assert_int_equal(getpeername(got.fd, (struct sockaddr *)&theirs, &length), 0);
	assert_int_equal(mine.sin_port, theirs.sin_port);
	assert_non_null(memmem(got.text, got.n, "\0REMOTE_ADDR=127.0.0.1", 23));
	assert_int_equal(in_service(), 1);

	finish(0, &got);
	wait_in_service(0);
	assert_int_equal(atomic_load(&stage.stats[0].accepted), 1);
	assert_int_equal(atomic_load(&stage.stats[0].ended), 1);
	close(client);
}

static void test_without_room_one_more_process_is_asked_for_and_gets_the_client(void **state)
{
	struct received got;
	int client;

	stage.may_grow = true;
	start_front(0);
	client = come();
	assert_int_equal(hear().type, CHANNEL_GROW);
	tell(CHANNEL_POOL, 0, 0);
	wait_for_front();
	assert_int_equal(in_service(), 0);
	tell(CHANNEL_PROCESS, 2, pid_of(2));
	got = receive(2);
	finish(2, &got);
	wait_in_service(0);
	close(client);
}

static void test_no_more_processes_are_asked_for_than_clients_wait(void **state)
{
	int clients[3];

	stage.may_grow = true;
	start_front(1);
	for (int i = 0; i < 2; i++) {
		clients[i] = come();
		(void)receive(0);
	}
	wait_for_front();
	expect_silence();
	clients[2] = come();
	assert_int_equal(hear().type, CHANNEL_GROW);
	for (int i = 0; i < 3; i++)
		close(clients[i]);
}

static void test_while_processes_are_short_nothing_is_asked_for(void **state)
{
	int client;

	stage.may_grow = true;
	start_front(0);
	order(CHANNEL_PAUSE);
	client = come();
	wait_for_front();
	wait_for_front();
	expect_silence();
	order(CHANNEL_CONTINUE);
	assert_int_equal(hear().type, CHANNEL_GROW);
	close(client);
}

static void test_no_more_clients_than_may_be_are_taken(void **state)
{
	struct received got;
	int clients[3];

	start_front(1);
	for (int i = 0; i < 3; i++)
		clients[i] = come();
	got = receive(0);
	(void)receive(0);
	wait_for_front();
	wait_for_front();
	assert_false(has_client(0, 0));
	assert_int_equal(in_service(), 2);
	finish(0, &got);
	assert_int_equal(receive(0).client_index, got.client_index);
	for (int i = 0; i < 3; i++)
		close(clients[i]);
}

static void test_instances_hold_and_refuse(void **state)
{
	int clients[2];
	char byte;

	stage.service.instances = 1;
	stage.service.overflow = OVERFLOW_REFUSE;
	start_front(2);
	clients[0] = come();
	wait_in_service(1);
	clients[1] = come();
	assert_int_equal(read(clients[1], &byte, 1), 0);
	wait_for_front();
	assert_int_equal(stats_refused(&stage.stats[0]), 1);
	for (int i = 0; i < 2; i++)
		close(clients[i]);
}

static void test_a_process_that_dies_has_its_clients_ended_but_the_answered_one(void **state)
{
	struct received got;
	int clients[2];
	char said[4096] = "";
	const char *killed;

	stage.service.log_on_success = RECORD_EXIT;
	stage.log = memfd_create("log", MFD_CLOEXEC);
	start_front(1);
	for (int i = 0; i < 2; i++)
		clients[i] = come();
	got = receive(0);
	(void)receive(0);
	/* It reads of the end first, and must look for the answer itself. */
	kill(stage.front, SIGSTOP);
	tell(CHANNEL_PROCESS_GONE, 0, SIGKILL);
	finish(0, &got);
	kill(stage.front, SIGCONT);
	wait_in_service(0);
	assert_true(pread(stage.log, said, sizeof(said) - 1, 0) > 0);
	killed = strstr(said, "killed by signal 9 (SIGKILL)");
	assert_non_null(killed);
	assert_null(strstr(killed + 1, "killed"));
	close(stage.log);
	assert_int_equal(atomic_load(&stage.stats[0].ended), 2);
	assert_int_equal(pass_table_count(stage.table, 0), 0);
	for (int i = 0; i < 2; i++)
		close(clients[i]);
}

static void test_a_process_that_does_not_read_costs_nobody_a_client(void **state)
{
	enum { CLIENTS = 600 };
	static struct received got[CLIENTS];
	static int clients[CLIENTS];

	tear_down(NULL);
	make_stage(CLIENTS);
	start_front(1);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = come();
	wait_for_front();
	/* One more than its socket holds is kept, and the others wait in the kernel's queue. */
	assert_in_range(pass_table_count(stage.table, 0), 10, CLIENTS - 1);
	for (int i = 0; i < CLIENTS; i++)
		got[i] = receive(0);
	for (int i = 0; i < CLIENTS; i++) {
		finish(0, &got[i]);
		close(clients[i]);
	}
	wait_in_service(0);
	assert_int_equal(pass_table_count(stage.table, 0), 0);
	assert_int_equal(atomic_load(&stage.stats[0].ended), CLIENTS);
}

static void test_too_many_descriptors_on_the_way_cost_nobody_a_client(void **state)
{
	enum { CLIENTS = 100 };
	static struct received got[CLIENTS];
	static int clients[CLIENTS];

	tear_down(NULL);
	make_stage(CLIENTS);
	stage.descriptors = 32;
	/* The kernel counts those of a user, whatever else that runs. */
	stage.user = 40000 + (uid_t)getpid() % 20000;
	start_front(2);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = come();
	wait_for_front();
	assert_true(in_service() < CLIENTS);
	for (int i = 0; i < CLIENTS; i++)
		got[i] = receive(i % 2 ? 0 : 1);
	for (int i = 0; i < CLIENTS; i++) {
		finish(i % 2 ? 0 : 1, &got[i]);
		close(clients[i]);
	}
	wait_in_service(0);
}

static void test_the_socket_of_a_process_finds_a_number_when_clients_find_none(void **state)
{
	const struct rlimit none = { 3, 4096 }, some = { 4000, 4096 };
	struct received got;
	int client;

	stage.descriptors = 4096;
	start_front(0);
	assert_int_equal(prlimit(stage.front, RLIMIT_NOFILE, &none, NULL), 0);
	tell(CHANNEL_PROCESS, 0, pid_of(0));
	wait_for_front();
	assert_int_equal(prlimit(stage.front, RLIMIT_NOFILE, &some, NULL), 0);
	client = come();
	got = receive(0);
	finish(0, &got);
	wait_in_service(0);
	close(client);
}

static void test_a_halted_front_leaves_processes_alone_until_it_resumes(void **state)
{
	struct received got;
	int clients[2];

	start_front(1);
	clients[0] = come();
	got = receive(0);
	order(CHANNEL_HALT);
	assert_int_equal(in_service(), 0);
	finish(0, &got);
	clients[1] = come();
	wait_for_front();
	wait_for_front();
	assert_int_equal(pass_table_count(stage.table, 0), 1);
	assert_false(has_client(0, 0));
	order(CHANNEL_RESUME);
	got = receive(0);
	finish(0, &got);
	wait_in_service(0);
	for (int i = 0; i < 2; i++)
		close(clients[i]);
}

static void test_a_drained_front_ends_at_once_without_leaving_processes(void **state)
{
	int client;

	start_front(1);
	client = come();
	(void)receive(0);
	order(CHANNEL_HALT);
	order(CHANNEL_DRAIN);
	wait_for_end(0);
	assert_int_equal(pass_table_count(stage.table, 0), 1);
	close(client);
}

static void test_a_leaving_process_finishes_its_client_and_is_dismissed(void **state)
{
	struct received got;
	int client;

	start_front(1);
	client = come();
	got = receive(0);
	tell(CHANNEL_LEAVE, 0, 0);
	order(CHANNEL_HALT);
	assert_int_equal(in_service(), 1);
	order(CHANNEL_DRAIN);
	finish(0, &got);
	expect_dismissal(0);
	wait_for_end(0);
	close(client);
}

static void test_a_front_that_follows_a_dead_one_counts_its_clients(void **state)
{
	struct received got;
	int client;

	start_front(1);
	client = come();
	got = receive(0);
	wait_in_service(1);
	end_front();
	start_front(1);
	assert_int_equal(in_service(), 1);
	finish(0, &got);
	wait_in_service(0);
	close(client);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_a_process_gets_the_connection_and_its_variables),
		CASE(test_without_room_one_more_process_is_asked_for_and_gets_the_client),
		CASE(test_no_more_processes_are_asked_for_than_clients_wait),
		CASE(test_while_processes_are_short_nothing_is_asked_for),
		CASE(test_no_more_clients_than_may_be_are_taken),
		CASE(test_instances_hold_and_refuse),
		CASE(test_a_process_that_dies_has_its_clients_ended_but_the_answered_one),
		CASE(test_a_process_that_does_not_read_costs_nobody_a_client),
		CASE(test_too_many_descriptors_on_the_way_cost_nobody_a_client),
		CASE(test_the_socket_of_a_process_finds_a_number_when_clients_find_none),
		CASE(test_a_halted_front_leaves_processes_alone_until_it_resumes),
		CASE(test_a_drained_front_ends_at_once_without_leaving_processes),
		CASE(test_a_leaving_process_finishes_its_client_and_is_dismissed),
		CASE(test_a_front_that_follows_a_dead_one_counts_its_clients),
	};

	return cmocka_run_group_tests_name("pass-front", tests, NULL, NULL);
}
