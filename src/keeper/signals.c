#include "keeper/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/reload-answer.h"

/* One SIGCHLD may stand for any number of children. */
static void reap(struct signals *signals)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		signals->events->on_reaped(signals, pid, status);
}

/* Whoever can send the signal can as well send another one, so the process id is believed. */
static pid_t asker_of(const struct signalfd_siginfo *info)
{
	return info->ssi_pid > 1 && info->ssi_pid <= INT32_MAX ? (pid_t)info->ssi_pid : 0;
}

static void on_hup(struct signals *signals, const struct signalfd_siginfo *info)
{
	bool is_queued = info->ssi_code == SI_QUEUE;
	bool again = is_queued && info->ssi_int == RELOAD_REQUEST_AGAIN;
	bool asks = again || (is_queued && info->ssi_int == RELOAD_REQUEST);

	signals->events->on_reload(signals, asks ? asker_of(info) : 0, again);
}

static void on_signal(struct signals *signals, const struct signalfd_siginfo *info)
{
	switch (info->ssi_signo) {
	case SIGCHLD:
		reap(signals);
		break;
	case SIGHUP:
		on_hup(signals, info);
		break;
	case SIGUSR1:
		signals->events->on_report(signals);
		break;
	default:
		signals->events->on_stop(signals, (int)info->ssi_signo);
	}
}

static void on_readable(struct watch *watch)
{
	struct signals *signals = container_of(watch, struct signals, watch);
	struct signalfd_siginfo found[8];
	ssize_t n = read(signals->fd, found, sizeof(found));

	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(found[0]); i++)
		on_signal(signals, &found[i]);
}

int signals_init(struct signals *signals, struct poller *poller,
		 const struct signals_events *events)
{
	sigset_t wanted;
	int r;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGUSR1);
	*signals = (struct signals){ .events = events };
	signals->fd = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
	if (signals->fd < 0)
		return -errno;
	r = watch_add(&signals->watch, poller, signals->fd, WATCH_READ, on_readable);
	if (r < 0)
		close(take_fd(signals->fd));
	return r;
}

void signals_fini(struct signals *signals)
{
	watch_remove(&signals->watch);
	close(take_fd(signals->fd));
}
