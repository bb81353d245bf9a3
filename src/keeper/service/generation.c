#include "keeper/service/generation.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "config/settings.h"
#include "keeper/exec/program.h"
#include "keeper/service/pool-handle.h"

DEFINE_AUTO(struct generation, generation_unref);

static int make_tables(struct generation *generation)
{
	size_t services = generation->settings->n_services;
	size_t endpoints = generation->settings->n_endpoints;

	generation->bound = calloc(endpoints + 1, sizeof(*generation->bound));
	generation->listeners = calloc(endpoints + 1, sizeof(*generation->listeners));
	generation->programs = calloc(services + 1, sizeof(*generation->programs));
	generation->records = calloc(services + 1, sizeof(*generation->records));
	generation->record_numbers = calloc(services + 1, sizeof(*generation->record_numbers));
	generation->pools = calloc(services + 1, sizeof(*generation->pools));
	if (!generation->bound || !generation->listeners || !generation->programs ||
	    !generation->records || !generation->record_numbers || !generation->pools)
		return -ENOMEM;
	return 0;
}

static int take_record(struct generation *generation, const struct service *service,
		       struct service_records *records)
{
	struct service_record *record;
	int r;

	r = service_records_take(records, service->name, &record);
	if (r < 0)
		return r;
	record->generations++;
	record->service = service->index;
	generation->records[generation->n_records++] = record;
	generation->record_numbers[service->index] = record->number;

	if (!dispatch_has(service->dispatch, DISPATCH_RUNS_PROGRAM) ||
	    service->program.stderr_to != STDERR_LOG)
		return 0;
	return service_record_open_stderr(record);
}

static int prepare(struct generation *generation, const struct service *service,
		   struct service_records *records, const struct rlimit *descriptors)
{
	int r;

	r = take_record(generation, service, records);
	if (r < 0)
		return r;
	if (!dispatch_has(service->dispatch, DISPATCH_RUNS_PROGRAM))
		return 0;
	return program_new(&generation->programs[service->index], service, descriptors);
}

/*
 * Listening logs its own failures: it knows the address. All addresses are tried, so that each one
 * that cannot be bound is named. Returns the first error.
 */
static int open_listeners(struct generation *generation, const struct service *service,
			  struct listener_table *listener_table)
{
	int first = 0;

	for (size_t i = 0; i < service->n_endpoints; i++) {
		size_t number = service->first_endpoint + i;
		int r = listener_table_take(listener_table, service, number,
					    &generation->bound[number]);

		generation->n_bound++;
		if (r == 0)
			generation->listeners[number] = generation->bound[number]->listener;
		else if (first == 0)
			first = r;
	}
	return first;
}

int generation_new(struct generation **out, struct settings *settings,
		   struct listener_table *listener_table, struct service_records *records,
		   const struct rlimit *descriptors)
{
	AUTO(auto_generation_unref) struct generation *generation = calloc(1, sizeof(*generation));
	int first = 0;
	int r;

	if (!generation) {
		settings_free(settings);
		return log_error(-ENOMEM, "cannot prepare the services");
	}
	generation->references = 1;
	generation->all_records = records;
	generation->settings = settings;
	settings_hide_secrets(settings);
	r = make_tables(generation);
	if (r < 0)
		return log_error(r, "cannot prepare the services");

	for (size_t i = 0; i < settings->n_services; i++) {
		const struct service *service = &settings->services[i];

		r = prepare(generation, service, records, descriptors);
		if (r < 0)
			return log_service(LOG_ERR, service->name, r, "cannot prepare it");
		r = open_listeners(generation, service, listener_table);
		if (first == 0)
			first = r;
	}
	if (first < 0)
		return first;

	*out = take_ptr(generation);
	return 0;
}

size_t generation_text_size(const struct generation *generation)
{
	size_t longest = 0;

	for (size_t i = 0; i < generation->n_records; i++) {
		const struct program *program = generation->programs[i];

		if (program && program_text_size(program) > longest)
			longest = program_text_size(program);
	}
	return longest;
}

size_t generation_count_open(const struct generation *generation)
{
	size_t n = 0;

	for (size_t i = 0; i < generation->n_bound; i++)
		n += generation->bound[i]->covered || generation->bound[i]->listener->fd >= 0;
	return n;
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

	for (size_t i = 0; i < generation->n_bound; i++)
		if (generation->bound[i])
			listener_table_release(generation->bound[i]);
	generation->all_records->stale = true;
	for (size_t i = 0; i < generation->n_records; i++)
		generation->records[i]->generations--;
	for (size_t i = 0; generation->programs && i < generation->settings->n_services; i++)
		program_free(generation->programs[i]);
	for (size_t i = 0; generation->pools && i < generation->settings->n_services; i++)
		pool_handle_unref(generation->pools[i]);
	settings_free(generation->settings);
	free(generation->bound);
	free(generation->listeners);
	free(generation->programs);
	free(generation->records);
	free(generation->record_numbers);
	free(generation->pools);
	free(generation);
}

void generation_apply(struct generation *generation)
{
	const struct settings *settings = generation->settings;

	for (size_t i = 0; i < settings->n_services; i++) {
		const struct service *service = &settings->services[i];

		for (size_t j = 0; j < service->n_endpoints; j++)
			listener_table_apply(generation->bound[service->first_endpoint + j],
					     service, service->first_endpoint + j);
	}
}

void generation_settle(struct generation *generation, bool applied)
{
	for (size_t i = 0; i < generation->n_bound; i++)
		listener_table_settle(generation->bound[i], applied);
}

int64_t generation_service(const struct generation *generation, const struct service_record *record)
{
	if (record->service < generation->n_records &&
	    generation->records[record->service] == record)
		return (int64_t)record->service;
	for (size_t i = 0; i < generation->n_records; i++)
		if (generation->records[i] == record)
			return (int64_t)i;
	return -1;
}

int64_t generation_pool(const struct generation *generation, const struct pool_handle *pool)
{
	int64_t service = generation_service(generation, pool->record);

	return service >= 0 && generation->pools[service] == pool ? service : -1;
}

int64_t generation_endpoint(const struct generation *generation, size_t service,
			    const struct bound_listener *bound)
{
	const struct service *owner = &generation->settings->services[service];

	for (size_t i = 0; i < owner->n_endpoints; i++)
		if (generation->bound[owner->first_endpoint + i] == bound)
			return (int64_t)(owner->first_endpoint + i);
	return -1;
}

int64_t generation_find(const struct generation *generation, const struct service_record *record,
			const struct bound_listener *bound)
{
	int64_t service = generation_service(generation, record);
	int64_t endpoint = -1;

	if (service >= 0)
		endpoint = generation_endpoint(generation, (size_t)service, bound);
	for (size_t i = 0; endpoint < 0 && i < generation->n_bound; i++)
		if (generation->bound[i] == bound)
			endpoint = (int64_t)i;
	return endpoint;
}
