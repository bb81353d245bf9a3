#include "front/core/services.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "channel/startup.h"
#include "front/core/throttle.h"

static int init_service(struct services *services, size_t i, const struct context *context,
			const struct service_kind kinds[])
{
	struct front_service *service = &services->services[i];
	const struct service_kind *kind;
	size_t first;

	service_init(service, context, i);
	kind = &kinds[service->settings->dispatch];
	service->dispatch = kind->dispatch;
	service->owner = kind->owner;
	first = service->settings->first_endpoint;
	service->listeners = &services->listeners[first];
	for (size_t j = 0; j < service->settings->n_endpoints; j++) {
		struct front_listener *listener = &service->listeners[j];

		listener->service = service;
		listener->number = (uint32_t)(first + j);
		listener->listener = context->startup->listeners[first + j];
	}
	return kind->dispatch->prepare_service ? kind->dispatch->prepare_service(service) : 0;
}

int services_init(struct services *services, const struct context *context,
		  const struct service_kind kinds[], services_bound_fn *on_bound)
{
	const struct settings *settings = context->startup->settings;
	int r = 0;

	services->n_services = settings->n_services;
	services->n_listeners = settings->n_endpoints;
	services->on_bound = on_bound;
	services->services = calloc(settings->n_services + 1, sizeof(*services->services));
	services->listeners = calloc(settings->n_endpoints + 1, sizeof(*services->listeners));
	if (!services->services || !services->listeners)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < services->n_services; i++)
		r = init_service(services, i, context, kinds);
	return r;
}

static int start_listener(struct services *services, struct front_listener *listener)
{
	const struct dispatch *dispatch = listener->service->dispatch;
	int r = 0;

	if (dispatch->flags & DISPATCH_ASKS_KEEPER)
		listener_close_others(listener->listener, 1);
	if (listener->listener->fd >= 0)
		r = services->on_bound(services, listener->listener);
	if (r == 0 && dispatch->prepare)
		r = dispatch->prepare(listener);
	if (r == 0 && !listener->listener->busy)
		throttle_watch(listener);
	return r;
}

int services_start(struct services *services)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < services->n_listeners; i++)
		r = start_listener(services, &services->listeners[i]);
	return r;
}

static void forget_service(struct front_service *service)
{
	/* A service that was not prepared has no kind yet. */
	if (!service->dispatch)
		return;
	for (size_t i = 0; i < service->settings->n_endpoints; i++) {
		watch_remove(&service->listeners[i].watch);
		if (service->dispatch->forget)
			service->dispatch->forget(&service->listeners[i]);
	}
	if (service->dispatch->forget_service)
		service->dispatch->forget_service(service);
	timer_cancel(&service->again);
}

void services_fini(struct services *services)
{
	for (size_t i = 0; services->services && services->listeners && i < services->n_services;
	     i++)
		forget_service(&services->services[i]);
	free(take_ptr(services->listeners));
	free(take_ptr(services->services));
}

struct front_service *services_find(const struct services *services, uint32_t index)
{
	return index < services->n_services ? &services->services[index] : NULL;
}

struct front_listener *services_find_listener(const struct services *services, uint32_t endpoint)
{
	return endpoint < services->n_listeners ? &services->listeners[endpoint] : NULL;
}

static void close_one(struct front_listener *listener)
{
	list_unlink(&listener->link);
	watch_remove(&listener->watch);
	if (listener->service->dispatch->close)
		listener->service->dispatch->close(listener);
	listener_close(listener->listener);
}

static int add_socket(struct services *services, struct front_listener *listener, int fd,
		      bool is_own)
{
	int r;

	if (is_own) {
		/* The keeper may have opened all sockets of the listener anew. */
		if (listener->listener->fd >= 0)
			close_one(listener);
		listener->listener->fd = fd;
		r = services->on_bound(services, listener->listener);
		if (r < 0)
			return r;
	}
	if (listener->service->dispatch->add_socket)
		return listener->service->dispatch->add_socket(listener, fd);
	if (!is_own)
		return -EINVAL;
	throttle_watch(listener);
	return 0;
}

void services_add_socket(struct services *services, struct front_listener *listener, int fd,
			 bool is_own)
{
	int r;

	r = add_socket(services, listener, fd, is_own);
	if (r == 0)
		return;
	/* Its own socket stays with the listener, even if it is of no use. */
	if (!is_own)
		close(fd);
	log_service(LOG_ERR, listener->service->settings->name, r, "cannot watch its socket");
}

void services_halt(struct services *services)
{
	for (size_t i = 0; i < services->n_services; i++)
		if (services->services[i].dispatch->halt)
			services->services[i].dispatch->halt(&services->services[i]);
}

void services_resume(struct services *services)
{
	for (size_t i = 0; i < services->n_services; i++)
		if (services->services[i].dispatch->resume)
			services->services[i].dispatch->resume(&services->services[i]);
}

void services_drain(struct services *services, bool has_successor)
{
	for (size_t i = 0; i < services->n_listeners; i++)
		close_one(&services->listeners[i]);
	for (size_t i = 0; i < services->n_services; i++)
		if (services->services[i].dispatch->drain)
			services->services[i].dispatch->drain(&services->services[i],
							      has_successor);
}

void services_end_clients(struct services *services)
{
	for (size_t i = 0; i < services->n_services; i++)
		if (services->services[i].dispatch->end_clients)
			services->services[i].dispatch->end_clients(&services->services[i]);
}
