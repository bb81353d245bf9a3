#include "keeper/listen/listener-table.h"

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
#include "keeper/listen/activation.h"
#include "keeper/listen/listener-failure.h"
#include "keeper/listen/listener-repair.h"
#include "keeper/listen/socket-record.h"

#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS 60000

/* An older front closes a socket that is not used any more, usually before the first retry. */
#define SOON_FIRST_MS 10
#define SOON_MAX_MS 320

#define VERIFY_PAUSE_MS 1000

void listener_table_init(struct listener_table *listener_table, struct timers *timers,
			 struct activation *activation,
			 void (*on_bound)(struct bound_listener *bound))
{
	*listener_table = (struct listener_table){
		.timers = timers,
		.activation = activation,
		.on_bound = on_bound,
	};
}

static void forget(struct bound_listener *bound)
{
	if (!bound)
		return;
	timer_cancel(&bound->retry);
	activation_release(bound->listener_table->activation, bound->listener);
	listener_free(bound->listener);
	socket_record_free(bound->lent);
	free(bound->service);
	free(bound->key);
	free(bound);
}

DEFINE_AUTO(struct bound_listener, forget);

/* With port 0 each service gets a port of its own, so the service is part of the key. */
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

static void note_bound(struct bound_listener *bound)
{
	const struct log_fields fields = { .service = bound->service, .event = "listening" };
	char text[ADDRESS_TEXT_MAX];

	bound->error = 0;
	backoff_reset(&bound->pause);

	log_event(LOG_INFO, &fields, 0, "service '%s': listening on %s%s", bound->service,
		  listener_text(bound->listener, text),
		  bound->listener->adopted ? " (passed by the service manager)" : "");
}

static int adopt(struct bound_listener *bound, struct passed_socket *passed)
{
	int fd = fd_duplicate(passed->fd);
	int r;

	if (fd < 0)
		return fd;
	r = listener_adopt(bound->listener, fd, &bound->policy.options);
	if (r < 0) {
		close(fd);
		return r;
	}
	passed->user = bound->listener;
	return 0;
}

/* Returns 0 without a socket if the listener is covered. */
static int bind_or_adopt(struct bound_listener *bound)
{
	struct activation *activation = bound->listener_table->activation;
	struct passed_socket *passed = activation_find(activation, bound->listener, bound->service);

	if (passed)
		return adopt(bound, passed);
	bound->covered = activation_covers(activation, bound->listener, bound->service);
	return bound->covered ? 0 : listener_open(bound->listener, &bound->policy.options);
}

static void try_again(struct timer *timer);

static void retry_in(struct bound_listener *bound, int64_t ms)
{
	(void)timer_set(&bound->retry, bound->listener_table->timers, clock_ms() + ms, try_again);
}

/* The reason of the last failure may be gone now. */
static void retry_soon(struct bound_listener *bound)
{
	backoff_reset(&bound->pause);
	backoff_reset(&bound->soon);
	retry_in(bound, backoff_next(&bound->soon, SOON_FIRST_MS, SOON_MAX_MS));
}

/* The process that has the address is looked for until @until_ms. */
static void wait_to_retry(struct bound_listener *bound, int64_t until_ms)
{
	int64_t pause_ms = backoff_next(&bound->pause, PAUSE_FIRST_MS, PAUSE_MAX_MS);

	retry_in(bound, pause_ms);
	listener_failure_log(bound->listener, bound->service, bound->error, until_ms, pause_ms);
}

void listener_table_started(struct listener_table *listener_table, bool serves)
{
	int64_t until_ms = clock_ms() + LISTENER_FAILURE_SEARCH_MS;

	listener_table->starting = false;
	for (struct bound_listener *at = listener_table->by_key; at; at = at->hh.next) {
		if (at->error && serves)
			wait_to_retry(at, until_ms);
		else if (at->error)
			listener_failure_log(at->listener, at->service, at->error, until_ms, 0);
	}
}

static void apply_policy(struct bound_listener *bound)
{
	listener_policy_apply(&bound->policy, bound->listener, bound->service);
}

static int bind_first(struct bound_listener *bound)
{
	int r = bind_or_adopt(bound);

	if (r == 0 && bound->covered)
		return 0;
	if (r == 0) {
		note_bound(bound);
		apply_policy(bound);
		return 0;
	}
	if (listener_may_retry(r)) {
		bound->error = r;
		if (!bound->listener_table->starting)
			wait_to_retry(bound, 0);
		return 0;
	}
	return listener_failure_log_final(bound->listener, bound->service, r);
}

static void tell_bound(struct bound_listener *bound)
{
	(void)fd_set_blocking(bound->listener->fd, bound->policy.options.blocking);
	apply_policy(bound);
	bound->n_read = listener_n_sockets(bound->listener);
	bound->listener_table->on_bound(bound);
}

/*
 * Tries again after every error. When settings are loaded, an error for which waiting does not help
 * refuses them. Here they are in force already, so to go on trying is all that can be done.
 */
static void try_again(struct timer *timer)
{
	struct bound_listener *bound = container_of(timer, struct bound_listener, retry);
	int r = bind_or_adopt(bound);

	int64_t soon_ms = bound->soon.pause_ms;

	if (r < 0 && soon_ms > 0 && soon_ms < SOON_MAX_MS) {
		retry_in(bound, backoff_next(&bound->soon, SOON_FIRST_MS, SOON_MAX_MS));
		return;
	}
	backoff_reset(&bound->soon);
	if (r < 0) {
		bound->error = r;
		wait_to_retry(bound, 0);
		return;
	}
	if (bound->covered)
		return;
	note_bound(bound);
	tell_bound(bound);
}

static int set_service(struct bound_listener *bound, const struct service *service)
{
	char *name = strdup(service->name);

	if (!name)
		return -ENOMEM;
	free(bound->service);
	bound->service = name;
	return 0;
}

/* With port 0 the second of a pair has the port of the first. Returns 0 for any other. */
static unsigned find_pair_port(const struct listener_table *listener_table,
			       const struct service *service, size_t number)
{
	const struct endpoint *second = &service->endpoints[number - service->first_endpoint];
	struct bound_listener *first = NULL;
	AUTO(auto_free) char *key = NULL;

	if (second->address.any.sa_family != AF_INET || address_port(&second->address) ||
	    number == service->first_endpoint || !endpoint_are_pair(second - 1, second))
		return 0;
	key = key_of(service, number - 1);
	if (key)
		HASH_FIND_STR(listener_table->by_key, key, first);
	return first ? first->listener->port : 0;
}

static int make(struct listener_table *listener_table, const struct service *service, size_t number,
		char *key, struct bound_listener **out)
{
	const struct endpoint *endpoint = &service->endpoints[number - service->first_endpoint];
	AUTO(auto_forget) struct bound_listener *bound = calloc(1, sizeof(*bound));
	int r;

	if (!bound) {
		free(key);
		return -ENOMEM;
	}
	bound->key = key;
	bound->listener_table = listener_table;
	listener_policy_set(&bound->policy, service, endpoint);

	r = set_service(bound, service);
	if (r < 0)
		return r;
	r = listener_new(&bound->listener, endpoint);
	if (r < 0)
		return r;
	bound->listener->port = find_pair_port(listener_table, service, number);
	r = bind_first(bound);
	if (r < 0)
		return r;

	HASH_ADD_KEYPTR(hh, listener_table->by_key, bound->key, strlen(bound->key), bound);
	if (!bound->hh.tbl)
		return -ENOMEM;
	*out = take_ptr(bound);
	return 0;
}

int listener_table_take(struct listener_table *listener_table, const struct service *service,
			size_t number, struct bound_listener **out)
{
	char *key = key_of(service, number);
	int r = 0;

	if (!key)
		return -ENOMEM;

	HASH_FIND_STR(listener_table->by_key, key, *out);
	if (*out)
		free(key);
	else
		r = make(listener_table, service, number, key, out);
	if (r < 0)
		return r;

	(*out)->generations++;
	return 0;
}

void listener_table_release(struct bound_listener *bound)
{
	bound->generations--;
}

void listener_table_apply(struct bound_listener *bound, const struct service *service,
			  size_t number)
{
	const struct endpoint *endpoint = &service->endpoints[number - service->first_endpoint];
	bool was_blocking = bound->policy.options.blocking;
	bool had_freebind = bound->listener->endpoint.freebind;
	int r;

	(void)set_service(bound, service);
	listener_policy_set(&bound->policy, service, endpoint);
	bound->listener->endpoint.freebind = endpoint->freebind;
	bound->listener->endpoint.paired = endpoint->paired;
	if (bound->listener->fd < 0) {
		if (endpoint->freebind && !had_freebind)
			retry_soon(bound);
		return;
	}

	/* Children share the flag and may change it, so it is set only when the option changes. */
	if (was_blocking != bound->policy.options.blocking && !bound->listener->busy)
		(void)fd_set_blocking(bound->listener->fd, bound->policy.options.blocking);
	r = listener_apply_lent(bound->listener, &bound->policy.options, bound->lent);
	if (r < 0)
		log_service(LOG_WARNING, service->name, r,
			    "cannot change the socket options of %s, ignoring", endpoint->text);
	apply_policy(bound);
}

void listener_table_settle(struct bound_listener *bound, bool applied)
{
	struct listener *listener = bound->listener;

	if (!applied)
		listener_close_others(listener, bound->n_read);
	else if (!bound->policy.reads_others)
		listener_close_others(listener, 1);
	bound->n_read = listener_n_sockets(listener);
}

/* The service manager has the socket as well, and would pass it again. */
static void log_ruined(const struct bound_listener *bound, const char *damage)
{
	log_service(LOG_ERR, bound->service, 0,
		    "a process has ruined its socket %s: %s; restart the unit that passes it",
		    bound->listener->endpoint.text, damage);
}

/* Returns whether socket @i was opened anew, or a negative errno: then it is tried again later. */
static int verify(struct bound_listener *bound, size_t i)
{
	struct listener *listener = bound->listener;
	char text[ADDRESS_TEXT_MAX];
	const char *damage = listener_check(listener, listener_socket(listener, i),
					    bound->policy.options.backlog, bound->lent);
	int r;

	if (!damage)
		return 0;
	if (listener->adopted) {
		log_ruined(bound, damage);
		return 0;
	}
	r = listener_reopen(listener, i, &bound->policy.options);
	log_service(LOG_WARNING, bound->service, r, "a process has ruined its socket %s: %s; %s",
		    listener_text(listener, text), damage,
		    r < 0 ? "cannot open another yet" : "opened another");
	return r < 0 ? r : 1;
}

void listener_table_verify(struct bound_listener *bound)
{
	bool reopened = false;

	if (bound->listener->busy)
		return;
	for (size_t i = 0; i < listener_n_sockets(bound->listener); i++) {
		int r = verify(bound, i);

		if (r < 0) {
			bound->error = r;
			retry_soon(bound);
			break;
		}
		reopened = reopened || r > 0;
	}
	socket_record_free(take_ptr(bound->lent));
	if (bound->listener->fd < 0)
		return;
	if (reopened)
		tell_bound(bound);
}

void listener_table_verify_all(struct listener_table *listener_table)
{
	for (struct bound_listener *at = listener_table->by_key; at; at = at->hh.next)
		listener_table_verify(at);
}

void listener_table_verify_for_front(struct listener_table *listener_table)
{
	int64_t now = clock_ms();

	if (now - listener_table->verified_ms < VERIFY_PAUSE_MS)
		return;
	listener_table->verified_ms = now;
	listener_table_verify_all(listener_table);
}

void listener_table_sweep(struct listener_table *listener_table)
{
	char text[ADDRESS_TEXT_MAX];
	struct bound_listener *bound, *next;
	bool closed = false;

	HASH_ITER(hh, listener_table->by_key, bound, next)
	{
		if (bound->generations > 0)
			continue;
		if (bound->listener->fd >= 0)
			log_service(LOG_INFO, bound->service, 0, "no longer listening on %s",
				    listener_text(bound->listener, text));
		closed = closed || bound->listener->fd >= 0;
		HASH_DEL(listener_table->by_key, bound);
		forget(bound);
	}
	for (struct bound_listener *at = listener_table->by_key; closed && at; at = at->hh.next)
		if (at->error == -EADDRINUSE || at->covered)
			retry_soon(at);
}

void listener_table_abandon(struct listener_table *listener_table,
			    struct bound_listener *const *kept, size_t n)
{
	for (size_t i = 0; i < n; i++)
		kept[i]->kept = true;
	for (struct bound_listener *at = listener_table->by_key; at; at = at->hh.next)
		if (!at->kept)
			listener_close(at->listener);
}

void listener_table_close(struct listener_table *listener_table)
{
	for (struct bound_listener *at = listener_table->by_key; at; at = at->hh.next) {
		timer_cancel(&at->retry);
		listener_withdraw(at->listener);
	}
}

size_t listener_table_count_unbound(const struct listener_table *listener_table)
{
	size_t n = 0;

	for (const struct bound_listener *at = listener_table->by_key; at; at = at->hh.next)
		n += at->listener->fd < 0 && !at->covered;
	return n;
}
