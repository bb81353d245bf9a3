#include "keeper/pool/ready.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "net/closer.h"
#include "net/socket-options.h"

#define MESSAGES_MAX 32 /* a turn, because every process can write to the socket */
#define MESSAGE_SIZE 4096

/* After a message of somebody else nothing is read for this long. */
#define PAUSE_MS 50

/* So many are no accident. */
#define STRANGE_MAX 64

static bool says_ready(const char *text)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, "READY=1", 7) == 0 && (line[7] == '\n' || line[7] == '\0'))
			return true;
	}
	return false;
}

static struct ucred writer_of(struct msghdr *header)
{
	struct ucred writer = { 0 };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
			memcpy(&writer, CMSG_DATA(c), sizeof(writer));
	return writer;
}

static void note_strange(struct ready_socket *ready, const struct ucred *writer)
{
	if (++ready->n_strange == STRANGE_MAX)
		ready->events->flooded(ready, writer->pid, writer->uid);
}

/* There is no room for descriptors: nobody needs to send any. Returns whether to go on. */
static bool take_message(struct ready_socket *ready)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	char text[MESSAGE_SIZE + 1];
	struct iovec part = { .iov_base = text, .iov_len = MESSAGE_SIZE };
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control) };
	struct ucred writer;
	ssize_t n;

	n = closer_receive(ready->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return false;
	text[n] = '\0';
	writer = writer_of(&header);
	if (!ready->events->is_writer(ready, writer.pid))
		note_strange(ready, &writer);
	else if (says_ready(text))
		ready->events->said_ready(ready);
	/* To close them may have taken a moment. */
	if (header.msg_flags & MSG_CTRUNC) {
		note_strange(ready, &writer);
		return false;
	}
	return ready->fd >= 0;
}

void ready_look(struct ready_socket *ready)
{
	for (int i = 0; i < MESSAGES_MAX && ready->fd >= 0 && take_message(ready); i++)
		;
}

static void on_pause_over(struct timer *timer)
{
	struct ready_socket *ready = container_of(timer, struct ready_socket, pause);

	(void)watch_change(&ready->watch, WATCH_READ);
}

static void on_message(struct watch *watch)
{
	struct ready_socket *ready = container_of(watch, struct ready_socket, watch);
	unsigned before = ready->n_strange;

	ready_look(ready);
	if (ready->fd < 0 || ready->n_strange == before)
		return;
	if (timer_set(&ready->pause, ready->timers, clock_ms() + PAUSE_MS, on_pause_over) == 0)
		(void)watch_change(watch, 0);
}

/* "superd-" and 128 bits that nobody can guess. */
static int make_name(char out[static READY_NAME_SIZE])
{
	unsigned char bits[16];
	int n;

	if (getrandom(bits, sizeof(bits), GRND_NONBLOCK) != sizeof(bits))
		return -EAGAIN;
	n = snprintf(out, READY_NAME_SIZE, "@superd-");
	for (size_t i = 0; i < sizeof(bits); i++)
		n += snprintf(out + n, READY_NAME_SIZE - (size_t)n, "%02x", bits[i]);
	return 0;
}

static int bind_to(int fd, const char *name)
{
	struct sockaddr_un own = { .sun_family = AF_UNIX };
	size_t n = strlen(name);
	const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return -errno;
	memcpy(own.sun_path + 1, name + 1, n - 1);
	if (bind(fd, (const struct sockaddr *)&own,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		return -errno;
	return 0;
}

void ready_init(struct ready_socket *ready)
{
	*ready = (struct ready_socket){ .fd = -1 };
}

int ready_open(struct ready_socket *ready, struct poller *poller, struct timers *timers,
	       const struct ready_events *events)
{
	AUTO(auto_close) int fd = -1;
	int r;

	r = make_name(ready->name);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = bind_to(fd, ready->name);
	if (r < 0)
		return r;
	r = watch_add(&ready->watch, poller, fd, WATCH_READ, on_message);
	if (r < 0)
		return r;
	(void)socket_option_set(fd, SOL_SOCKET, SO_PASSRIGHTS, 0);
	ready->timers = timers;
	ready->events = events;
	ready->fd = take_fd(fd);
	return 0;
}

void ready_close(struct ready_socket *ready)
{
	if (ready->fd < 0)
		return;
	timer_cancel(&ready->pause);
	watch_remove(&ready->watch);
	closer_release(take_fd(ready->fd));
}
