#pragma once

/*
 * A generation is settings with all that they need: listeners, programs and records. A reload makes
 * the next generation completely before it changes anything of the present one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "keeper/listen/listener-table.h"
#include "keeper/service/service-record.h"

struct pool_handle;
struct program;
struct settings;

struct generation {
	unsigned references;
	struct settings *settings;
	struct bound_listener **bound;   /* by endpoint number */
	struct listener **listeners;     /* the same, as a front inherits them */
	struct program **programs;       /* by service; NULL for built-ins */
	struct service_record **records; /* by service */
	unsigned *record_numbers;        /* the same, as numbers */
	struct pool_handle **pools; /* by service; NULL without processes that start beforehand */
	struct service_records *all_records;
	size_t n_bound;
	size_t n_records;
};

/*
 * Opens missing listeners and prepares every program. Takes over @settings, also on failure. A
 * failure is logged, for every address that cannot be bound, and leaves nothing but new listeners,
 * which listener_table_sweep() closes.
 */
int generation_new(struct generation **out, struct settings *settings,
		   struct listener_table *listener_table, struct service_records *records,
		   const struct rlimit *descriptors);

/* How many of its endpoints have a socket, one that was passed included. */
size_t generation_count_open(const struct generation *generation);

/* How much text a launch needs for the longest of its programs. */
size_t generation_text_size(const struct generation *generation);

struct generation *generation_ref(struct generation *generation);
void generation_unref(struct generation *generation);

/* Applies the settings to listeners that existed before. */
void generation_apply(struct generation *generation);

/* Called after that, when a front serves (@applied), or when the reload has failed. */
void generation_settle(struct generation *generation, bool applied);

/* The index of the service that @pool serves in this generation, or -1. */
int64_t generation_pool(const struct generation *generation, const struct pool_handle *pool);

/* The service of @record in this generation, or -1. */
int64_t generation_service(const struct generation *generation,
			   const struct service_record *record);

/* The number of @bound among the endpoints of @service, or -1. */
int64_t generation_endpoint(const struct generation *generation, size_t service,
			    const struct bound_listener *bound);

/* The same for any service. @record is the service that had @bound before. */
int64_t generation_find(const struct generation *generation, const struct service_record *record,
			const struct bound_listener *bound);
