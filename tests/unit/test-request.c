/* What a front says to the keeper, were it taken over, and what the keeper believes of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "channel/stats.h"
#include "keeper-stage.h"
#include "keeper/child/wait.h"
#include "keeper/exec/launch.h"
#include "net/closer.h"

#define EXIT_SKIPPED 77
#define LATER_MS 60000
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* By their numbers; each has one endpoint, of the same number. */
enum { TCP, UDP, LOCAL, WAIT, SESSION, POOL, FEW, NAMED };

/* Names and an address are of this process alone: two runs at once have one network. */
static char services[1024];
static const char services_format[] =
	"service tcp { listen = \"tcp:127.%d.%d.1:0\" exec = \"/bin/true\" }\n"
	"service udp { listen = \"udp:127.0.0.1:0\" exec = \"/bin/true\" }\n"
	"service local { listen = \"unix:@superd-test-%d\" exec = \"/bin/true\" }\n"
	"service wait { listen = \"tcp:127.0.0.1:0\" exec = \"/bin/true\" dispatch = wait }\n"
	"service session { listen = \"tcp:127.0.0.1:0\" builtin = echo }\n"
	"service pool { listen = \"tcp:127.0.0.1:0\" exec = \"/bin/true\" dispatch = pool\n"
	"               processes = {0, 1} }\n"
	"service few { listen = \"tcp:127.0.0.1:0\" exec = \"/bin/true\" instances = 2 }\n"
	"service named { listen = \"unix:%s/superd-test-%d\" exec = \"/bin/true\" }\n";

/* Memory, and processes for programs, that are missing when a test says so. */
static bool no_memory, no_process;

/* Of which there is none any more when a process has begun. */
static bool memory_ends;

/* The standard input of the last launch. */
static ino_t launched_with;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);

pid_t __real_launch_begin(struct launch *launch, const struct spawn_plan *plan,
			  const struct spawn_descriptors *descriptors);
pid_t __wrap_launch_begin(struct launch *launch, const struct spawn_plan *plan,
			  const struct spawn_descriptors *descriptors);

static ino_t socket_inode(int fd)
{
	struct stat status;

	return fstat(fd, &status) < 0 ? 0 : status.st_ino;
}

pid_t __wrap_launch_begin(struct launch *launch, const struct spawn_plan *plan,
			  const struct spawn_descriptors *descriptors)
{
	pid_t pid;

	launched_with = socket_inode(descriptors->in);
	pid = no_process ? -EAGAIN : __real_launch_begin(launch, plan, descriptors);
	no_memory = no_memory || memory_ends;
	return pid;
}

void *__wrap_malloc(size_t size)
{
	return no_memory ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return no_memory ? NULL : __real_calloc(n, size);
}

static int open_stage(void **state)
{
	const char *directory = getenv("TMPDIR");
	int pid = (int)getpid();

	no_memory = no_process = memory_ends = false;
	(void)snprintf(services, sizeof(services), services_format, pid / 250 % 250, pid % 250, pid,
		       directory ? directory : "/tmp", pid);
	return stage_set_up(state, services);
}

/* Waits until all is closed that other processes close. */
static void settle_closing(void)
{
	while (waitpid(-1, NULL, __WCLONE) > 0)
		;
	assert_int_equal(closer_count(), 0);
}

static int close_stage(void **state)
{
	int r = stage_tear_down(state);

	settle_closing();
	return r;
}

static int count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(directory);
	while (readdir(directory))
		n++;
	closedir(directory);
	return n;
}

static int connect_to(const struct stage *stage, size_t endpoint)
{
	struct address address;
	int fd;

	assert_int_equal(listener_address(stage_listener(stage, endpoint), &address), 0);
	fd = socket(address.any.sa_family, stage_listener(stage, endpoint)->endpoint.type, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, &address.any, address.length), 0);
	return fd;
}

static int accept_on(const struct stage *stage, size_t endpoint, struct address *out_peer)
{
	int fd = listener_accept(stage_listener(stage, endpoint), 0, out_peer);

	assert_true(fd >= 0);
	return fd;
}

static int make_memfd(size_t size, int seals)
{
	int fd = memfd_create("datagram", MFD_ALLOW_SEALING);

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* It has no more bytes than it may, and memory behind them. */
static int make_large_memfd(void)
{
	int fd = memfd_create("datagram", MFD_ALLOW_SEALING);

	assert_int_equal(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 16 * 1024 * 1024), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, SEALS), 0);
	return fd;
}

static struct child *only_child(const struct stage *stage)
{
	assert_int_equal(children_count(&stage->keeper.children), 1);
	return container_of(stage->keeper.children.list.next, struct child, link);
}

static struct channel_message ask(enum channel_type type, uint32_t number)
{
	return (struct channel_message){ .type = type,
					 .request.service = number,
					 .request.endpoint = number };
}

static struct channel_message ask_datagram(const char *sender)
{
	struct channel_message message = ask(CHANNEL_DATAGRAM, UDP);

	message.request.peer.length = sizeof(message.request.peer.in);
	message.request.peer.in.sin_family = AF_INET;
	message.request.peer.in.sin_port = htons(9);
	(void)inet_pton(AF_INET, sender, &message.request.peer.in.sin_addr);
	return message;
}

/* Returns whether the front is still trusted. Closes @fd. */
static bool is_believed(struct stage *stage, const struct channel_message *message, int fd)
{
	assert_int_equal(channel_send(stage->channel, message, fd), 0);
	if (fd >= 0)
		close(fd);
	stage_turn(stage);
	return !stage->front->channel.eof;
}

static void assert_refused(struct stage *stage, struct channel_message message, int fd)
{
	unsigned before =
		message.request.service <= NAMED ? stage_live(stage, message.request.service) : 0;

	assert_false(is_believed(stage, &message, fd));
	if (message.request.service <= NAMED)
		assert_int_equal(stage_live(stage, message.request.service), before);
	stage_close_front(stage);
	settle_closing();
	stage_open_front(stage);
}

/* The next that the front is told, but of pools. */
static struct channel_message hear(const struct stage *stage)
{
	struct channel_message message = { 0 };
	int fd = -1;

	do
		assert_int_equal(channel_receive(stage->channel, &message, &fd), 1);
	while (message.type == CHANNEL_POOL);
	return message;
}

/* Requests that are believed */

static void test_connection_gets_its_program_and_its_true_name(void **state)
{
	struct stage *stage = *state;
	struct channel_message message = ask(CHANNEL_SPAWN, TCP);
	int client = connect_to(stage, TCP);
	struct address name;
	int fd = accept_on(stage, TCP, &name);

	message.request.peer = ask_datagram("192.0.2.1").request.peer;
	assert_true(is_believed(stage, &message, fd));
	assert_int_equal(stage_live(stage, TCP), 1);
	assert_true(address_equal(&only_child(stage)->peer, &name));
	close(client);
}

/* What it had sent could still be read, and the front could say that anybody has sent it. */
static void test_connection_that_was_reset_starts_nothing(void **state)
{
	const struct linger reset = { .l_onoff = 1 };
	struct stage *stage = *state;
	struct channel_message message = ask(CHANNEL_SPAWN, TCP);
	int client = connect_to(stage, TCP);
	int before, fd = accept_on(stage, TCP, &message.request.peer);

	assert_int_equal(send(client, "hello", 5, 0), 5);
	assert_int_equal(setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	close(client);
	message.request.peer = ask_datagram("192.0.2.1").request.peer;
	before = count_descriptors();
	assert_true(is_believed(stage, &message, fd));
	assert_int_equal(count_descriptors(), before - 1);
	assert_int_equal(stage_live(stage, TCP), 0);
	assert_int_equal(children_count(&stage->keeper.children), 0);
	message = hear(stage);
	assert_int_equal(message.type, CHANNEL_ENDED);
	assert_int_equal(message.ended.service, TCP);
	assert_int_equal(message.ended.children, 1);
}

/* A client that is another process, as a Unix client must be. It sends, and has ended. */
static void visit_address(const struct address *address, int type)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = socket(address->any.sa_family, type, 0);

		_exit(connect(fd, &address->any, address->length) < 0 ||
		      send(fd, "hello", 5, 0) != 5);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void visit(const struct stage *stage, size_t endpoint)
{
	struct address address;

	assert_int_equal(listener_address(stage_listener(stage, endpoint), &address), 0);
	visit_address(&address, stage_listener(stage, endpoint)->endpoint.type);
}

/* A program may read to the end what such a client has sent. */
static void test_client_that_has_finished_gets_its_program(void **state)
{
	static const uint32_t numbers[] = { TCP, LOCAL };
	struct stage *stage = *state;

	for (size_t i = 0; i < 2; i++) {
		struct channel_message message = ask(CHANNEL_SPAWN, numbers[i]);

		visit(stage, numbers[i]);
		assert_true(is_believed(stage, &message,
					accept_on(stage, numbers[i], &message.request.peer)));
		assert_int_equal(stage_live(stage, numbers[i]), 1);
	}
}

/* Also of a Unix socket it is the kernel that says who the client is. */
static void test_the_front_does_not_say_who_the_client_is(void **state)
{
	struct stage *stage = *state;
	struct channel_message message = ask(CHANNEL_SPAWN, LOCAL);
	int fd;

	visit(stage, LOCAL);
	fd = accept_on(stage, LOCAL, &message.request.peer);
	message.request.peer = (struct address){ .un = { .sun_family = AF_UNIX, .sun_path = "/x" },
						 .length = sizeof(message.request.peer.un) };
	assert_true(is_believed(stage, &message, fd));
	assert_int_equal(only_child(stage)->peer.length, sizeof(sa_family_t));
}

/* Whatever a front does to the socket before. Both belong to the socket, of which we have a copy.
 */
static void test_a_program_finds_a_plain_connection(void **state)
{
	const struct linger long_one = { .l_onoff = 1, .l_linger = 60 };
	struct stage *stage = *state;
	struct channel_message message = ask(CHANNEL_SPAWN, TCP);
	int client = connect_to(stage, TCP);
	int fd = accept_on(stage, TCP, &message.request.peer), copy = dup(fd);
	struct linger linger = { 0 };
	socklen_t length = sizeof(linger);

	assert_int_equal(fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &long_one, sizeof(long_one)), 0);
	assert_true(is_believed(stage, &message, fd));
	assert_int_equal(fcntl(copy, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(getsockopt(copy, SOL_SOCKET, SO_LINGER, &linger, &length), 0);
	assert_int_equal(linger.l_onoff, 0);
	close(copy);
	close(client);
}

static void test_long_datagram_gets_its_program(void **state)
{
	struct stage *stage = *state;
	struct channel_message message = ask_datagram("127.0.0.1");

	assert_true(is_believed(stage, &message, make_memfd(CHANNEL_DATAGRAM_MAX, SEALS)));
	assert_int_equal(stage_live(stage, UDP), 1);
}

static void test_listener_that_waits_gets_one_program(void **state)
{
	struct stage *stage = *state;
	struct channel_message message = ask(CHANNEL_WAIT, WAIT);

	assert_true(is_believed(stage, &message, -1));
	assert_true(is_believed(stage, &message, -1));
	assert_int_equal(stage_live(stage, WAIT), 1);
}

/* It was on its way to a program when superd stopped. */
static void test_a_launch_that_is_ended_at_the_stop_has_not_failed(void **state)
{
	const struct spawn_failure ended = { .step = SPAWN_SIGNALS, .signal = SIGTERM };
	struct stage *stage = *state;
	struct channel_message message = ask(CHANNEL_WAIT, WAIT);
	struct launch *launch;
	struct child *child;
	pid_t pid;

	assert_true(is_believed(stage, &message, -1));
	child = only_child(stage);
	launch = child->launch;
	pid = child->pid;
	wait_stop(&stage->keeper.children);
	assert_int_equal(waitpid(pid, NULL, 0), pid);

	children_remove(&stage->keeper.children, child);
	launches_return(launch);
	launch->events->not_started(launch, &ended);
	assert_int_equal(stage_live(stage, WAIT), 0);
	assert_false(stage_listener(stage, WAIT)->busy);
	assert_int_equal(
		stage->keeper.stats[stage->keeper.generation->records[WAIT]->number].failed, 0);
}

/* In a shortage it has a copy of the one that was there before. */
static void test_a_request_that_waits_gets_the_listener_that_was_opened_anew(void **state)
{
	struct stage *stage = *state;
	struct channel_message message = ask(CHANNEL_WAIT, WAIT);
	const struct listener *listener = stage_listener(stage, WAIT);
	ino_t old = socket_inode(listener->fd);

	no_process = true;
	assert_true(is_believed(stage, &message, -1));
	no_process = false;
	assert_int_equal(launched_with, old);

	assert_int_equal(shutdown(listener->fd, SHUT_RDWR), 0);
	listener_table_verify_all(&stage->keeper.listener_table);
	assert_int_not_equal(socket_inode(listener->fd), old);
	timers_run(stage->keeper.timers, clock_ms() + LATER_MS);
	assert_int_equal(launched_with, socket_inode(listener->fd));
}

/* Its request was on the way. */
static void test_listener_that_is_closed_at_the_stop_is_no_lie(void **state)
{
	struct stage *stage = *state;
	struct channel_message message = ask(CHANNEL_WAIT, WAIT);

	listener_table_close(&stage->keeper.listener_table);
	assert_true(is_believed(stage, &message, -1));
	assert_int_equal(stage_live(stage, WAIT), 0);
}

/* The front is not wrong for sure: see requests.c. */
static void test_no_more_programs_run_than_the_service_may_have(void **state)
{
	struct stage *stage = *state;
	const struct service_record *record = stage->keeper.generation->records[FEW];
	struct channel_message message = ask(CHANNEL_SPAWN, FEW);

	for (unsigned i = 0; i < 5; i++) {
		int client = connect_to(stage, FEW);
		int fd = accept_on(stage, FEW, &message.request.peer);

		assert_true(is_believed(stage, &message, fd));
		assert_int_equal(stage_live(stage, FEW), i < 2 ? i + 1 : 2);
		close(client);
	}
	assert_int_equal(children_count(&stage->keeper.children), 2);
	assert_int_equal(stage->keeper.stats[record->number].failed, 3);
	for (unsigned i = 0; i < 3; i++) {
		message = hear(stage);
		assert_int_equal(message.type, CHANNEL_ENDED);
		assert_int_equal(message.ended.service, FEW);
		assert_int_equal(message.ended.children, 1);
	}
}

/* Requests that no honest front makes */

static void test_only_a_connection_of_the_service_is_one(void **state)
{
	struct stage *stage = *state;
	int before = count_descriptors();
	int others = connect_to(stage, LOCAL), ours = connect_to(stage, TCP);
	struct address name;
	int ends[2], pair[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	const int wrong[] = {
		open("/dev/null", O_RDWR),
		open("/proc/self/status", O_RDONLY),
		open("/", O_PATH),
		make_memfd(1, SEALS),
		dup(ends[0]),
		dup(pair[0]),
		dup(ours), /* the client's side: another port */
		socket(AF_INET, SOCK_STREAM, 0),
		socket(AF_INET6, SOCK_STREAM, 0),
		socket(AF_INET, SOCK_DGRAM, 0),
		dup(stage_listener(stage, TCP)->fd),
		dup(stage_listener(stage, WAIT)->fd),
		accept_on(stage, LOCAL, &name),
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_true(wrong[i] >= 0);
		assert_refused(stage, ask(CHANNEL_SPAWN, TCP), wrong[i]);
	}
	for (int i = 0; i < 2; i++) {
		close(ends[i]);
		close(pair[i]);
	}
	close(others);
	close(ours);
	close(accept_on(stage, TCP, &name));
	assert_int_equal(count_descriptors(), before);
}

/* A socket of another type with the name that the endpoint's connections have. */
static int bind_as(const struct stage *stage, size_t endpoint, int type)
{
	struct address address;
	int fd;

	assert_int_equal(listener_address(stage_listener(stage, endpoint), &address), 0);
	fd = socket(address.any.sa_family, type, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &address.any, address.length), 0);
	return fd;
}

static void test_the_connecting_side_is_no_client(void **state)
{
	static const uint32_t numbers[] = { TCP, LOCAL };
	struct stage *stage = *state;

	for (size_t i = 0; i < 2; i++) {
		int client = connect_to(stage, numbers[i]);
		struct address name;
		int fd = accept_on(stage, numbers[i], &name);

		assert_refused(stage, ask(CHANNEL_SPAWN, numbers[i]), client);
		close(fd);
	}
}

/* A connection to a listener that another process has made, of any name. */
static void test_a_connection_to_somewhere_else_is_no_client(void **state)
{
	struct stage *stage = *state;
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t length = sizeof(name);
	int others = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid;

	assert_int_equal(bind(others, (struct sockaddr *)&name, sizeof(sa_family_t)), 0);
	assert_int_equal(getsockname(others, (struct sockaddr *)&name, &length), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(listen(others, 1) < 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(connect(client, (struct sockaddr *)&name, length), 0);
	assert_refused(stage, ask(CHANNEL_SPAWN, LOCAL), client);
	close(others);
}

/*
 * A program would take it for root: the kernel gives the connecting side the credentials of whoever
 * listens. It may have the same name, once the file of the listener has another.
 */
static void test_the_credentials_of_a_client_are_not_the_keepers(void **state)
{
	struct stage *stage = *state;
	struct address address;
	char elsewhere[128];
	int client;

	assert_int_equal(listener_address(stage_listener(stage, NAMED), &address), 0);
	(void)snprintf(elsewhere, sizeof(elsewhere), "%s-moved", address.un.sun_path);
	assert_int_equal(rename(address.un.sun_path, elsewhere), 0);
	client = bind_as(stage, NAMED, SOCK_STREAM);
	assert_int_equal(rename(elsewhere, address.un.sun_path), 0);
	assert_int_equal(connect(client, &address.any, address.length), 0);
	assert_refused(stage, ask(CHANNEL_SPAWN, NAMED), client);
}

static void test_a_pair_of_sockets_is_no_client(void **state)
{
	struct stage *stage = *state;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_refused(stage, ask(CHANNEL_SPAWN, LOCAL), pair[0]);
	close(pair[1]);
}

/* The port of the service on another address is another listener's. */
static void test_the_address_of_the_client_is_the_listeners(void **state)
{
	struct stage *stage = *state;
	struct address address;
	int others = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(listener_address(stage_listener(stage, TCP), &address), 0);
	address.in.sin_addr.s_addr = htonl(ntohl(address.in.sin_addr.s_addr) + 1);
	assert_int_equal(bind(others, &address.any, address.length), 0);
	assert_int_equal(listen(others, 1), 0);
	assert_int_equal(connect(client, &address.any, address.length), 0);
	assert_refused(stage, ask(CHANNEL_SPAWN, TCP), accept(others, NULL, NULL));
	close(client);
	close(others);
}

/* Sockets of other types may have the same name. */
static void test_a_socket_of_another_type_is_no_client(void **state)
{
	struct stage *stage = *state;
	int others = bind_as(stage, LOCAL, SOCK_SEQPACKET);
	struct address address;

	assert_refused(stage, ask(CHANNEL_SPAWN, TCP), bind_as(stage, TCP, SOCK_DGRAM));
	assert_int_equal(listen(others, 1), 0);
	assert_int_equal(listener_address(stage_listener(stage, LOCAL), &address), 0);
	visit_address(&address, SOCK_SEQPACKET);
	assert_refused(stage, ask(CHANNEL_SPAWN, LOCAL), accept(others, NULL, NULL));
	close(others);
}

/* There every name and every address is free. Returns the exit status. */
static int send_from_another_network(const struct stage *stage)
{
	const struct channel_message message = ask(CHANNEL_SPAWN, LOCAL);
	int others, client;

	/* The threads of a sanitizer keep a process in its namespace of users. */
	if (unshare(CLONE_NEWNET | (geteuid() == 0 ? 0 : CLONE_NEWUSER)) < 0)
		return EXIT_SKIPPED;
	others = bind_as(stage, LOCAL, SOCK_STREAM);
	assert_int_equal(listen(others, 1), 0);
	client = connect_to(stage, LOCAL);
	return channel_send(stage->channel, &message, accept(others, NULL, NULL)) < 0 || client < 0;
}

static void test_a_client_in_another_network_is_no_client(void **state)
{
	struct stage *stage = *state;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(send_from_another_network(stage));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED)
		skip();
	assert_int_equal(status, 0);
	stage_turn(stage);
	assert_true(stage->front->channel.eof);
}

/* A front that drains after a reload has nothing to ask for. */
static void test_a_front_that_was_replaced_asks_for_nothing(void **state)
{
	static const enum front_state states[] = { FRONT_SERVING, FRONT_DRAINING };
	struct stage *stage = *state;

	for (size_t i = 0; i < 2; i++) {
		int client = connect_to(stage, TCP);
		struct address name;

		stage->front->state = states[i];
		front_retire(stage->front);
		assert_refused(stage, ask(CHANNEL_SPAWN, TCP), accept_on(stage, TCP, &name));
		stage->front->state = states[i];
		front_retire(stage->front);
		assert_refused(stage, ask(CHANNEL_WAIT, WAIT), -1);
		close(client);
	}
}

static void test_connection_is_for_its_own_service(void **state)
{
	struct stage *stage = *state;
	int client = connect_to(stage, TCP);
	struct address name;
	int fd = accept_on(stage, TCP, &name);
	struct channel_message elsewhere = ask(CHANNEL_SPAWN, TCP);

	for (uint32_t number = UDP; number <= NAMED + 1; number++)
		assert_refused(stage, ask(CHANNEL_SPAWN, number), dup(fd));
	assert_refused(stage, ask(CHANNEL_SPAWN, UINT32_MAX), dup(fd));
	elsewhere.request.endpoint = SESSION;
	assert_refused(stage, elsewhere, dup(fd));
	elsewhere.request.endpoint = FEW;
	assert_refused(stage, elsewhere, dup(fd));
	elsewhere = ask(CHANNEL_SPAWN, SESSION);
	elsewhere.request.endpoint = TCP;
	assert_refused(stage, elsewhere, dup(fd));
	elsewhere = ask(CHANNEL_SPAWN, FEW);
	elsewhere.request.endpoint = TCP;
	assert_refused(stage, elsewhere, fd);
	close(client);
}

/* Its program would get a connection where it expects a listener, or there is no program. */
static void test_connection_of_another_dispatch_is_refused(void **state)
{
	static const uint32_t numbers[] = { WAIT, SESSION, POOL };
	struct stage *stage = *state;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int client = connect_to(stage, numbers[i]);
		struct address name;

		assert_refused(stage, ask(CHANNEL_SPAWN, numbers[i]),
			       accept_on(stage, numbers[i], &name));
		close(client);
	}
}

static void test_only_a_sealed_file_in_memory_is_a_datagram(void **state)
{
	struct stage *stage = *state;
	const int wrong[] = {
		make_memfd(1, 0),
		make_memfd(1, F_SEAL_SHRINK | F_SEAL_GROW),
		make_memfd(CHANNEL_DATAGRAM_MAX + 1, SEALS),
		make_large_memfd(),
		open("/proc/self/exe", O_RDONLY),
		socket(AF_INET, SOCK_DGRAM, 0),
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_refused(stage, ask_datagram("127.0.0.1"), wrong[i]);
}

/* The program would be connected to it, with the rights of its user. */
static void test_sender_is_one_that_the_endpoint_can_have(void **state)
{
	struct channel_message local = ask_datagram("127.0.0.1");
	struct channel_message six = ask_datagram("127.0.0.1");
	struct stage *stage = *state;

	local.request.peer =
		(struct address){ .un = { .sun_family = AF_UNIX, .sun_path = "/run/x" },
				  .length = sizeof(local.request.peer.un) };
	six.request.peer = (struct address){ .in6 = { .sin6_family = AF_INET6 },
					     .length = sizeof(six.request.peer.in6) };
	assert_refused(stage, local, make_memfd(1, SEALS));
	assert_refused(stage, six, make_memfd(1, SEALS));
	assert_refused(stage, ask(CHANNEL_DATAGRAM, UDP), make_memfd(1, SEALS));
}

static void test_other_messages_are_not_a_fronts(void **state)
{
	struct stage *stage = *state;

	for (uint32_t number = TCP; number <= POOL; number++)
		if (number != WAIT)
			assert_refused(stage, ask(CHANNEL_WAIT, number), -1);
	for (uint32_t number = TCP; number < POOL; number++) {
		assert_refused(stage, ask(CHANNEL_GROW, number), -1);
		assert_refused(stage, ask(CHANNEL_DISMISS, number), -1);
	}
	assert_refused(stage, ask(CHANNEL_DISMISS, POOL), -1);
	for (uint32_t type = CHANNEL_HALT; type < CHANNEL_TYPES; type++)
		for (uint32_t number = TCP; number <= POOL; number++)
			assert_refused(stage, ask(type, number),
				       channel_traits(type)->has_descriptor ? dup(stage->channel)
									    : -1);
}

static void test_nothing_with_a_descriptor_is_no_end(void **state)
{
	const int pieces[] = { 0, 1 };

	for (size_t i = 0; i < 2; i++) {
		struct stage *stage = *state;
		int before = count_descriptors();
		char control[CMSG_SPACE(sizeof(int))] = { 0 };
		struct msghdr header = { .msg_control = control,
					 .msg_controllen = sizeof(control) };
		struct cmsghdr *rights = CMSG_FIRSTHDR(&header);

		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		if (!pieces[i])
			header.msg_controllen = 0;
		assert_int_equal(sendmsg(stage->channel, &header, 0), 0);
		stage_turn(stage);
		assert_true(stage->front->channel.eof);
		stage_close_front(stage);
		settle_closing();
		stage_open_front(stage);
		assert_int_equal(count_descriptors(), before);
	}
}

/* A connection whose last close() waits for the client, which reads nothing. */
static int accept_lingering(const struct stage *stage)
{
	const struct linger long_one = { .l_onoff = 1, .l_linger = 3600 };
	struct address name;
	char bytes[65536] = { 0 };
	int fd = accept_on(stage, TCP, &name);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &long_one, sizeof(long_one)), 0);
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	return fd;
}

/* A process waits for the client instead of the keeper. */
static void assert_closed_elsewhere(int client)
{
	siginfo_t ended;

	/* Another one may just be about to end. */
	while (closer_count() > 1)
		(void)waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT | __WCLONE);
	assert_int_equal(closer_count(), 1);
	close(client);
	settle_closing();
}

static void test_refused_connection_does_not_hold_the_keeper(void **state)
{
	const struct channel_message message = ask(CHANNEL_SPAWN, SESSION);
	struct stage *stage = *state;
	int client = connect_to(stage, TCP);

	assert_false(is_believed(stage, &message, accept_lingering(stage)));
	assert_closed_elsewhere(client);
}

static void test_what_is_left_in_the_channel_does_not_hold_the_keeper(void **state)
{
	const struct channel_message bad = { .type = CHANNEL_TYPES };
	const struct channel_message message = ask(CHANNEL_SPAWN, TCP);
	struct stage *stage = *state;
	int client = connect_to(stage, TCP), fd = accept_lingering(stage);

	assert_int_equal(channel_send(stage->channel, &bad, -1), 0);
	assert_int_equal(channel_send(stage->channel, &message, fd), 0);
	close(fd);
	stage_turn(stage);
	assert_true(stage->front->channel.eof);
	stage_close_front(stage);
	assert_closed_elsewhere(client);
	stage_open_front(stage);
}

/* More than a message may have, so the keeper has no room for them. */
static void test_many_descriptors_at_once_do_not_hold_the_keeper(void **state)
{
	struct stage *stage = *state;
	struct channel_message message = ask(CHANNEL_SPAWN, TCP);
	int client = connect_to(stage, TCP), fd = accept_lingering(stage);
	struct iovec part = { &message, sizeof(message) };
	char control[CMSG_SPACE(3 * sizeof(int))] = { 0 };
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
	const int fds[] = { 0, fd, fd };

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(rights), fds, sizeof(fds));
	assert_int_equal(sendmsg(stage->channel, &header, 0), sizeof(message));
	close(fd);
	stage_turn(stage);
	assert_true(stage->front->channel.eof);
	stage_close_front(stage);
	assert_closed_elsewhere(client);
	stage_open_front(stage);
}

/* The front sets SO_LINGER again. The program has not started, so the keeper's is the last copy. */
static void test_connection_without_a_program_does_not_hold_the_keeper(void **state)
{
	struct stage *stage = *state;
	const struct linger long_one = { .l_onoff = 1, .l_linger = 3600 };
	struct channel_message message = ask(CHANNEL_SPAWN, TCP);
	int client = connect_to(stage, TCP), fd = accept_lingering(stage), copy = dup(fd);

	no_process = true;
	assert_true(is_believed(stage, &message, fd));
	assert_int_equal(stage_live(stage, TCP), 1);
	assert_int_equal(setsockopt(copy, SOL_SOCKET, SO_LINGER, &long_one, sizeof(long_one)), 0);
	close(copy);
	requests_give_up(&stage->keeper.requests);
	no_process = false;
	assert_closed_elsewhere(client);
}

/* What a front is told */

static void test_front_that_does_not_read_costs_bounded_memory(void **state)
{
	struct stage *stage = *state;
	struct channel_message message = ask(CHANNEL_GROW, POOL);

	for (int i = 0; i < 200000 && !stage->front->channel.write_failed; i++) {
		assert_int_equal(channel_send(stage->channel, &message, -1), 0);
		stage_turn(stage);
	}
	assert_true(stage->front->channel.write_failed);
	assert_int_equal(stage->front->channel.n_outgoing, 0);
}

/* Otherwise the clients find no descriptors any more. */
static void test_front_that_does_not_read_costs_bounded_descriptors(void **state)
{
	const struct channel_message message = { .type = CHANNEL_LOG };
	struct stage *stage = *state;
	int n_before = count_descriptors();
	struct rlimit old, few;
	size_t most = 0;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = (struct rlimit){ .rlim_cur = 400, .rlim_max = old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (int i = 0; i < 2000 && !stage->front->channel.write_failed; i++) {
		front_lend(stage->front, &message, stage->channel);
		if (most < stage->front->channel.n_outgoing_fds)
			most = stage->front->channel.n_outgoing_fds;
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_true(stage->front->channel.write_failed);
	assert_int_equal(most, 100);
	assert_int_equal(stage->front->channel.n_outgoing_fds, 0);
	assert_int_equal(count_descriptors(), n_before);
}

static void test_front_counts_rightly_when_memory_is_missing(void **state)
{
	struct stage *stage = *state;
	struct channel_message connection = ask(CHANNEL_SPAWN, TCP), wait = ask(CHANNEL_WAIT, WAIT);
	int client = connect_to(stage, TCP);
	int fd = accept_on(stage, TCP, &connection.request.peer);

	no_memory = true;
	assert_true(is_believed(stage, &connection, fd));
	assert_true(is_believed(stage, &wait, -1));
	no_memory = false;
	assert_int_equal(stage_live(stage, TCP), 0);
	assert_int_equal(stage_live(stage, WAIT), 0);

	connection = hear(stage);
	assert_int_equal(connection.type, CHANNEL_ENDED);
	assert_int_equal(connection.ended.service, TCP);
	assert_int_equal(connection.ended.children, 1);
	wait = hear(stage);
	assert_int_equal(wait.type, CHANNEL_RELEASED);
	assert_int_equal(wait.released.endpoint, WAIT);
	close(client);
}

/* Otherwise it would have to be ended, and that may take as long as it likes. */
static void test_a_process_is_known_without_more_memory(void **state)
{
	struct stage *stage = *state;
	struct channel_message message = ask(CHANNEL_SPAWN, TCP);
	int client = connect_to(stage, TCP);
	int fd = accept_on(stage, TCP, &message.request.peer);
	pid_t pid;

	memory_ends = true;
	assert_true(is_believed(stage, &message, fd));
	memory_ends = no_memory = false;
	pid = only_child(stage)->pid;
	assert_int_equal(kill(pid, 0), 0);
	assert_ptr_equal(children_find(&stage->keeper.children, pid), only_child(stage));
	assert_int_equal(stage_live(stage, TCP), 1);
	close(client);
}

static void test_a_front_says_only_what_is_legal_in_its_state(void **state)
{
	const struct {
		enum front_state state;
		enum channel_type type;
		bool is_legal;
	} rows[] = {
		{ FRONT_STARTING, CHANNEL_WAIT, false },    { FRONT_SERVING, CHANNEL_WAIT, true },
		{ FRONT_HALTING, CHANNEL_WAIT, true },      { FRONT_HALTED, CHANNEL_WAIT, false },
		{ FRONT_STARTING, CHANNEL_HALTED, false },  { FRONT_SERVING, CHANNEL_HALTED, true },
		{ FRONT_DRAINING, CHANNEL_HALTED, true },   { FRONT_SERVING, CHANNEL_READY, false },
		{ FRONT_DRAINING, CHANNEL_READY, false },   { FRONT_HALTED, CHANNEL_ALIVE, true },
		{ FRONT_SERVING, CHANNEL_HALT, false },     { FRONT_SERVING, CHANNEL_PING, false },
		{ FRONT_SERVING, CHANNEL_CONTINUE, false },
	};
	struct stage *stage = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct channel_message message = ask(rows[i].type, WAIT);

		stage->front->state = rows[i].state;
		assert_int_equal(is_believed(stage, &message, -1), rows[i].is_legal);
		stage_end_programs(stage);
		stage_close_front(stage);
		stage_open_front(stage);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_connection_gets_its_program_and_its_true_name),
		CASE(test_connection_that_was_reset_starts_nothing),
		CASE(test_client_that_has_finished_gets_its_program),
		CASE(test_the_front_does_not_say_who_the_client_is),
		CASE(test_a_program_finds_a_plain_connection),
		CASE(test_long_datagram_gets_its_program),
		CASE(test_listener_that_waits_gets_one_program),
		CASE(test_a_launch_that_is_ended_at_the_stop_has_not_failed),
		CASE(test_a_request_that_waits_gets_the_listener_that_was_opened_anew),
		CASE(test_listener_that_is_closed_at_the_stop_is_no_lie),
		CASE(test_no_more_programs_run_than_the_service_may_have),
		CASE(test_only_a_connection_of_the_service_is_one),
		CASE(test_the_connecting_side_is_no_client),
		CASE(test_a_connection_to_somewhere_else_is_no_client),
		CASE(test_the_credentials_of_a_client_are_not_the_keepers),
		CASE(test_a_pair_of_sockets_is_no_client),
		CASE(test_the_address_of_the_client_is_the_listeners),
		CASE(test_a_socket_of_another_type_is_no_client),
		CASE(test_a_client_in_another_network_is_no_client),
		CASE(test_a_front_that_was_replaced_asks_for_nothing),
		CASE(test_connection_is_for_its_own_service),
		CASE(test_connection_of_another_dispatch_is_refused),
		CASE(test_only_a_sealed_file_in_memory_is_a_datagram),
		CASE(test_sender_is_one_that_the_endpoint_can_have),
		CASE(test_other_messages_are_not_a_fronts),
		CASE(test_nothing_with_a_descriptor_is_no_end),
		CASE(test_refused_connection_does_not_hold_the_keeper),
		CASE(test_what_is_left_in_the_channel_does_not_hold_the_keeper),
		CASE(test_many_descriptors_at_once_do_not_hold_the_keeper),
		CASE(test_connection_without_a_program_does_not_hold_the_keeper),
		CASE(test_front_that_does_not_read_costs_bounded_memory),
		CASE(test_front_that_does_not_read_costs_bounded_descriptors),
		CASE(test_front_counts_rightly_when_memory_is_missing),
		CASE(test_a_process_is_known_without_more_memory),
		CASE(test_a_front_says_only_what_is_legal_in_its_state),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
