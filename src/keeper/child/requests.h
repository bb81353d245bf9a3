#pragma once

/*
 * Programs per client: what a front asks the keeper to start, from the message to the end of the
 * program. check → ready → start → end; when the machine is short of something the request waits
 * before its start.
 *
 * A kind of request is added by one file, which defines its struct request_kind, and by one row of
 * the table in requests.c.
 */

#include "keeper/child/shortage.h"
#include "keeper/child/unread.h"

struct channel_message;
struct children;
struct failures;
struct front;
struct fronts;
struct reserve_fd;
struct service_stats;
struct timers;

struct requests {
	struct fronts *fronts;
	struct reserve_fd *reserve;
	struct children *children;
	struct failures *failures;
	struct service_stats *stats;
	struct shortage shortage;
	struct unread unread;
};

/* What is given stays the caller's. */
void requests_init(struct requests *requests, struct timers *timers, struct fronts *fronts,
		   struct reserve_fd *reserve, struct children *children, struct failures *failures,
		   struct service_stats *stats);
void requests_fini(struct requests *requests);

/*
 * Acts on a request of @front; takes over @fd. Returns 0, or -EBADMSG for what no
 * honest front sends.
 */
int requests_handle(struct requests *requests, struct front *front,
		    const struct channel_message *message, int fd);

/* The descriptor of a request of @front did not arrive: the client is lost. */
void requests_lose(struct requests *requests, const struct front *front,
		   const struct channel_message *message);

/* Those that wait for processes or descriptors will wait no more: the keeper stops. */
void requests_give_up(struct requests *requests);

/* For a process that becomes a front: closes what is kept for clients. */
void requests_abandon(struct requests *requests);
