#include "base/bounded.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define LIMIT_MS 1000
#define LOOK_MS 5

/* Within this time, the waits in vain take ALL_MS together. */
#define WHILE_MS 10000
#define ALL_MS (2 * LIMIT_MS)

/* For a shorter wait nothing is begun. */
#define LEAST_MS 4

/* In memory that both processes share. */
struct work {
	int result;
	_Alignas(16) char data[];
};

static bool is_enabled;

/* The waits in vain took @wasted_ms; the first of them ended at @since_ms. */
static int64_t since_ms;
static int wasted_ms;

void bounded_enable(bool enabled)
{
	is_enabled = enabled;
	wasted_ms = 0;
}

/*
 * Each wait may take half of what is left: the first a second, and all together two. So a file
 * system that answers has time also after others that do not.
 */
static int find_limit(void)
{
	if (clock_ms() - since_ms >= WHILE_MS)
		wasted_ms = 0;
	return (ALL_MS - wasted_ms) / 2;
}

static void waste(int ms)
{
	if (wasted_ms == 0)
		since_ms = clock_ms();
	wasted_ms += ms;
}

/* A process that hangs must hold nothing open that others wait for. */
static void close_all_but(int fd)
{
	if (fd > STDERR_FILENO + 1)
		(void)close_range(STDERR_FILENO + 1, (unsigned)fd - 1, 0);
	(void)close_range(fd > STDERR_FILENO ? (unsigned)fd + 1 : STDERR_FILENO + 1, ~0U, 0);
}

/* For want of a descriptor. */
static bool look_for_end(pid_t pid, int limit_ms)
{
	for (int waited_ms = 0; waited_ms < limit_ms; waited_ms += LOOK_MS) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return true;
		(void)poll(NULL, 0, LOOK_MS);
	}
	return false;
}

/* Returns whether the process has ended in time, and was reaped. */
static bool wait_for(pid_t pid, int limit_ms)
{
	AUTO(auto_close) int process = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd ended = { .fd = process, .events = POLLIN };

	if (process < 0 ? look_for_end(pid, limit_ms) : poll(&ended, 1, limit_ms) != 0)
		return process < 0 || waitpid(pid, NULL, 0) == pid;
	kill(pid, SIGKILL);
	waste(limit_ms);
	return false;
}

static int run(struct work *work, bounded_fn *fn, void *data, size_t size, int fd)
{
	int limit_ms = find_limit();
	pid_t pid;

	if (limit_ms < LEAST_MS)
		return -ETIMEDOUT;
	memcpy(work->data, data, size);
	work->result = -EIO;
	pid = fork();
	if (pid < 0)
		return fn(data);
	if (pid == 0) {
		close_all_but(fd);
		work->result = fn(work->data);
		_exit(0);
	}
	if (!wait_for(pid, limit_ms))
		return -ETIMEDOUT;
	memcpy(data, work->data, size);
	return work->result;
}

int bounded_run(bounded_fn *fn, void *data, size_t size, int fd)
{
	struct work *work;
	int r;

	if (!is_enabled)
		return fn(data);
	work = mmap(NULL, sizeof(*work) + size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		    -1, 0);
	if (work == MAP_FAILED)
		return fn(data);
	r = run(work, fn, data, size, fd);
	munmap(work, sizeof(*work) + size);
	return r;
}
