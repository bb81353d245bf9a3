/*
 * Every request of a front is answered or ended, whatever fails. The test plays an honest front,
 * the processes, the clock, and shortages of memory, processes and descriptors, in random order.
 * The front never counts fewer programs than the keeper, and once all is over both count the same.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "keeper-stage.h"
#include "keeper/exec/launch.h"
#include "keeper/exec/reply-socket.h"

#define SEQUENCES 10000
#define STEPS 24
#define PROCESSES_MAX 64
#define PID_FIRST 100000000 /* no process has such a number */

/* By their numbers; each has one endpoint, of the same number. */
enum { TCP, UDP, WAIT, SERVICES };

#define INSTANCES 5

static const char services[] =
	"service tcp { listen = \"tcp:127.0.0.1:0\" exec = \"/bin/true\" instances = 5 }\n"
	"service udp { listen = \"udp:127.0.0.1:0\" exec = \"/bin/true\" instances = 5\n"
	"              reflection_guard = own }\n"
	"service wait { listen = \"tcp:127.0.0.1:0\" exec = \"/bin/true\" dispatch = wait }\n";

enum process_is { NO_PROCESS, LAUNCHING, RUNNING, DEAD };

static struct {
	struct stage *stage;
	int connection; /* one client stands for all */
	int datagram;
	int64_t now_ms;
	uint64_t random;
	unsigned sequence;
	unsigned step;

	bool failing; /* whatever can fail may fail now */
	unsigned percent;

	struct {
		enum process_is is;
		pid_t pid;
		struct launch *launch;
		int status;
	} processes[PROCESSES_MAX];
	pid_t last_pid;

	/* The front */
	unsigned counts[SERVICES];
	bool asked; /* WAIT */
	bool paused;
	bool killed;
} scene;

static unsigned draw(unsigned n)
{
	scene.random ^= scene.random << 13;
	scene.random ^= scene.random >> 7;
	scene.random ^= scene.random << 17;
	return (unsigned)(scene.random % n);
}

static bool fails(void)
{
	return scene.failing && draw(100) < scene.percent;
}

#define CHECK(condition)                                                                 \
	do {                                                                             \
		if (!(condition))                                                        \
			fail_msg("sequence %u, step %u: %s", scene.sequence, scene.step, \
				 #condition);                                            \
	} while (false)

/* What the keeper calls */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
int __real_kill(pid_t pid, int number);
pid_t __real_waitpid(pid_t pid, int *status, int options);
int __real_fd_duplicate(int fd);
int __real_channel_receive(int channel, struct channel_message *out, int *out_fd);
int __real_channel_send(int channel, const struct channel_message *message, int fd);
int __real_reply_socket_open(struct reply_socket *out, const struct listener *listener,
			     const struct address *peer, const struct address *local);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
int __wrap_kill(pid_t pid, int number);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
int __wrap_fd_duplicate(int fd);
int __wrap_channel_receive(int channel, struct channel_message *out, int *out_fd);
int __wrap_channel_send(int channel, const struct channel_message *message, int fd);
int __wrap_reply_socket_open(struct reply_socket *out, const struct listener *listener,
			     const struct address *peer, const struct address *local);
int64_t __wrap_clock_ms(void);
pid_t __wrap_launch_begin(struct launch *launch, const struct spawn_plan *plan,
			  const struct spawn_descriptors *descriptors);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

int __wrap_fd_duplicate(int fd)
{
	return fails() ? -EMFILE : __real_fd_duplicate(fd);
}

int __wrap_channel_receive(int channel, struct channel_message *out, int *out_fd)
{
	*out_fd = -1;
	if (fails())
		return draw(2) ? -EMFILE : -ENOMEM;
	return __real_channel_receive(channel, out, out_fd);
}

int __wrap_channel_send(int channel, const struct channel_message *message, int fd)
{
	return fails() ? -EAGAIN : __real_channel_send(channel, message, fd);
}

int __wrap_reply_socket_open(struct reply_socket *out, const struct listener *listener,
			     const struct address *peer, const struct address *local)
{
	if (!fails())
		return __real_reply_socket_open(out, listener, peer, local);
	*out = (struct reply_socket){ .fd = -1 };
	return draw(2) ? -EMFILE : -EADDRNOTAVAIL;
}

int64_t __wrap_clock_ms(void)
{
	return scene.now_ms;
}

pid_t __wrap_launch_begin(struct launch *launch, const struct spawn_plan *plan,
			  const struct spawn_descriptors *descriptors)
{
	unsigned i = 0;

	while (i < PROCESSES_MAX && scene.processes[i].is != NO_PROCESS)
		i++;
	if (i == PROCESSES_MAX || fails())
		return draw(2) ? -EAGAIN : -ENOMEM;
	launch->pid = ++scene.last_pid;
	launch->timed_out = false;
	launch->started_ms = scene.now_ms;
	atomic_store(&launch->child.step, SPAWN_PROCESS);
	atomic_store(&launch->child.error, 0);
	atomic_store(&launch->busy, 1);
	scene.processes[i].is = LAUNCHING;
	scene.processes[i].pid = launch->pid;
	scene.processes[i].launch = launch;
	return launch->pid;
}

/* Processes */

static void leave_launch(unsigned i, enum spawn_step step, int error)
{
	atomic_store(&scene.processes[i].launch->child.step, step);
	atomic_store(&scene.processes[i].launch->child.error, error);
	atomic_store(&scene.processes[i].launch->busy, 0);
}

static void end_process(unsigned i, int status)
{
	if (scene.processes[i].is == LAUNCHING)
		atomic_store(&scene.processes[i].launch->busy, 0);
	scene.processes[i].is = DEAD;
	scene.processes[i].status = status;
}

static void move_on(unsigned i)
{
	static const struct spawn_failure failures[] = {
		{ .step = SPAWN_DIRECTORY, .error = ENOENT },
		{ .step = SPAWN_EXEC, .error = EACCES },
		{ .step = SPAWN_EXEC, .error = EAGAIN },
		{ .step = SPAWN_DESCRIPTORS, .error = EMFILE },
	};
	const struct spawn_failure *failure = &failures[draw(4)];

	switch (scene.processes[i].is) {
	case LAUNCHING:
		if (!fails()) {
			leave_launch(i, SPAWN_EXEC, 0);
			scene.processes[i].is = RUNNING;
			return;
		}
		leave_launch(i, failure->step, failure->error);
		end_process(i, 127 << 8);
		return;
	case RUNNING:
		end_process(i, 0);
		return;
	case DEAD:
		scene.processes[i].is = NO_PROCESS;
		CHECK(children_reaped(&scene.stage->keeper.children, scene.processes[i].pid,
				      scene.processes[i].status));
		return;
	default:
		return;
	}
}

int __wrap_kill(pid_t pid, int number)
{
	if (pid == scene.stage->nobody)
		scene.killed = true;
	for (unsigned i = 0; i < PROCESSES_MAX; i++)
		if (scene.processes[i].is != NO_PROCESS && scene.processes[i].pid == pid && number)
			end_process(i, number);
	errno = ESRCH;
	return pid > 0 ? 0 : -1;
}

/* For a child of which the keeper has no record. */
pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
	if (pid < PID_FIRST)
		return __real_waitpid(pid, status, options);
	for (unsigned i = 0; i < PROCESSES_MAX; i++)
		if (scene.processes[i].is == DEAD && scene.processes[i].pid == pid)
			scene.processes[i].is = NO_PROCESS;
	return pid;
}

/* The front */

static void hear(void)
{
	struct channel_message message;
	bool failing = scene.failing;
	int fd;

	scene.failing = false;
	while (channel_receive(scene.stage->channel, &message, &fd) == 1) {
		if (fd >= 0)
			close(fd);
		if (message.type == CHANNEL_ENDED) {
			CHECK(scene.counts[message.ended.service] >= message.ended.children);
			scene.counts[message.ended.service] -= message.ended.children;
		}
		if (message.type == CHANNEL_RELEASED)
			scene.asked = false;
		if (message.type == CHANNEL_PAUSE || message.type == CHANNEL_CONTINUE)
			scene.paused = message.type == CHANNEL_PAUSE;
	}
	scene.failing = failing;
}

static void turn(void)
{
	scene.now_ms++;
	stage_turn(scene.stage);
}

static void reap(void)
{
	for (unsigned i = 0; i < PROCESSES_MAX; i++)
		if (scene.processes[i].is == DEAD)
			move_on(i);
}

/* It starts with the keeper's counts. */
static void replace_front(void)
{
	struct front *front = scene.stage->front;

	scene.failing = false;
	close(scene.stage->channel);
	front_reaped(front, SIGKILL);
	for (int i = 0; i < 100 && list_is_linked(&scene.stage->keeper.fronts.list); i++) {
		scene.now_ms += 1000;
		reap();
		turn();
	}
	CHECK(!list_is_linked(&scene.stage->keeper.fronts.list));
	scene.killed = false;
	stage_open_front(scene.stage);
	for (unsigned i = 0; i < SERVICES; i++)
		scene.counts[i] = stage_live(scene.stage, i);
	scene.asked = stage_listener(scene.stage, WAIT)->busy;
	scene.paused = scene.stage->keeper.fronts.paused;
}

static bool may_ask(unsigned service)
{
	if (scene.paused || scene.killed)
		return false;
	return service == WAIT ? !scene.asked : scene.counts[service] < INSTANCES;
}

static void ask(unsigned service)
{
	static const enum channel_type types[] = { CHANNEL_SPAWN, CHANNEL_DATAGRAM, CHANNEL_WAIT };
	const int fds[] = { scene.connection, scene.datagram, -1 };
	struct channel_message message = { .type = types[service] };

	if (!may_ask(service))
		return;
	message.request.service = message.request.endpoint = service;
	message.request.peer.length = sizeof(message.request.peer.in);
	message.request.peer.in.sin_family = AF_INET;
	message.request.peer.in.sin_port = htons(40000);
	message.request.peer.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 8);
	if (__real_channel_send(scene.stage->channel, &message, fds[service]) < 0)
		return;
	scene.counts[service]++;
	scene.asked = scene.asked || service == WAIT;
}

/* Sequences */

static void check_counts(void)
{
	for (unsigned i = 0; i < WAIT; i++) {
		CHECK(stage_live(scene.stage, i) <= INSTANCES);
		CHECK(stage_live(scene.stage, i) <= scene.counts[i]);
	}
}

static void take_step(void)
{
	switch (draw(8)) {
	case 0:
	case 1:
	case 2:
		ask(draw(SERVICES));
		break;
	case 3:
	case 4:
		move_on(draw(PROCESSES_MAX));
		for (unsigned i = 0; i < PROCESSES_MAX; i++)
			if (draw(2))
				move_on(i);
		break;
	case 5:
		scene.now_ms += 1 << draw(16);
		break;
	case 6:
		hear();
		break;
	default:
		if (draw(40) == 0)
			requests_give_up(&scene.stage->keeper.requests);
	}
	turn();
	if (scene.killed || draw(200) == 0)
		replace_front();
}

static bool is_at_rest(void)
{
	return !stage_is_busy(scene.stage) && !scene.paused && !scene.asked &&
	       !scene.stage->keeper.fronts.held;
}

static void come_to_rest(void)
{
	scene.failing = false;
	for (int i = 0; i < 100; i++) {
		for (unsigned j = 0; j < PROCESSES_MAX; j++)
			move_on(j);
		scene.now_ms += 61000;
		turn();
		if (scene.killed)
			replace_front();
		hear();
		if (i > 3 && is_at_rest())
			break;
	}
	CHECK(is_at_rest());
	CHECK(!stage_listener(scene.stage, WAIT)->busy);
	for (unsigned i = 0; i < SERVICES; i++) {
		CHECK(stage_live(scene.stage, i) == 0);
		CHECK(i == WAIT || scene.counts[i] == 0);
	}
}

static void test_counts_agree_at_rest_whatever_has_failed(void **state)
{
	for (scene.sequence = 0; scene.sequence < SEQUENCES; scene.sequence++) {
		scene.random = 0x9e3779b97f4a7c15u * (scene.sequence + 1);
		scene.percent = draw(4) * 15;
		for (scene.step = 0; scene.step < STEPS; scene.step++) {
			scene.failing = scene.percent > 0 && draw(3) > 0;
			take_step();
			scene.failing = false;
			check_counts();
		}
		come_to_rest();
	}
}

/* Life */

static int connect_client(const struct stage *stage)
{
	struct address address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(listener_address(stage_listener(stage, TCP), &address), 0);
	assert_int_equal(connect(fd, &address.any, address.length), 0);
	return fd;
}

static int open_scene(void **state)
{
	struct address peer;
	int client, r;

	scene.now_ms = 1000000;
	scene.last_pid = PID_FIRST;
	scene.random = 1;
	r = stage_set_up(state, services);
	if (r < 0)
		return r;
	scene.stage = *state;
	/* So that no front is forked. */
	scene.stage->keeper.stopping = true;
	client = connect_client(scene.stage);
	scene.connection = listener_accept(stage_listener(scene.stage, TCP), 0, &peer);
	scene.datagram = memfd_create("datagram", MFD_ALLOW_SEALING);
	(void)fcntl(scene.datagram, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	return client < 0 || scene.connection < 0 || scene.datagram < 0 ? -1 : 0;
}

static int close_scene(void **state)
{
	scene.failing = false;
	return stage_tear_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_counts_agree_at_rest_whatever_has_failed,
						open_scene, close_scene),
	};

	return cmocka_run_group_tests_name("request-counts", tests, NULL, NULL);
}
