#include "front/datagram/queue-drops.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/core/service.h"
#include "front/datagram/packet.h"

#define LOG_EVERY_MS 10000 /* of each service */

uint32_t queue_drops_count(uint32_t *counted, uint32_t told)
{
	uint32_t before = *counted;

	/* It was in the queue when the count began. */
	if ((int32_t)(told - before) <= 0)
		return 0;
	*counted = told;
	return told - before;
}

static void tell_main_thread(struct service_drops *drops)
{
	struct queue_drops *all = drops->all;
	const uint64_t one = 1;

	drops->next = atomic_load(&all->noted);
	while (!atomic_compare_exchange_weak(&all->noted, &drops->next, drops))
		;
	(void)!write(all->wake.fd, &one, sizeof(one));
}

void queue_drops_look(struct service_drops *drops, uint32_t *counted, const struct msghdr *received)
{
	uint32_t told, n;

	if (!packet_drops(received, &told))
		return;
	n = queue_drops_count(counted, told);
	if (n == 0)
		return;
	atomic_fetch_add(&drops->service->stats->queue_drops, n);
	atomic_fetch_add(&drops->unlogged, n);
	if (!atomic_exchange(&drops->is_noted, true))
		tell_main_thread(drops);
}

/* Returns whether there was anything to log. */
static bool log_drops(struct service_drops *drops)
{
	const char *name = drops->service->settings->name;
	const struct log_fields fields = { .service = name, .event = "overrun" };
	uint64_t n = atomic_exchange(&drops->unlogged, 0);

	if (n > 0)
		log_event(LOG_WARNING, &fields, 0,
			  "service '%s': the kernel dropped %llu datagram%s, its queue was full; "
			  "see 'rcvbuf'",
			  name, (unsigned long long)n, n == 1 ? "" : "s");
	return n > 0;
}

static void log_and_wait(struct timer *timer)
{
	struct service_drops *drops = container_of(timer, struct service_drops, timer);

	/* In this order: drops that are counted after the log line must wake this thread again. */
	atomic_store(&drops->is_noted, false);
	if (!log_drops(drops))
		return;
	atomic_store(&drops->is_noted, true);
	(void)timer_set(timer, drops->all->timers, clock_ms() + LOG_EVERY_MS, log_and_wait);
}

static void on_noted(struct watch *watch)
{
	struct queue_drops *all = container_of(watch, struct queue_drops, wake);
	struct service_drops *drops, *next;
	uint64_t n;

	(void)!read(watch->fd, &n, sizeof(n));
	for (drops = atomic_exchange(&all->noted, NULL); drops; drops = next) {
		next = drops->next;
		if (!timer_is_set(&drops->timer))
			log_and_wait(&drops->timer);
	}
}

int queue_drops_init(struct queue_drops *drops, struct poller *poller, struct timers *timers)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int r;

	if (fd < 0)
		return -errno;
	drops->timers = timers;
	r = watch_add(&drops->wake, poller, fd, WATCH_READ, on_noted);
	if (r < 0)
		close(fd);
	return r;
}

void queue_drops_fini(struct queue_drops *drops)
{
	int fd = drops->wake.fd;

	if (!drops->wake.poller)
		return;
	watch_remove(&drops->wake);
	close(fd);
}

void service_drops_init(struct service_drops *drops, struct queue_drops *all,
			const struct front_service *service)
{
	drops->all = all;
	drops->service = service;
}

void service_drops_log_rest(struct service_drops *drops)
{
	(void)log_drops(drops);
}

void service_drops_fini(struct service_drops *drops)
{
	timer_cancel(&drops->timer);
}
