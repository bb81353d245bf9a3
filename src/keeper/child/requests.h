#pragma once

/*
 * Programs for clients, from the request of a front to the end of the program: check → ready →
 * start → end. When the machine is short of something, a request waits before its start.
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

/* The caller keeps what it passes. */
void requests_init(struct requests *requests, struct timers *timers, struct fronts *fronts,
		   struct reserve_fd *reserve, struct children *children, struct failures *failures,
		   struct service_stats *stats);
void requests_fini(struct requests *requests);

/*
 * Acts on a request of @front, and takes over @fd. Returns 0, or -EBADMSG for a request that no
 * honest front sends.
 */
int requests_handle(struct requests *requests, struct front *front,
		    const struct channel_message *message, int fd);

/* The descriptor of a request of @front was lost, and with it the client. */
void requests_lose(struct requests *requests, const struct front *front,
		   const struct channel_message *message);

/* The keeper stops: gives up the requests that wait for processes or descriptors. */
void requests_give_up(struct requests *requests);

/* For a process that becomes a front: closes the descriptors of clients. */
void requests_abandon(struct requests *requests);
