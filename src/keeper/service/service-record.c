#include "keeper/service/service-record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "channel/stats.h"

static void service_record_free(struct service_record *record)
{
	if (!record)
		return;
	if (record->stderr_read >= 0)
		close(record->stderr_read);
	if (record->stderr_write >= 0)
		close(record->stderr_write);
	free(record->name);
	free(record);
}

DEFINE_AUTO(struct service_record, service_record_free);

/* The number of a forgotten service is used before a new one. */
static int find_number(struct service_records *records, unsigned *out)
{
	int r;

	if (HASH_CNT(hh, records->by_name) < records->n)
		for (size_t i = 0; i < records->n; i++)
			if (!records->by_number[i]) {
				*out = (unsigned)i;
				return 0;
			}
	if (records->n == STATS_SERVICES)
		return -ENOSPC;

	r = array_make_room(records->by_number, records->n, records->room);
	if (r < 0)
		return r;
	*out = (unsigned)records->n++;
	records->by_number[*out] = NULL;
	return 0;
}

int service_records_take(struct service_records *records, const char *name,
			 struct service_record **out)
{
	AUTO(auto_service_record_free) struct service_record *record = NULL;
	int r;

	HASH_FIND_STR(records->by_name, name, *out);
	if (*out)
		return 0;

	record = calloc(1, sizeof(*record));
	if (!record)
		return -ENOMEM;
	record->stderr_read = -1;
	record->stderr_write = -1;
	list_init(&record->waiting);
	record->name = strdup(name);
	if (!record->name)
		return -ENOMEM;
	r = find_number(records, &record->number);
	if (r < 0)
		return r;

	HASH_ADD_KEYPTR(hh, records->by_name, record->name, strlen(record->name), record);
	if (!record->hh.tbl)
		return -ENOMEM;
	records->by_number[record->number] = record;
	*out = take_ptr(record);
	return 0;
}

void service_records_sweep(struct service_records *records)
{
	struct service_record *record, *next;

	records->stale = false;
	HASH_ITER(hh, records->by_name, record, next)
	{
		if (record->generations > 0 || record->live > 0 || record->pools > 0 ||
		    record->failures_unlogged > 0)
			continue;
		list_unlink(&record->unreported_link);
		HASH_DEL(records->by_name, record);
		records->by_number[record->number] = NULL;
		service_record_free(record);
	}
}

int service_record_open_stderr(struct service_record *record)
{
	int pipe_ends[2];

	if (record->stderr_read >= 0)
		return 0;
	if (pipe2(pipe_ends, O_CLOEXEC) < 0)
		return -errno;

	/* Non-blocking for the front only. Programs expect a blocking standard error. */
	(void)fd_set_blocking(pipe_ends[0], false);
	record->stderr_read = pipe_ends[0];
	record->stderr_write = pipe_ends[1];
	return 0;
}

void service_records_abandon(const struct service_records *records)
{
	for (const struct service_record *at = records->by_name; at; at = at->hh.next)
		if (at->stderr_write >= 0)
			close(at->stderr_write);
}

void service_records_fini(struct service_records *records)
{
	struct service_record *record, *next;

	HASH_ITER(hh, records->by_name, record, next)
	{
		HASH_DEL(records->by_name, record);
		service_record_free(record);
	}
	free(records->by_number);
}
