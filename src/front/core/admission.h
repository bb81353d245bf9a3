#pragma once

/*
 * Admission: the decision about one more client of a service. Pure, so that all of
 * it can be tested; who is counted is its caller's business.
 */

#include <stdint.h>

struct service;

enum admission {
	ADMISSION_ADMIT,
	ADMISSION_HOLD,   /* leave the client in the kernel's queue until a slot returns */
	ADMISSION_REFUSE, /* accept and close */
};

struct admission_counters {
	uint64_t children; /* of its programs: running, or asked for */
	uint64_t sessions; /* of this front */
	uint64_t older;    /* sessions of the fronts before it, which drain */
};

enum admission admission_decide(const struct service *service,
				const struct admission_counters *counters);

uint64_t admission_used(const struct admission_counters *counters);
