#include "keeper/house.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "channel/board.h"
#include "config/settings.h"
#include "keeper/notify.h"

#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS 60000

static void forget(struct housed *housed)
{
	if (!housed)
		return;
	timer_cancel(&housed->retry);
	listener_free(housed->listener);
	free(housed->service);
	free(housed->key);
	free(housed);
}

DEFINE_AUTO(struct housed, forget);

static struct listener_options options_of(const struct service *service,
					  const struct endpoint *endpoint)
{
	bool datagrams = endpoint->type == SOCK_DGRAM;
	bool we_read = service->dispatch == DISPATCH_SESSION || service->dispatch == DISPATCH_SPAWN;

	return (struct listener_options){
		.backlog = service->socket.backlog,
		.rcvbuf = service->socket.rcvbuf,
		.sndbuf = service->socket.sndbuf,
		.packet_info = datagrams && we_read,
		.tell_overrun = datagrams && we_read,
		.blocking = service->dispatch == DISPATCH_POOL,
		.share_port = datagrams && service->dispatch == DISPATCH_SPAWN,
		.mode = service->socket.mode,
		.uid = service->socket.uid,
		.gid = service->socket.gid,
	};
}

/*
 * A smaller number of sockets is no reason to close one: it may have received datagrams. But a
 * program gets the first one alone.
 */
static void set_options(struct housed *housed, const struct service *service,
			const struct endpoint *endpoint)
{
	bool builtin = service->dispatch == DISPATCH_SESSION;

	housed->options = options_of(service, endpoint);
	housed->sockets = builtin && service->workers > 0 ? service->workers : 1;
	housed->reads_others = builtin;
}

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

static void warn_short(const struct housed *housed, const char *option, int asked, int granted)
{
	const char *limit = option[0] == 'r' ? "rmem_max" : "wmem_max";

	log_warning(0, "service '%s': '%s' is %d bytes instead of %d for %s; raise net.core.%s",
		    housed->service, option, granted, asked, housed->listener->endpoint.text,
		    limit);
}

/* Once for each size that is asked for. */
static void check_buffers(struct housed *housed)
{
	const struct listener_options *asked = &housed->options;
	struct buffer_sizes granted;

	if (asked->rcvbuf == 0 && asked->sndbuf == 0)
		return;
	granted = socket_buffers(housed->listener->fd);
	if (granted.receive < asked->rcvbuf && housed->rcvbuf_short_of != asked->rcvbuf) {
		housed->rcvbuf_short_of = asked->rcvbuf;
		warn_short(housed, "rcvbuf", asked->rcvbuf, granted.receive);
	}
	if (granted.send < asked->sndbuf && housed->sndbuf_short_of != asked->sndbuf) {
		housed->sndbuf_short_of = asked->sndbuf;
		warn_short(housed, "sndbuf", asked->sndbuf, granted.send);
	}
}

/* Another socket had the number before. A new one has no drops, one that was passed may have. */
static void count_drops_from_now(const struct housed *housed, size_t first)
{
	for (size_t i = first; i < listener_n_sockets(housed->listener); i++) {
		int fd = listener_socket(housed->listener, i);
		_Atomic uint32_t *counted = drops_of(housed->house->drops, fd);

		if (counted)
			*counted = socket_drops(fd);
	}
}

static void share(struct housed *housed)
{
	struct listener *listener = housed->listener;
	size_t before = listener_n_sockets(listener);
	int r;

	r = listener_share(listener, &housed->options, housed->sockets);
	count_drops_from_now(housed, before);
	if (r < 0)
		log_warning(r, "service '%s': cannot share %s among %u sockets, going on with %zu",
			    housed->service, listener->endpoint.text, housed->sockets,
			    listener_n_sockets(listener));
}

/* After it was bound. */
static void set_up(struct housed *housed)
{
	if (housed->listener->endpoint.type == SOCK_DGRAM) {
		count_drops_from_now(housed, 0);
		share(housed);
	}
	check_buffers(housed);
}

static struct inherited_socket *find_inherited(const struct housed *housed)
{
	struct inherited *inherited = housed->house->inherited;

	for (size_t i = 0; inherited && i < inherited->n; i++)
		if (inherited->sockets[i].fd >= 0 &&
		    listener_matches(housed->listener, inherited->sockets[i].fd))
			return &inherited->sockets[i];
	for (size_t i = 0; inherited && i < inherited->n; i++)
		if (inherited->sockets[i].fd >= 0 &&
		    strcmp(inherited->sockets[i].name, housed->service) == 0)
			return &inherited->sockets[i];
	return NULL;
}

static int bind_or_adopt(struct housed *housed)
{
	struct inherited_socket *passed = find_inherited(housed);
	int r;

	if (!passed)
		return listener_open(housed->listener, &housed->options);

	r = listener_adopt(housed->listener, passed->fd, &housed->options);
	if (r == 0)
		passed->fd = -1;
	return r;
}

static void try_again(struct timer *timer);

static void wait_to_retry(struct housed *housed, int error)
{
	housed->error = error;
	housed->pause_ms = housed->pause_ms ? housed->pause_ms * 2 : PAUSE_FIRST_MS;
	if (housed->pause_ms > PAUSE_MAX_MS)
		housed->pause_ms = PAUSE_MAX_MS;
	(void)timer_set(&housed->retry, housed->house->timers, clock_ms() + housed->pause_ms,
			try_again);
	log_warning(0, "service '%s': cannot listen on %s: %s; trying again in %lld s",
		    housed->service, housed->listener->endpoint.text, strerror(-error),
		    (long long)housed->pause_ms / 1000);
}

static int bind_first(struct housed *housed)
{
	int r = bind_or_adopt(housed);

	if (r == 0) {
		note_bound(housed);
		set_up(housed);
		return 0;
	}
	if (listener_may_retry(r)) {
		wait_to_retry(housed, r);
		return 0;
	}
	return log_error(r, "service '%s': cannot listen on %s%s", housed->service,
			 housed->listener->endpoint.text,
			 r == -EACCES ? " (ports below 1024 and protected folders need root)" : "");
}

/*
 * An error that no waiting mends refuses new settings; to a daemon that serves it is one more try.
 */
static void try_again(struct timer *timer)
{
	struct housed *housed = container_of(timer, struct housed, retry);
	int r = bind_or_adopt(housed);

	if (r < 0) {
		wait_to_retry(housed, r);
		return;
	}
	note_bound(housed);
	set_up(housed);
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
	set_options(housed, service, endpoint);

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
	int r;

	(void)set_service(housed, service);
	set_options(housed, service, endpoint);
	if (housed->listener->fd < 0)
		return;

	/* Children that share it may have changed that for themselves: it is set once. */
	if (was_blocking != housed->options.blocking && !housed->listener->busy)
		(void)fd_set_blocking(housed->listener->fd, housed->options.blocking);
	r = listener_apply(housed->listener, &housed->options);
	if (r < 0)
		log_warning(r, "service '%s': cannot change the socket options of %s, ignoring",
			    service->name, endpoint->text);
	share(housed);
	check_buffers(housed);
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
	struct housed *housed, *next;

	HASH_ITER(hh, house->by_key, housed, next)
	{
		if (housed->generations > 0)
			continue;
		if (housed->listener->fd >= 0)
			log_info("service '%s': no longer listening on %s", housed->service,
				 housed->listener->endpoint.text);
		HASH_DEL(house->by_key, housed);
		forget(housed);
	}
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
