#include "keeper/pool/pool-state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "channel/pass-table.h"
#include "config/settings.h"
#include "keeper/service/generation.h"

/* Rows of the table for each process, because old processes may still end when new ones run. */
#define ROWS_PER_PROCESS 2

DEFINE_AUTO(struct pool, pool_unref);

static void pool_free(struct pool_handle *handle)
{
	struct pool *pool = pool_of(handle);

	timer_cancel(&pool->again);
	timer_cancel(&pool->sampling);
	list_unlink(&pool->link);
	list_unlink(&pool->changed_link);
	list_unlink(&pool->waiting_link);
	if (handle->record->pool == handle)
		handle->record->pool = NULL;
	handle->record->pools--;
	pass_table_free(pool->table);
	free(pool);
}

int pool_new(struct pool **out, struct pools *pools, struct service_record *record,
	     const struct service *service)
{
	AUTO(auto_pool_unref) struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	pool->handle = (struct pool_handle){
		.references = 1,
		.record = record,
		.passes = dispatch_has(service->dispatch, DISPATCH_PASSES_CLIENTS),
		.free = pool_free,
	};
	record->pools++;
	pool->pools = pools;
	list_init(&pool->processes);
	list_add_before(&pools->list, &pool->link);
	if (pool->handle.passes) {
		pool->table = pass_table_new(service->pool.max * ROWS_PER_PROCESS,
					     service->pool.clients_per_process);
		if (!pool->table)
			return -ENOMEM;
	}
	*out = take_ptr(pool);
	return 0;
}

void pool_unref(struct pool *pool)
{
	if (pool)
		pool_handle_unref(&pool->handle);
}

const struct service *pool_service(const struct pool *pool)
{
	return &pool->generation->settings->services[pool->service];
}

void pool_changed(struct pool *pool)
{
	if (!list_is_linked(&pool->changed_link))
		list_add_before(&pool->pools->changed, &pool->changed_link);
}

const char *pool_counts(const struct pool *pool)
{
	static char text[96];
	const struct pool_settings *settings = &pool_service(pool)->pool;

	snprintf(text, sizeof(text), "ready %u of %u..%u, starting %u, ending %u",
		 pool->counts.ready, settings->min, settings->max, pool->counts.starting,
		 pool->counts.ending);
	return text;
}
