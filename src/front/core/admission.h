#pragma once

/*
 * Admission: the decision about one more client of a service. It takes two steps. Before a client
 * is accepted, nobody knows who it is: may one come? Then: may this one? Both are pure, so that all
 * of it can be tested. The caller counts the clients, and asks the kernel who they are.
 */

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "channel/refusal.h"
#include "config/client-set.h"

struct address;
struct service;

enum admission {
	ADMISSION_ADMIT,
	ADMISSION_HOLD, /* leave the client in the kernel's queue until another client has ended */
	ADMISSION_REFUSE, /* accept and close */
};

struct admission_counters {
	uint64_t children; /* of its programs: running, or asked for */
	uint64_t sessions; /* of this front */
	uint64_t older;    /* sessions of older fronts, which drain */
	int64_t wait_ns;   /* until the rate of the service lets one more come; 0: now */
};

enum admission admission_decide(const struct service *service,
				const struct admission_counters *counters);

/* What keeps one more client from coming, or REFUSAL_NONE. */
enum refusal admission_obstacle(const struct service *service,
				const struct admission_counters *counters);

uint64_t admission_used(const struct admission_counters *counters);

/* Who wants to come. */
struct candidate {
	const struct address *peer;
	struct credentials credentials;
	time_t now;
};

/*
 * Whether this client may come: access_times, only_from and no_access. Where both name it, the more
 * specific entry decides, and no_access if they are equal. @out_match is the entry of no_access
 * that refuses. For any thread.
 */
enum refusal admission_judge(const struct service *service, const struct candidate *candidate,
			     struct client_match *out_match);

/* Whether every client may come, whoever it is and whenever. */
bool admission_is_open(const struct service *service);

/* Whether admission_judge() needs to know as whom a client of a Unix socket runs. */
bool admission_needs_credentials(const struct service *service);
