#pragma once

/*
 * Records: what the keeper remembers of a service by its name, over reloads. The number of a record
 * is also the index of the service in the statistics.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/table.h"
#include "keeper/exec/launches.h"

struct pool_handle;

struct service_record {
	char *name;
	unsigned number;
	size_t service;       /* its index in the newest generation that names it */
	unsigned live;        /* its programs that run or are about to be started */
	unsigned generations; /* how many name it */
	unsigned unreported;  /* ends that were not reported to the fronts yet */
	struct list unreported_link;
	int stderr_read; /* the pipe of `stderr = log`, or -1 */
	int stderr_write;
	int64_t failure_said_ms; /* when a failed start was last logged */
	unsigned failures_unlogged;
	struct launch_quota launches;
	struct list waiting; /* requests that wait for a launch */
	unsigned n_waiting;
	struct list waiting_link; /* among the services that have such requests */
	struct pool_handle *pool; /* that serves it now, or NULL */
	unsigned pools;           /* how many exist, with older ones */
	UT_hash_handle hh;
};

struct service_records {
	struct service_record *by_name;
	struct service_record **by_number;
	size_t n;
	size_t room;
	bool stale; /* a generation has gone: service_records_sweep() may find something */
};

/* Finds or makes the record for @name. Returns 0, -ENOMEM, or -ENOSPC when there are too many. */
int service_records_take(struct service_records *records, const char *name,
			 struct service_record **out);

/* Forgets records that no generation names, without running programs or unlogged failures. */
void service_records_sweep(struct service_records *records);

/* Opens the pipe of `stderr = log`, unless it is open. */
int service_record_open_stderr(struct service_record *record);

/* For a process that becomes a front: closes what programs write to. */
void service_records_abandon(const struct service_records *records);

void service_records_fini(struct service_records *records);
