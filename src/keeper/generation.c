#include "keeper/generation.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "config/settings.h"
#include "keeper/crew.h"
#include "keeper/plan.h"

DEFINE_AUTO(struct generation, generation_unref);

static int make_tables(struct generation *generation)
{
	size_t services = generation->settings->n_services;
	size_t endpoints = generation->settings->n_endpoints;

	generation->housed = calloc(endpoints + 1, sizeof(*generation->housed));
	generation->listeners = calloc(endpoints + 1, sizeof(*generation->listeners));
	generation->plans = calloc(services + 1, sizeof(*generation->plans));
	generation->slots = calloc(services + 1, sizeof(*generation->slots));
	generation->slot_numbers = calloc(services + 1, sizeof(*generation->slot_numbers));
	generation->crews = calloc(services + 1, sizeof(*generation->crews));
	if (!generation->housed || !generation->listeners || !generation->plans ||
	    !generation->slots || !generation->slot_numbers || !generation->crews)
		return -ENOMEM;
	return 0;
}

static int take_slot(struct generation *generation, const struct service *service,
		     struct slots *slots)
{
	struct slot *slot;
	int r;

	r = slots_take(slots, service->name, &slot);
	if (r < 0)
		return r;
	slot->generations++;
	slot->service = service->index;
	generation->slots[generation->n_slots++] = slot;
	generation->slot_numbers[service->index] = slot->number;

	if (service->dispatch == DISPATCH_SESSION || service->program.stderr_to != STDERR_LOG)
		return 0;
	return slot_open_stderr(slot);
}

static int prepare(struct generation *generation, const struct service *service,
		   struct slots *slots, const struct rlimit *descriptors)
{
	int r;

	r = take_slot(generation, service, slots);
	if (r < 0)
		return r;
	if (service->dispatch == DISPATCH_SESSION)
		return 0;
	return plan_new(&generation->plans[service->index], service, descriptors);
}

/* Listening logs its own failures: it knows the address. */
static int open_listeners(struct generation *generation, const struct service *service,
			  struct house *house)
{
	for (size_t i = 0; i < service->n_endpoints; i++) {
		size_t number = service->first_endpoint + i;
		int r;

		r = house_take(house, service, number, &generation->housed[number]);
		if (r < 0)
			return r;
		generation->n_housed++;
		generation->listeners[number] = generation->housed[number]->listener;
	}
	return 0;
}

int generation_new(struct generation **out, struct settings *settings, struct house *house,
		   struct slots *slots, const struct rlimit *descriptors)
{
	AUTO(auto_generation_unref) struct generation *generation = calloc(1, sizeof(*generation));
	int r;

	if (!generation) {
		settings_unref(settings);
		return log_error(-ENOMEM, "cannot prepare the services");
	}
	generation->references = 1;
	generation->settings = settings;
	r = make_tables(generation);
	if (r < 0)
		return log_error(r, "cannot prepare the services");

	for (size_t i = 0; i < settings->n_services; i++) {
		const struct service *service = &settings->services[i];

		r = prepare(generation, service, slots, descriptors);
		if (r < 0)
			return log_service(LOG_ERR, service->name, r, "cannot prepare it");
		r = open_listeners(generation, service, house);
		if (r < 0)
			return r;
	}

	*out = take_ptr(generation);
	return 0;
}

struct generation *generation_ref(struct generation *generation)
{
	generation->references++;
	return generation;
}

void generation_unref(struct generation *generation)
{
	if (!generation || --generation->references > 0)
		return;

	for (size_t i = 0; i < generation->n_housed; i++)
		house_release(generation->housed[i]);
	for (size_t i = 0; i < generation->n_slots; i++)
		generation->slots[i]->generations--;
	for (size_t i = 0; generation->plans && i < generation->settings->n_services; i++)
		plan_free(generation->plans[i]);
	for (size_t i = 0; generation->crews && i < generation->settings->n_services; i++)
		crew_unref(generation->crews[i]);
	settings_unref(generation->settings);
	free(generation->housed);
	free(generation->listeners);
	free(generation->plans);
	free(generation->slots);
	free(generation->slot_numbers);
	free(generation->crews);
	free(generation);
}

void generation_apply(struct generation *generation)
{
	const struct settings *settings = generation->settings;

	for (size_t i = 0; i < settings->n_services; i++) {
		const struct service *service = &settings->services[i];

		for (size_t j = 0; j < service->n_endpoints; j++)
			house_apply(generation->housed[service->first_endpoint + j], service,
				    service->first_endpoint + j);
	}
}

void generation_settle(struct generation *generation, bool applied)
{
	for (size_t i = 0; i < generation->n_housed; i++)
		house_settle(generation->housed[i], applied);
}

int64_t generation_service(const struct generation *generation, const struct slot *slot)
{
	if (slot->service < generation->n_slots && generation->slots[slot->service] == slot)
		return (int64_t)slot->service;
	for (size_t i = 0; i < generation->n_slots; i++)
		if (generation->slots[i] == slot)
			return (int64_t)i;
	return -1;
}

int64_t generation_endpoint(const struct generation *generation, size_t service,
			    const struct housed *housed)
{
	const struct service *owner = &generation->settings->services[service];

	for (size_t i = 0; i < owner->n_endpoints; i++)
		if (generation->housed[owner->first_endpoint + i] == housed)
			return (int64_t)(owner->first_endpoint + i);
	return -1;
}

int64_t generation_find(const struct generation *generation, const struct slot *slot,
			const struct housed *housed)
{
	int64_t service = generation_service(generation, slot);
	int64_t endpoint = -1;

	if (service >= 0)
		endpoint = generation_endpoint(generation, (size_t)service, housed);
	for (size_t i = 0; endpoint < 0 && i < generation->n_housed; i++)
		if (generation->housed[i] == housed)
			endpoint = (int64_t)i;
	return endpoint;
}
