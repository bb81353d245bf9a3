#include "front/overrun.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/packet.h"
#include "front/state.h"

#define SAY_EVERY_MS 10000 /* of each service */

uint32_t overrun_count(_Atomic uint32_t *counted, uint32_t told)
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

	service->next_overrun = atomic_load(&front->overruns);
	while (!atomic_compare_exchange_weak(&front->overruns, &service->next_overrun, service))
		;
	(void)!write(front->overrun_wake.fd, &one, sizeof(one));
}

void overrun_look(struct front_service *service, _Atomic uint32_t *counted,
		  const struct msghdr *received)
{
	uint32_t told, fresh;

	if (!counted || !packet_drops(received, &told))
		return;
	fresh = overrun_count(counted, told);
	if (fresh == 0)
		return;
	atomic_fetch_add(&front_board(service)->overrun, fresh);
	if (!atomic_exchange(&service->overrun_noted, true))
		tell_main_thread(service);
}

/* How many nobody has said: an elder front may be about to say some of them. */
static uint64_t take_unsaid(struct board_slot *board)
{
	uint64_t n = atomic_load(&board->overrun);
	uint64_t said = atomic_load(&board->overrun_said);

	do {
		if (said >= n)
			return 0;
	} while (!atomic_compare_exchange_weak(&board->overrun_said, &said, n));
	return n - said;
}

/* Returns whether there was anything to say. */
static bool say(struct front_service *service)
{
	const struct log_fields fields = { .service = service->settings->name, .event = "overrun" };
	uint64_t n = take_unsaid(front_board(service));

	if (n > 0)
		log_event(LOG_WARNING, &fields, 0,
			  "service '%s': the kernel dropped %llu datagram%s, its queue was full; "
			  "see 'rcvbuf'",
			  service->settings->name, (unsigned long long)n, n == 1 ? "" : "s");
	return n > 0;
}

static void say_and_wait(struct timer *timer)
{
	struct front_service *service = container_of(timer, struct front_service, overrun_timer);

	/* In this order: what is counted after the look tells of itself. */
	atomic_store(&service->overrun_noted, false);
	if (!say(service))
		return;
	atomic_store(&service->overrun_noted, true);
	(void)timer_set(timer, service->front->timers, clock_ms() + SAY_EVERY_MS, say_and_wait);
}

static void on_overruns(struct watch *watch)
{
	struct front *front = container_of(watch, struct front, overrun_wake);
	struct front_service *service, *next;
	uint64_t n;

	(void)!read(watch->fd, &n, sizeof(n));
	for (service = atomic_exchange(&front->overruns, NULL); service; service = next) {
		next = service->next_overrun;
		if (!service->overrun_timer.place)
			say_and_wait(&service->overrun_timer);
	}
}

int overrun_start(struct front *front)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int r;

	if (fd < 0)
		return -errno;
	r = watch_add(&front->overrun_wake, front->poller, fd, WATCH_READ, on_overruns);
	if (r < 0)
		close(fd);
	return r;
}

void overrun_say_rest(struct front *front)
{
	for (size_t i = 0; i < front->settings->n_services; i++)
		if (atomic_load(&front->services[i].overrun_noted))
			(void)say(&front->services[i]);
}

void overrun_stop(struct front *front)
{
	int fd = front->overrun_wake.fd;

	if (!front->overrun_wake.poller)
		return;
	watch_remove(&front->overrun_wake);
	close(fd);
}
