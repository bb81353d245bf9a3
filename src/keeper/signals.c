/*
 * Signals, read from a descriptor: there are no handlers. HUP reloads, USR1 reports,
 * TERM and INT stop, CHLD says that children have ended.
 */

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/settings.h"
#include "keeper/pool/pools.h"
#include "keeper/fronts/front.h"
#include "keeper/notify.h"
#include "keeper/state.h"

/* After the grace time the fronts end their sessions themselves; one that does not is stuck. */
#define STOP_EXTRA_MS 2000

/* And what the keeper then has to do is soon done. */
#define SERVICE_MANAGER_EXTRA_MS 10000

static void on_child(struct keeper *keeper, pid_t pid, int status)
{
	struct front *front;

	if (children_reaped(&keeper->children, pid, status))
		return;
	front = fronts_find(&keeper->fronts, pid);
	if (front)
		front_reaped(front, status);
	else if (keeper->reload.state == RELOAD_REHEARSING && pid == keeper->reload.rehearsal.pid &&
		 !keeper->stopping)
		reload_rehearsed(keeper, status);
}

/* Signals coalesce: one may stand for any number of children. */
static void reap(struct keeper *keeper)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		on_child(keeper, pid, status);
}

static void on_stop_limit(struct timer *timer)
{
	struct keeper *keeper = container_of(timer, struct keeper, stop_limit);

	fronts_kill(&keeper->fronts);
	requests_give_up(&keeper->requests);
	keeper_stop_if_over(keeper);
}

static void stop(struct keeper *keeper, const char *why)
{
	int64_t grace = keeper->generation->settings->grace_ms;

	if (keeper->stopping) {
		log_warning(0, "%s again: not waiting for sessions", why);
		on_stop_limit(&keeper->stop_limit);
		return;
	}
	log_info("%s: stopping; sessions have %lld s, programs finish their clients", why,
		 (long long)grace / 1000);
	notify_stopping("Finishing sessions", grace + STOP_EXTRA_MS + SERVICE_MANAGER_EXTRA_MS);
	keeper->stopping = true;
	reload_abort(keeper);
	timer_cancel(&keeper->restart);
	pools_stop(&keeper->pools);
	unread_stop(&keeper->requests.unread);
	listener_table_close(&keeper->listener_table);
	fronts_drain(&keeper->fronts, grace ? (uint32_t)grace : 1);
	(void)timer_set(&keeper->stop_limit, keeper->timers, clock_ms() + grace + STOP_EXTRA_MS,
			on_stop_limit);
	keeper_stop_if_over(keeper);
}

static void on_signal(struct watch *watch)
{
	struct keeper *keeper = container_of(watch, struct keeper, signal_watch);
	struct signalfd_siginfo signals[8];
	ssize_t n = read(keeper->signal_fd, signals, sizeof(signals));

	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(signals[0]); i++) {
		switch (signals[i].ssi_signo) {
		case SIGCHLD:
			reap(keeper);
			break;
		case SIGHUP:
			if (!keeper->stopping)
				reload_begin(keeper);
			break;
		case SIGUSR1:
			report_state(keeper);
			break;
		default:
			stop(keeper, signals[i].ssi_signo == SIGINT ? "interrupted" : "terminated");
		}
	}
}

int signals_open(struct keeper *keeper)
{
	sigset_t wanted;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGUSR1);
	keeper->signal_fd = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
	if (keeper->signal_fd < 0)
		return -errno;
	return watch_add(&keeper->signal_watch, keeper->poller, keeper->signal_fd, WATCH_READ,
			 on_signal);
}
