#include "net/poller.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "net/poller-epoll.h"
#include "net/poller-select.h"

/* A turn of select costs about 50 ns for each watch: for 64 that is 3% of a program's start. */
#define SELECT_WATCHES_MAX 64

struct poller {
	const struct poller_backend *backend;
	void *state;
	bool may_move; /* to epoll, once select cannot take a descriptor, or is slow */
	size_t n_watches;
	bool unlisted;
	int64_t woken_ms;
	struct list watches;
	struct list ready;
};

DEFINE_AUTO(struct poller, poller_free);

int poller_new(struct poller **out, enum poller_kind kind)
{
	AUTO(auto_poller_free) struct poller *poller = NULL;
	int r;

	poller = calloc(1, sizeof(*poller));
	if (!poller)
		return -ENOMEM;

	poller->unlisted = kind == POLLER_UNLISTED;
	poller->may_move = kind == POLLER_AUTO;
	poller->backend = kind == POLLER_EPOLL || poller->unlisted ? &poller_epoll : &poller_select;
	list_init(&poller->watches);
	list_init(&poller->ready);

	r = poller->backend->open(&poller->state);
	if (r < 0)
		return r;

	*out = take_ptr(poller);
	return 0;
}

void poller_free(struct poller *poller)
{
	if (!poller)
		return;

	list_for_each(at, following, &poller->watches) {
		struct watch *watch = container_of(at, struct watch, link);

		list_unlink(&watch->ready_link);
		list_unlink(&watch->link);
		watch->poller = NULL;
	}
	poller->backend->close(poller->state);
	free(poller);
}

const char *poller_name(const struct poller *poller)
{
	return poller->backend->name;
}

int poller_run(struct poller *poller, int timeout_ms)
{
	int r;

	r = poller->backend->wait(poller->state, &poller->ready, timeout_ms);
	if (r < 0)
		return r == -EINTR ? 0 : r;

	poller->woken_ms = clock_ms();
	while (list_is_linked(&poller->ready)) {
		struct watch *watch = container_of(poller->ready.next, struct watch, ready_link);

		list_unlink(&watch->ready_link);
		watch->fn(watch);
	}

	return 0;
}

int64_t poller_woken_ms(const struct poller *poller)
{
	return poller->woken_ms;
}

/* On failure nothing has changed. */
static int move_to_epoll(struct poller *poller)
{
	void *state;
	int r;

	r = poller_epoll.open(&state);
	if (r < 0)
		return r;

	list_for_each(at, following, &poller->watches) {
		r = poller_epoll.add(state, container_of(at, struct watch, link));
		if (r < 0) {
			poller_epoll.close(state);
			return r;
		}
	}

	poller->backend->close(poller->state);
	poller->backend = &poller_epoll;
	poller->state = state;
	poller->may_move = false;
	return 0;
}

int watch_add(struct watch *watch, struct poller *poller, int fd, unsigned wanted, watch_fn *fn)
{
	int r;

	assert(!watch->poller);

	watch->fd = fd;
	watch->wanted = wanted;
	watch->ready = 0;
	watch->fn = fn;
	list_init(&watch->link);
	list_init(&watch->ready_link);

	/* If that fails, select goes on. */
	if (poller->may_move && poller->n_watches >= SELECT_WATCHES_MAX)
		(void)move_to_epoll(poller);

	watch->poller = poller;
	r = poller->backend->add(poller->state, watch);
	/* The other thread may have used the watch already, and even freed it. */
	if (r == 0 && poller->unlisted)
		return 0;

	if (r == -ERANGE && poller->may_move) {
		r = move_to_epoll(poller);
		if (r == 0)
			r = poller->backend->add(poller->state, watch);
	}
	if (r < 0) {
		watch->poller = NULL;
		return r;
	}

	list_add_before(&poller->watches, &watch->link);
	poller->n_watches++;
	return 0;
}

int watch_change(struct watch *watch, unsigned wanted)
{
	unsigned old = watch->wanted;
	int r;

	assert(watch->poller);

	if (wanted == old)
		return 0;

	watch->wanted = wanted;
	r = watch->poller->backend->change(watch->poller->state, watch, old);
	if (r < 0) {
		watch->wanted = old;
		return r;
	}

	watch->ready &= wanted;
	if (!watch->ready)
		list_unlink(&watch->ready_link);
	return 0;
}

void watch_suspend(struct watch *watch)
{
	watch->poller->backend->remove(watch->poller->state, watch);
}

int watch_resume(struct watch *watch)
{
	return watch->poller->backend->add(watch->poller->state, watch);
}

void watch_remove(struct watch *watch)
{
	if (!watch->poller)
		return;

	watch->poller->backend->remove(watch->poller->state, watch);
	list_unlink(&watch->ready_link);
	if (!watch->poller->unlisted) {
		list_unlink(&watch->link);
		watch->poller->n_watches--;
	}
	watch->poller = NULL;
}
