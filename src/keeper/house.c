#include "keeper/house.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "config/settings.h"
#include "keeper/house-sockets.h"
#include "keeper/inherited.h"

#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS 60000

/* An old front closes what is not served any more within the first of these, mostly. */
#define SOON_FIRST_MS 10
#define SOON_MAX_MS 320

static void forget(struct housed *housed)
{
	if (!housed)
		return;
	timer_cancel(&housed->retry);
	inherited_release(housed->house->inherited, housed);
	listener_free(housed->listener);
	free(housed->service);
	free(housed->key);
	free(housed);
}

DEFINE_AUTO(struct housed, forget);

/* Any free port is another one for each service that asks, so the service is part of the key. */
static char *key_of(const struct service *service, size_t number)
{
	const struct endpoint *endpoint = &service->endpoints[number - service->first_endpoint];
	char *key;
	int n;

	if (address_is_unix(&endpoint->address) || address_port(&endpoint->address) != 0)
		return strdup(endpoint->text);

	n = asprintf(&key, "%s %s %zu", endpoint->text, service->name,
		     number - service->first_endpoint);
	return n < 0 ? NULL : key;
}

static void note_bound(struct housed *housed)
{
	const struct log_fields fields = { .service = housed->service, .event = "listening" };
	char text[ADDRESS_TEXT_MAX];
	struct address bound;

	if (listener_address(housed->listener, &bound) == 0)
		housed->port = address_port(&bound);
	housed->error = 0;
	housed->pause_ms = 0;

	log_event(LOG_INFO, &fields, 0, "service '%s': listening on %s%s", housed->service,
		  listener_text(housed->listener, text),
		  housed->listener->adopted ? " (passed by the service manager)" : "");
}

static int adopt(struct housed *housed, struct inherited_socket *passed)
{
	int fd = fd_duplicate(passed->fd);
	int r;

	if (fd < 0)
		return fd;
	r = listener_adopt(housed->listener, fd, &housed->options);
	if (r < 0) {
		close(fd);
		return r;
	}
	passed->user = housed;
	return 0;
}

static int bind_or_adopt(struct housed *housed)
{
	struct inherited_socket *passed = inherited_find(housed->house->inherited, housed);

	return passed ? adopt(housed, passed) : listener_open(housed->listener, &housed->options);
}

static void try_again(struct timer *timer);

static void retry_in(struct housed *housed, int64_t ms)
{
	(void)timer_set(&housed->retry, housed->house->timers, clock_ms() + ms, try_again);
}

/* Something has changed that may have been the reason. */
static void retry_soon(struct housed *housed)
{
	housed->pause_ms = 0;
	housed->soon_ms = SOON_FIRST_MS;
	retry_in(housed, housed->soon_ms);
}

static void wait_to_retry(struct housed *housed, int error)
{
	housed->error = error;
	housed->pause_ms = housed->pause_ms ? housed->pause_ms * 2 : PAUSE_FIRST_MS;
	if (housed->pause_ms > PAUSE_MAX_MS)
		housed->pause_ms = PAUSE_MAX_MS;
	retry_in(housed, housed->pause_ms);
	log_service(LOG_WARNING, housed->service, 0,
		    "cannot listen on %s: %s; trying again in %lld s",
		    housed->listener->endpoint.text, strerror(-error),
		    (long long)housed->pause_ms / 1000);
}

static int bind_first(struct housed *housed)
{
	int r = bind_or_adopt(housed);

	if (r == 0) {
		note_bound(housed);
		housed_set_up(housed);
		return 0;
	}
	if (listener_may_retry(r)) {
		wait_to_retry(housed, r);
		return 0;
	}
	return log_service(LOG_ERR, housed->service, r, "cannot listen on %s%s",
			   housed->listener->endpoint.text,
			   r == -EACCES ? " (ports below 1024 and protected folders need root)"
					: "");
}

/*
 * An error that no waiting mends refuses new settings; to a daemon that serves it is one more try.
 */
static void try_again(struct timer *timer)
{
	struct housed *housed = container_of(timer, struct housed, retry);
	int r = bind_or_adopt(housed);

	if (r < 0 && housed->soon_ms > 0 && housed->soon_ms < SOON_MAX_MS) {
		housed->soon_ms *= 2;
		retry_in(housed, housed->soon_ms);
		return;
	}
	housed->soon_ms = 0;
	if (r < 0) {
		wait_to_retry(housed, r);
		return;
	}
	note_bound(housed);
	housed_set_up(housed);
	housed->n_read = listener_n_sockets(housed->listener);
	housed->house->bound(housed, housed->house->arg);
}

static int set_service(struct housed *housed, const struct service *service)
{
	char *name = strdup(service->name);

	if (!name)
		return -ENOMEM;
	free(housed->service);
	housed->service = name;
	return 0;
}

static int make(struct house *house, const struct service *service, size_t number, char *key,
		struct housed **out)
{
	const struct endpoint *endpoint = &service->endpoints[number - service->first_endpoint];
	AUTO(auto_forget) struct housed *housed = calloc(1, sizeof(*housed));
	int r;

	if (!housed) {
		free(key);
		return -ENOMEM;
	}
	housed->key = key;
	housed->house = house;
	housed_set_options(housed, service, endpoint);

	r = set_service(housed, service);
	if (r < 0)
		return r;
	r = listener_new(&housed->listener, endpoint);
	if (r < 0)
		return r;
	r = bind_first(housed);
	if (r < 0)
		return r;

	HASH_ADD_KEYPTR(hh, house->by_key, housed->key, strlen(housed->key), housed);
	if (!housed->hh.tbl)
		return -ENOMEM;
	*out = take_ptr(housed);
	return 0;
}

int house_take(struct house *house, const struct service *service, size_t number,
	       struct housed **out)
{
	char *key = key_of(service, number);
	int r = 0;

	if (!key)
		return -ENOMEM;

	HASH_FIND_STR(house->by_key, key, *out);
	if (*out)
		free(key);
	else
		r = make(house, service, number, key, out);
	if (r < 0)
		return r;

	(*out)->generations++;
	return 0;
}

void house_release(struct housed *housed)
{
	housed->generations--;
}

void house_apply(struct housed *housed, const struct service *service, size_t number)
{
	const struct endpoint *endpoint = &service->endpoints[number - service->first_endpoint];
	bool was_blocking = housed->options.blocking;
	bool had_freebind = housed->listener->endpoint.freebind;
	int r;

	(void)set_service(housed, service);
	housed_set_options(housed, service, endpoint);
	housed->listener->endpoint.freebind = endpoint->freebind;
	if (housed->listener->fd < 0) {
		if (endpoint->freebind && !had_freebind)
			retry_soon(housed);
		return;
	}

	/* Children that share it may have changed that for themselves: it is set once. */
	if (was_blocking != housed->options.blocking && !housed->listener->busy)
		(void)fd_set_blocking(housed->listener->fd, housed->options.blocking);
	r = listener_apply(housed->listener, &housed->options);
	if (r < 0)
		log_service(LOG_WARNING, service->name, r,
			    "cannot change the socket options of %s, ignoring", endpoint->text);
	housed_complete(housed);
}

void house_settle(struct housed *housed, bool applied)
{
	struct listener *listener = housed->listener;

	if (!applied)
		listener_unshare(listener, housed->n_read);
	else if (!housed->reads_others)
		listener_unshare(listener, 1);
	housed->n_read = listener_n_sockets(listener);
}

void house_sweep(struct house *house)
{
	char text[ADDRESS_TEXT_MAX];
	struct housed *housed, *next;
	bool closed = false;

	HASH_ITER(hh, house->by_key, housed, next)
	{
		if (housed->generations > 0)
			continue;
		if (housed->listener->fd >= 0)
			log_service(LOG_INFO, housed->service, 0, "no longer listening on %s",
				    listener_text(housed->listener, text));
		closed = closed || housed->listener->fd >= 0;
		HASH_DEL(house->by_key, housed);
		forget(housed);
	}
	for (struct housed *at = house->by_key; closed && at; at = at->hh.next)
		if (at->error == -EADDRINUSE)
			retry_soon(at);
}

void house_abandon(struct house *house, struct housed *const *kept, size_t n)
{
	for (size_t i = 0; i < n; i++)
		kept[i]->kept = true;
	for (struct housed *at = house->by_key; at; at = at->hh.next)
		if (!at->kept)
			listener_close(at->listener);
}

void house_close(struct house *house)
{
	for (struct housed *at = house->by_key; at; at = at->hh.next) {
		timer_cancel(&at->retry);
		listener_withdraw(at->listener);
	}
}

size_t house_count_unbound(const struct house *house)
{
	size_t n = 0;

	for (const struct housed *at = house->by_key; at; at = at->hh.next)
		n += at->listener->fd < 0;
	return n;
}
