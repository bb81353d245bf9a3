#pragma once

/*
 * One client, or one listener, for which a front wants a program. What differs by the message that
 * asks for it is its kind.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "net/address.h"

struct bound_listener;
struct child;
struct endpoint;
struct fronts;
struct generation;
struct request;
struct service;
struct service_record;
struct spawn_descriptors;
struct spawn_failure;
struct spawn_plan;
struct unread;

struct request_kind {
	uint32_t type;   /* of the message */
	bool has_client; /* who is @peer */

	/*
	 * Whether an honest front may have sent it: one that was taken over must gain nothing by
	 * lying. Also replaces what the front says of the client by what the kernel says, and
	 * makes the descriptor what a program expects.
	 */
	bool (*is_allowed)(struct request *request);

	/*
	 * Runs the program of @child. Returns its process id, 0 where no program is needed any
	 * more, or a negative errno with @failure.
	 */
	pid_t (*run)(struct request *request, struct child *child, const struct unread *unread,
		     struct spawn_failure *failure);

	/*
	 * The program has ended, or was not started: tells the fronts. @bound may be NULL, @status
	 * is as wait(2) gives it.
	 */
	void (*settle)(struct fronts *fronts, struct service_record *record,
		       struct bound_listener *bound, int status, int64_t lived_us);
};

struct request {
	struct list link; /* while it waits */
	const struct request_kind *kind;
	struct generation *generation;
	size_t service;
	size_t endpoint;
	struct address peer;
	struct address local;
	int fd; /* the connection or the datagram, or -1 */
};

/* Closes the descriptor, and lets go of the generation. */
void request_fini(struct request *request);

/* The same for one that was allocated. */
void request_free(struct request *request);

/* What it is about; the indices are those of its generation. */
const struct service *request_service(const struct request *request);
const struct endpoint *request_endpoint(const struct request *request);
struct service_record *request_record(const struct request *request);
struct bound_listener *request_bound(const struct request *request);

/*
 * Runs @plan with @descriptors, to which it adds standard error. Returns the process id, or a
 * negative errno with @failure.
 */
pid_t request_spawn(const struct request *request, const struct spawn_plan *plan,
		    struct spawn_descriptors *descriptors, struct spawn_failure *failure);

/* The plan of its program for its client. */
const struct spawn_plan *request_plan(const struct request *request);
