#include "keeper/service/pool-handle.h"

#include <stddef.h>

struct pool_handle *pool_handle_ref(struct pool_handle *pool)
{
	if (pool)
		pool->references++;
	return pool;
}

void pool_handle_unref(struct pool_handle *pool)
{
	if (pool && --pool->references == 0)
		pool->free(pool);
}
