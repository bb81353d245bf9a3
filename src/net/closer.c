#include "net/closer.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/process-title.h"
#include "net/timer.h"

/* A hostile front sends one descriptor and is killed then, so these are many. */
#define PROCESSES_MAX 16
#define WAITING_MAX 256

/* Nobody else uses it. It only interrupts. */
#define CLOSER_SIGNAL SIGVTALRM

/* How soon after a failure, or while all processes wait, another attempt is made. */
#define PAUSE_FIRST_MS 10
#define PAUSE_MAX_MS 10000

/* How long a close() may wait. */
#define GUARD_MS 50

static struct {
	struct timers *timers; /* NULL: this process is not the keeper, and closes all itself */
	struct timer timer;
	struct backoff pause;
	size_t n_processes;
	int waiting[WAITING_MAX];
	size_t n_waiting;
	bool full; /* which was logged */

	timer_t alarm;
	bool has_alarm;
} closer;

/* The child has a copy of the keeper's memory, which may be large, but only until it ends. */
static char stack[64 * 1024] __attribute__((__aligned__(16)));

/* In the child. Its death when the keeper ends sets the keeper's other descriptors free. */
static int close_and_end(void *fd)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "superd-close");
	process_title_set("closing a connection");
	(void)close(*(const int *)fd);
	return 0;
}

/* Without a signal for its end the child is one for __WCLONE only. */
static bool begin(int fd)
{
	if (closer.n_processes == PROCESSES_MAX ||
	    clone(close_and_end, stack + sizeof(stack), CLONE_FILES, &fd) < 0)
		return false;
	closer.n_processes++;
	return true;
}

static void reap(void)
{
	pid_t pid = 1;

	while (closer.n_processes > 0 && pid > 0) {
		pid = waitpid(-1, NULL, __WCLONE | WNOHANG);
		if (pid > 0)
			closer.n_processes--;
		else if (pid < 0)
			closer.n_processes = 0;
	}
}

static void on_timer(struct timer *timer);

static void look_again(void)
{
	if (!timer_is_set(&closer.timer) && (closer.n_processes > 0 || closer.n_waiting > 0))
		(void)timer_set(&closer.timer, closer.timers,
				clock_ms() +
					backoff_next(&closer.pause, PAUSE_FIRST_MS, PAUSE_MAX_MS),
				on_timer);
}

static void begin_waiting(void)
{
	while (closer.n_waiting > 0 && begin(closer.waiting[closer.n_waiting - 1]))
		closer.n_waiting--;
}

static void on_timer(struct timer *timer)
{
	reap();
	begin_waiting();
	look_again();
}

static void wait_for_a_process(int fd)
{
	if (closer.n_waiting < WAITING_MAX) {
		closer.waiting[closer.n_waiting++] = fd;
		return;
	}
	if (!closer.full)
		log_error(0, "descriptors that fronts have sent cannot be closed; they stay open");
	closer.full = true;
}

void closer_close(int fd)
{
	if (fd < 0)
		return;
	if (!closer.timers) {
		close(fd);
		return;
	}
	reap();
	backoff_reset(&closer.pause);
	if (!begin(fd))
		wait_for_a_process(fd);
	look_again();
}

/* The guard: signals that interrupt whatever waits */

static void on_signal(int number)
{
}

/*
 * The signal is blocked almost always. While it is pending the kernel does not set the timer again,
 * so all this costs nothing while nothing is closed.
 */
static void set_alarm(void)
{
	const struct timespec pause = { .tv_nsec = GUARD_MS * 1000000L };
	const struct itimerspec often = { pause, pause };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = CLOSER_SIGNAL };

	closer.has_alarm = timer_create(CLOCK_MONOTONIC, &event, &closer.alarm) == 0;
	if (closer.has_alarm)
		(void)timer_settime(closer.alarm, 0, &often, NULL);
}

/* Only here the signal may arrive: nothing else in the keeper is interrupted. */
static void begin_guard(sigset_t *before)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, CLOSER_SIGNAL);
	(void)sigprocmask(SIG_UNBLOCK, &signals, before);
}

static void end_guard(const sigset_t *before)
{
	(void)sigprocmask(SIG_SETMASK, before, NULL);
}

static bool lingers(int fd)
{
	struct linger linger = { 0 };
	socklen_t length = sizeof(linger);

	return getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &length) == 0 && linger.l_onoff;
}

void closer_release(int fd)
{
	sigset_t before;

	if (fd < 0)
		return;
	if (!closer.timers || lingers(fd)) {
		closer_close(fd);
		return;
	}
	begin_guard(&before);
	close(fd);
	end_guard(&before);
}

ssize_t closer_receive(int fd, struct msghdr *header, int flags)
{
	sigset_t before;
	ssize_t n;

	begin_guard(&before);
	n = recvmsg(fd, header, flags);
	end_guard(&before);
	return n;
}

bool closer_replace(int fd, int by)
{
	sigset_t before;
	bool replaced;

	if (lingers(fd)) {
		closer_close(fd);
		return false;
	}
	begin_guard(&before);
	replaced = dup3(by, fd, O_CLOEXEC) >= 0;
	if (!replaced)
		close(fd);
	end_guard(&before);
	return replaced;
}

/* Life */

void closer_init(struct timers *timers)
{
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	closer.timers = timers;
	(void)sigaction(CLOSER_SIGNAL, &action, NULL);
	set_alarm();
}

void closer_fini(void)
{
	reap();
	timer_cancel(&closer.timer);
	if (closer.has_alarm)
		timer_delete(closer.alarm);
	closer.has_alarm = false;
	closer.timers = NULL;
}

void closer_abandon(void)
{
	closer.timers = NULL;
}

size_t closer_count(void)
{
	reap();
	return closer.n_processes + closer.n_waiting;
}
