#include "net/poller-epoll.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* The most descriptors that are served before timers and the rest of the loop have their turn. */
#define EVENTS_MAX 256

struct state {
	int fd;
	struct epoll_event events[EVENTS_MAX];
};

static int epoll_open(void **out)
{
	struct state *state;

	state = malloc(sizeof(*state));
	if (!state)
		return -ENOMEM;

	state->fd = epoll_create1(EPOLL_CLOEXEC);
	if (state->fd < 0) {
		int r = -errno;

		free(state);
		return r;
	}

	*out = state;
	return 0;
}

static void epoll_close(void *data)
{
	struct state *state = data;

	if (!state)
		return;
	close(state->fd);
	free(state);
}

static int control(const struct state *state, int operation, struct watch *watch)
{
	struct epoll_event event = { .data.ptr = watch };

	if (watch->wanted & WATCH_READ)
		event.events |= EPOLLIN;
	if (watch->wanted & WATCH_WRITE)
		event.events |= EPOLLOUT;

	return epoll_ctl(state->fd, operation, watch->fd, &event) < 0 ? -errno : 0;
}

/* epoll reports a hang-up even where nothing is wanted, so a watch that wants nothing stays out. */
static int epoll_add(void *state, struct watch *watch)
{
	return watch->wanted ? control(state, EPOLL_CTL_ADD, watch) : 0;
}

static int epoll_change(void *state, struct watch *watch, unsigned old)
{
	if (!old)
		return control(state, EPOLL_CTL_ADD, watch);
	return control(state, watch->wanted ? EPOLL_CTL_MOD : EPOLL_CTL_DEL, watch);
}

static void epoll_remove(void *state, struct watch *watch)
{
	if (watch->wanted)
		(void)control(state, EPOLL_CTL_DEL, watch);
}

static int epoll_await(void *data, struct list *ready, int timeout_ms)
{
	struct state *state = data;
	int n;

	n = epoll_wait(state->fd, state->events, EVENTS_MAX, timeout_ms);
	if (n < 0)
		return -errno;

	for (int i = 0; i < n; i++) {
		uint32_t events = state->events[i].events;
		unsigned seen = 0;

		if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			seen |= WATCH_READ;
		if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
			seen |= WATCH_WRITE;
		watch_mark(state->events[i].data.ptr, seen, ready);
	}

	return 0;
}

const struct poller_backend poller_epoll = {
	.name = "epoll",
	.open = epoll_open,
	.close = epoll_close,
	.add = epoll_add,
	.change = epoll_change,
	.remove = epoll_remove,
	.wait = epoll_await,
};
