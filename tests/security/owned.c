/*
 * superd as it is, but somebody has taken over its front: superd-owned, which is never installed.
 *
 * What an attacker has who runs code in the front is a thread. So there is a thread more here, and
 * it does what it is told; all else is superd's own code, linked from the same library. The linker
 * leads two calls over this file (--wrap):
 *
 * - front_main(), where the front begins. It still has all privileges and the whole file system, so
 *   here it connects to the test, whose Unix socket the environment variable SUPERD_OWNED names.
 * - uplink_start(), the last step before the front serves. Its privileges are gone and its workers
 *   exist. Here the thread is started and writes to the test where things are. What confines the
 *   front after this confines the thread as well.
 *
 * An order is a system call: its number and six arguments. The answer is what it returned. The test
 * reads and writes the memory of the front through /proc, as the thread itself could: room for
 * what the arguments point to is in `scratch`. That is enough for everything. To say something to
 * the keeper is sendmsg() on the channel; the descriptor that goes along is one of the front's, or
 * one that the test made and sent along with an order to receive it (recvmsg() on the control
 * socket); and the test gets copies of the front's descriptors in the same way. So the thread needs
 * no code for each attack, and hostile descriptors are made where nothing forbids to make them.
 *
 * Two things no system call does. While `deaf` is set, the front throws away what the keeper tells
 * it. And the main thread stands still from one write to `hold` until the next, so that the thread
 * alone accepts.
 */

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "channel/startup.h"
#include "front/front.h"
#include "owned-calls.h"

#define HELLO_MAX 16384
#define SCRATCH_SIZE (256 * 1024)

struct order {
	int64_t number;
	int64_t arguments[6];
};

static int control;
static char scratch[SCRATCH_SIZE];
static _Atomic uint32_t deaf;
static _Atomic uint32_t held;
static struct watch hold;
static const struct uplink_events *honest;

int __real_front_main(const struct startup *startup);
int __wrap_front_main(const struct startup *startup);
int __real_uplink_start(struct uplink *uplink, struct poller *poller, struct timers *timers);
int __wrap_uplink_start(struct uplink *uplink, struct poller *poller, struct timers *timers);

static void *obey(void *started)
{
	struct order order;

	(void)sem_post(started);
	while (recv(control, &order, sizeof(order), 0) == sizeof(order)) {
		const int64_t *a = order.arguments;
		int64_t answer = syscall(order.number, a[0], a[1], a[2], a[3], a[4], a[5]);

		if (answer < 0)
			answer = -errno;
		(void)send(control, &answer, sizeof(answer), MSG_NOSIGNAL);
	}
	return NULL;
}

static void start_thread(void)
{
	sigset_t all, old;
	pthread_t thread;
	sem_t started;

	(void)sem_init(&started, 0, 0);
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&thread, NULL, obey, &started) != 0)
		abort();
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	/* It begins with system calls that a confined front may not make. */
	while (sem_wait(&started) < 0)
		;
}

static void add(char hello[static HELLO_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add(char hello[static HELLO_MAX], const char *format, ...)
{
	size_t length = strlen(hello);
	va_list arguments;

	va_start(arguments, format);
	if (vsnprintf(hello + length, HELLO_MAX - length, format, arguments) < 0)
		abort();
	va_end(arguments);
}

/* Lines of a name and a number. */
static void say_hello(const struct front *front)
{
	const struct startup *startup = front->context.startup;
	char hello[HELLO_MAX] = "";

	add(hello, "control %d\n", control);
	add(hello, "channel %d\n", startup->channel);
	add(hello, "scratch %ld\ndeaf %ld\n", (long)scratch, (long)&deaf);
	add(hello, "hold %d\nheld %ld\n", hold.fd, (long)&held);
	add(hello, "message %zu\n", sizeof(struct channel_message));
	add(hello, "peer %zu\n", offsetof(struct channel_message, request.peer));
	add(hello, "local %zu\n", offsetof(struct channel_message, request.local));
	for (size_t i = 0; i < startup->settings->n_endpoints; i++)
		add(hello, "listener-%zu %d\n", i, startup->listeners[i]->fd);
	for (uint32_t i = 1; i < CHANNEL_TYPES; i++)
		add(hello, "%s %u\n", channel_traits(i)->name, i);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		add(hello, "%s %ld\n", calls[i].name, calls[i].number);
	if (send(control, hello, strlen(hello), MSG_NOSIGNAL) < 0)
		abort();
}

static void on_readable(struct uplink *uplink)
{
	struct channel_message message;
	int fd = -1;

	if (!atomic_load(&deaf)) {
		honest->on_readable(uplink);
		return;
	}
	switch (channel_receive(uplink->watch.fd, &message, &fd)) {
	case 0:
		honest->on_readable(uplink); /* the keeper has gone */
		break;
	case 1:
		if (fd >= 0)
			close(fd);
	}
}

static void on_hold(struct watch *watch)
{
	uint64_t count;

	(void)!read(watch->fd, &count, sizeof(count));
	atomic_store(&held, 1);
	(void)!read(watch->fd, &count, sizeof(count));
	atomic_store(&held, 0);
}

int __wrap_uplink_start(struct uplink *uplink, struct poller *poller, struct timers *timers)
{
	static struct uplink_events events;

	honest = uplink->events;
	events = *honest;
	events.on_readable = on_readable;
	uplink->events = &events;
	if (watch_add(&hold, poller, eventfd(0, EFD_CLOEXEC), WATCH_READ, on_hold) < 0)
		abort();
	say_hello(container_of(uplink, struct front, uplink));
	start_thread();
	return __real_uplink_start(uplink, poller, timers);
}

int __wrap_front_main(const struct startup *startup)
{
	struct sockaddr_un test = { .sun_family = AF_UNIX };
	const char *path = getenv("SUPERD_OWNED");

	if (!path || snprintf(test.sun_path, sizeof(test.sun_path), "%s", path) < 0)
		abort();
	control = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (control < 0 || connect(control, (struct sockaddr *)&test, sizeof(test)) < 0)
		abort();
	return __real_front_main(startup);
}
