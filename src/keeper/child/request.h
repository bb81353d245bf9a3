#pragma once

/*
 * One client, or one listener, for which a front wants a program. The message and the dispatch of
 * the service choose the kind of the request.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "config/dispatch.h"
#include "net/address.h"

struct bound_listener;
struct child;
struct endpoint;
struct fronts;
struct generation;
struct launch;
struct request;
struct service;
struct service_record;
struct spawn_descriptors;
struct spawn_failure;
struct spawn_plan;
struct unread;

struct request_kind {
	uint32_t type; /* of the message */
	enum dispatch_kind dispatch;
	bool has_client; /* @peer is its address */

	/*
	 * Whether an honest front may have sent the request. A front that was taken over must gain
	 * nothing by a false one. NULL: whenever the message and the dispatch are right. Also
	 * replaces the front's description of the client by the kernel's, and gives the descriptor
	 * the flags that a program expects. Returns 1, 0 if the client has gone so that nothing can
	 * be known of it, or -EBADMSG.
	 */
	int (*check)(struct request *request);

	/*
	 * Begins the launch of @child. Returns its process id, 0 if no program is needed any more,
	 * or a negative errno with @failure.
	 */
	pid_t (*run)(struct request *request, struct child *child, const struct unread *unread,
		     struct spawn_failure *failure);

	/* The launch has failed, and will be tried again. NULL: there is nothing to take back. */
	void (*take_back)(struct request *request);

	/*
	 * The program has ended or was not started: tells the fronts. @bound may be NULL. @status
	 * is that of wait(2).
	 */
	void (*settle)(struct fronts *fronts, struct service_record *record,
		       struct bound_listener *bound, int status, int64_t lived_us);
};

struct request {
	struct list link; /* while it waits */
	bool on_trial;    /* it shows whether a shortage is over */
	const struct request_kind *kind;
	struct generation *generation;
	size_t service;
	size_t endpoint;
	struct address peer;
	struct address local;
	int fd; /* the connection, the datagram or a copy of the listener, or -1 */
};

/* Allocates a copy, which takes over what @request has. Returns NULL when memory is short. */
struct request *request_copy(const struct request *request);

/* Closes the descriptor, and releases the generation. */
void request_fini(struct request *request);

/* The same for a request that was allocated. */
void request_free(struct request *request);

/* The service and the endpoint in the settings of its generation. */
const struct service *request_service(const struct request *request);
const struct endpoint *request_endpoint(const struct request *request);
struct service_record *request_record(const struct request *request);
struct bound_listener *request_bound(const struct request *request);

/*
 * Begins @launch for @plan with @descriptors, to which it adds standard error. Returns the process
 * id, or a negative errno with @failure.
 */
pid_t request_launch(const struct request *request, struct launch *launch,
		     const struct spawn_plan *plan, struct spawn_descriptors *descriptors,
		     struct spawn_failure *failure);

/*
 * For service_debug(): " for 192.0.2.7:4000", where the log may have the address, or "". Valid
 * until the next call.
 */
const char *request_client(const struct request *request);

/* The prepared program, completed for the client in the buffer of @launch. */
const struct spawn_plan *request_plan(const struct request *request, struct launch *launch);
