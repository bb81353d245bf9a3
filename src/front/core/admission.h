#pragma once

/*
 * Admission: the decision about one more client of a service. Pure, so that all of it can be
 * tested. The caller counts the clients.
 */

#include <stdint.h>

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
};

enum admission admission_decide(const struct service *service,
				const struct admission_counters *counters);

uint64_t admission_used(const struct admission_counters *counters);
