#pragma once

/*
 * Programs for clients, from the request to the end of the program: queue → launch → end. When the
 * machine is short of something, a request waits before its launch.
 */

#include "keeper/child/request-queue.h"
#include "keeper/child/shortage.h"
#include "keeper/child/unread.h"

struct children;
struct failures;
struct fronts;
struct launches;
struct request;
struct reserve_fd;
struct service_stats;
struct spawn_failure;
struct timers;

struct requests {
	struct fronts *fronts;
	struct reserve_fd *reserve;
	struct launches *launches;
	struct children *children;
	struct failures *failures;
	struct service_stats *stats;
	struct request_queue queue;
	struct shortage shortage;
	struct unread unread;
};

/* The caller keeps what it passes. */
void requests_init(struct requests *requests, struct timers *timers, struct fronts *fronts,
		   struct reserve_fd *reserve, struct launches *launches, struct children *children,
		   struct failures *failures, struct service_stats *stats);
void requests_fini(struct requests *requests);

/* Lets @request, which was counted and is allowed, be launched. Takes it over. */
void requests_add(struct requests *requests, struct request *request);

/* The program of @request, which was counted, will not be started: the fronts are told. */
void requests_settle_unstarted(struct requests *requests, const struct request *request);

/* The same, and logs the failed step. */
void requests_refuse(struct requests *requests, const struct request *request,
		     const struct spawn_failure *failure);

/* Launches those that wait, as far as there is room. Called in every turn of the loop. */
void requests_continue(struct requests *requests);

/* Because of @error, a front cannot be read for now. */
void requests_note_short(struct requests *requests, int error);

size_t requests_count_waiting(const struct requests *requests);

/* The keeper stops: gives up the requests that wait for a launch, or for processes. */
void requests_give_up(struct requests *requests);

/* For a forked process: closes the descriptors of clients. */
void requests_abandon(struct requests *requests);
