#include "keeper/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "net/timer.h"

#define WAITING_MAX 8
#define RETRY_MS 100

int activation_take(struct activation *out)
{
	char **names = NULL;
	int n;

	*out = (struct activation){ 0 };
	n = sd_listen_fds_with_names(1, &names);
	if (n <= 0) {
		free(names);
		return n;
	}

	out->sockets = calloc(n, sizeof(*out->sockets));
	for (int i = 0; out->sockets && i < n; i++)
		out->sockets[i] = (struct passed_socket){
			.fd = SD_LISTEN_FDS_START + i,
			.name = names[i],
		};
	free(names);
	if (!out->sockets)
		return -ENOMEM;
	out->n = n;
	return 0;
}

/* Messages that the manager had no room for. It empties its queue soon, unless it hangs. */
static struct {
	struct timers *timers;
	struct timer retry;
	char *texts[WAITING_MAX];
	size_t n;
} waiting;

/* Returns 0, or a negative errno: -EAGAIN when the manager has no room. */
static int send_to(const struct sockaddr_un *to, socklen_t length, const char *text)
{
	AUTO(auto_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	return sendto(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL,
		      (const struct sockaddr *)to, length) < 0
		       ? -errno
		       : 0;
}

/*
 * Not by sd_notify(), which waits until the manager has room. To reach a manager outside of this
 * machine is left to it.
 */
static int send_now(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	socklen_t length;

	if (!path || (path[0] != '/' && path[0] != '@'))
		return sd_notify(0, text);
	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path, strlen(path));
	length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	return send_to(&to, length, text);
}

/*
 * Each message opens a socket. A number is kept free for it, because the watchdog must not end a
 * daemon that is only short of descriptors.
 *
 * If the manager does not listen, superd serves all the same.
 */
static int try_to_send(const char *text)
{
	static int reserve = -1;
	int r;

	if (reserve >= 0)
		close(reserve);
	r = send_now(text);
	reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return r;
}

static void forget_first(void)
{
	free(waiting.texts[0]);
	memmove(waiting.texts, waiting.texts + 1, --waiting.n * sizeof(waiting.texts[0]));
}

static void retry(struct timer *timer)
{
	while (waiting.n > 0 && try_to_send(waiting.texts[0]) != -EAGAIN)
		forget_first();
	if (waiting.n > 0)
		(void)timer_set(timer, waiting.timers, clock_ms() + RETRY_MS, retry);
}

/* Of too many messages the oldest are lost: the newest say how superd is now. */
static void keep(const char *text)
{
	if (waiting.n == WAITING_MAX)
		forget_first();
	waiting.texts[waiting.n] = strdup(text);
	if (!waiting.texts[waiting.n])
		return;
	waiting.n++;
	if (!timer_is_set(&waiting.retry))
		(void)timer_set(&waiting.retry, waiting.timers, clock_ms() + RETRY_MS, retry);
}

static void notify(const char *text)
{
	if ((waiting.n > 0 || try_to_send(text) == -EAGAIN) && waiting.timers)
		keep(text);
}

void notify_init(struct timers *timers)
{
	waiting.timers = timers;
}

void notify_fini(void)
{
	timer_cancel(&waiting.retry);
	while (waiting.n > 0)
		forget_first();
	waiting.timers = NULL;
}

static void notify_with_status(const char *state, const char *status)
{
	char text[512];

	snprintf(text, sizeof(text), "%sSTATUS=%s", state, status);
	notify(text);
}

void notify_ready(const char *status)
{
	char state[64];

	snprintf(state, sizeof(state), "READY=1\nMAINPID=%ld\n", (long)getpid());
	notify_with_status(state, status);
}

void notify_reloading(void)
{
	char text[80];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_us());
	notify(text);
}

void notify_stopping(const char *status, int64_t patience_ms)
{
	char state[80];

	snprintf(state, sizeof(state), "STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld\n",
		 (long long)patience_ms * 1000);
	notify_with_status(state, status);
}

void notify_status(const char *status)
{
	notify_with_status("", status);
}

void notify_error(int error)
{
	char text[32];

	snprintf(text, sizeof(text), "ERRNO=%d", error < 0 ? -error : error);
	notify(text);
}

/* Not kept: it says that superd is well now. */
void notify_watchdog(void)
{
	if (waiting.n == 0)
		(void)try_to_send("WATCHDOG=1");
}

int64_t notify_watchdog_ms(void)
{
	uint64_t usec;

	return sd_watchdog_enabled(0, &usec) > 0 ? (int64_t)(usec / 1000) : 0;
}
