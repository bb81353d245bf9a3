#include "front/session/worker.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

/* A turn needs little stack, and the part that is not used takes no memory. */
#define STACK_SIZE (128 * 1024)

struct worker {
	struct loop loop;
	struct watch stop; /* owns an eventfd; -1 when there is none */
	bool stopping;     /* the thread's own */
	bool running;
	pthread_t thread;
	sem_t started; /* posted by the thread */
};

struct workers {
	size_t n;
	struct worker worker[];
};

DEFINE_AUTO(struct workers, workers_free);

static void on_stop(struct watch *watch)
{
	container_of(watch, struct worker, stop)->stopping = true;
}

static void *run(void *argument)
{
	struct worker *worker = argument;

	(void)pthread_setname_np(pthread_self(), "superd-worker");
	/* A worker that preempts the sender would get many small batches, not a large one. */
	(void)sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){ 0 });
	(void)sem_post(&worker->started);
	while (!worker->stopping)
		/* This worker's clients would never be served. The keeper starts another front. */
		if (poller_run(worker->loop.poller, -1) < 0)
			abort();
	return NULL;
}

static void worker_fini(struct worker *worker)
{
	if (worker->stop.fd >= 0)
		close(worker->stop.fd);
	poller_free(worker->loop.poller);
	free(worker->loop.incoming);
}

static int worker_init(struct worker *worker)
{
	int r;

	*worker = (struct worker){ .stop.fd = -1 };
	worker->loop.incoming = malloc(LOOP_INCOMING);
	if (!worker->loop.incoming)
		return -ENOMEM;
	r = poller_new(&worker->loop.poller, POLLER_UNLISTED);
	if (r < 0)
		return r;
	worker->stop.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->stop.fd < 0)
		return -errno;
	return watch_add(&worker->stop, worker->loop.poller, worker->stop.fd, WATCH_READ, on_stop);
}

/* A thread makes system calls as it begins that it may not make later. */
static void await_start(struct worker *worker)
{
	while (sem_wait(&worker->started) < 0 && errno == EINTR)
		;
	sem_destroy(&worker->started);
}

static int start_thread(struct worker *worker)
{
	sigset_t all, old;
	pthread_attr_t attributes;
	int error;

	(void)sem_init(&worker->started, 0, 0);
	error = pthread_attr_init(&attributes);
	if (error)
		return -error;
	(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&worker->thread, &attributes, run, worker);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);

	pthread_attr_destroy(&attributes);
	if (error)
		return -error;
	worker->running = true;
	await_start(worker);
	return 0;
}

/*
 * With memory of its own, a thread that gives some back to the system reads a file of /proc before,
 * in the GNU C library. The front may not open files.
 */
static void share_memory(void)
{
#ifdef M_ARENA_MAX
	(void)mallopt(M_ARENA_MAX, 1);
#endif
}

int workers_new(struct workers **out, unsigned n)
{
	AUTO(auto_workers_free) struct workers *workers = NULL;

	share_memory();
	workers = malloc(sizeof(*workers) + n * sizeof(workers->worker[0]));
	if (!workers)
		return -ENOMEM;

	for (workers->n = 0; workers->n < n; workers->n++) {
		struct worker *worker = &workers->worker[workers->n];
		int r = worker_init(worker);

		if (r == 0)
			r = start_thread(worker);
		if (r < 0) {
			worker_fini(worker);
			log_warning(r, "cannot start more than %zu of %u workers", workers->n, n);
			break;
		}
	}

	*out = take_ptr(workers);
	return 0;
}

size_t workers_count(const struct workers *workers)
{
	return workers->n;
}

struct loop *workers_loop(struct workers *workers, size_t i)
{
	return &workers->worker[i].loop;
}

struct loop *workers_least(struct workers *workers)
{
	struct loop *least = NULL;

	for (size_t i = 0; i < workers->n; i++)
		if (!least || workers->worker[i].loop.load < least->load)
			least = &workers->worker[i].loop;
	return least;
}

void workers_stop(struct workers *workers)
{
	const uint64_t one = 1;

	if (!workers)
		return;
	for (size_t i = 0; i < workers->n; i++)
		if (workers->worker[i].running)
			(void)!write(workers->worker[i].stop.fd, &one, sizeof(one));

	for (size_t i = 0; i < workers->n; i++) {
		if (workers->worker[i].running)
			(void)pthread_join(workers->worker[i].thread, NULL);
		workers->worker[i].running = false;
	}
}

void workers_free(struct workers *workers)
{
	if (!workers)
		return;

	workers_stop(workers);
	for (size_t i = 0; i < workers->n; i++)
		worker_fini(&workers->worker[i]);
	free(workers);
}
