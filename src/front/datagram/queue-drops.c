#include "front/datagram/queue-drops.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/datagram/packet.h"
#include "front/state.h"

#define SAY_EVERY_MS 10000 /* of each service */

uint32_t queue_drops_count(_Atomic uint32_t *counted, uint32_t told)
{
	uint32_t before = atomic_load(counted);

	do {
		/* Another thread, or front, has read a later datagram of the socket. */
		if ((int32_t)(told - before) <= 0)
			return 0;
	} while (!atomic_compare_exchange_weak(counted, &before, told));
	return told - before;
}

static void tell_main_thread(struct front_service *service)
{
	struct front *front = service->front;
	const uint64_t one = 1;

	service->next_drops = atomic_load(&front->drops);
	while (!atomic_compare_exchange_weak(&front->drops, &service->next_drops, service))
		;
	(void)!write(front->drops_wake.fd, &one, sizeof(one));
}

void queue_drops_look(struct front_service *service, _Atomic uint32_t *counted,
		      const struct msghdr *received)
{
	uint32_t told, fresh;

	if (!counted || !packet_drops(received, &told))
		return;
	fresh = queue_drops_count(counted, told);
	if (fresh == 0)
		return;
	atomic_fetch_add(&service->stats->queue_drops, fresh);
	if (!atomic_exchange(&service->drops_noted, true))
		tell_main_thread(service);
}

/* How many are not logged yet. An older front may be logging some of them now. */
static uint64_t take_unreported(struct service_stats *stats)
{
	uint64_t n = atomic_load(&stats->queue_drops);
	uint64_t said = atomic_load(&stats->queue_drops_logged);

	do {
		if (said >= n)
			return 0;
	} while (!atomic_compare_exchange_weak(&stats->queue_drops_logged, &said, n));
	return n - said;
}

/* Returns whether there was anything to log. */
static bool say(struct front_service *service)
{
	const struct log_fields fields = { .service = service->settings->name, .event = "overrun" };
	uint64_t n = take_unreported(service->stats);

	if (n > 0)
		log_event(LOG_WARNING, &fields, 0,
			  "service '%s': the kernel dropped %llu datagram%s, its queue was full; "
			  "see 'rcvbuf'",
			  service->settings->name, (unsigned long long)n, n == 1 ? "" : "s");
	return n > 0;
}

static void say_and_wait(struct timer *timer)
{
	struct front_service *service = container_of(timer, struct front_service, drops_timer);

	/* In this order, because drops that are counted after say() must wake this thread again. */
	atomic_store(&service->drops_noted, false);
	if (!say(service))
		return;
	atomic_store(&service->drops_noted, true);
	(void)timer_set(timer, service->context->timers, clock_ms() + SAY_EVERY_MS, say_and_wait);
}

static void on_queue_drops(struct watch *watch)
{
	struct front *front = container_of(watch, struct front, drops_wake);
	struct front_service *service, *next;
	uint64_t n;

	(void)!read(watch->fd, &n, sizeof(n));
	for (service = atomic_exchange(&front->drops, NULL); service; service = next) {
		next = service->next_drops;
		if (!timer_is_set(&service->drops_timer))
			say_and_wait(&service->drops_timer);
	}
}

int queue_drops_start(struct front *front)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int r;

	if (fd < 0)
		return -errno;
	r = watch_add(&front->drops_wake, front->context.poller, fd, WATCH_READ, on_queue_drops);
	if (r < 0)
		close(fd);
	return r;
}

void queue_drops_say_rest(struct front *front)
{
	for (size_t i = 0; i < front->settings->n_services; i++)
		if (atomic_load(&front->services[i].drops_noted))
			(void)say(&front->services[i]);
}

void queue_drops_stop(struct front *front)
{
	int fd = front->drops_wake.fd;

	if (!front->drops_wake.poller)
		return;
	watch_remove(&front->drops_wake);
	close(fd);
}
