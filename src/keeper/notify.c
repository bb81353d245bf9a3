#include "keeper/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"

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

/*
 * sd_notify() opens a socket each time. A number is kept free for it, because the watchdog must not
 * end a daemon that is only short of descriptors.
 *
 * If the manager does not listen, superd serves all the same.
 */
static void notify(const char *text)
{
	static int reserve = -1;

	if (reserve >= 0)
		close(reserve);
	(void)sd_notify(0, text);
	reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
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

void notify_watchdog(void)
{
	notify("WATCHDOG=1");
}

int64_t notify_watchdog_ms(void)
{
	uint64_t usec;

	return sd_watchdog_enabled(0, &usec) > 0 ? (int64_t)(usec / 1000) : 0;
}
