#pragma once

/*
 * The digest of a service: equal where a program that was started for the one would find the same
 * for the other. Every option of the schema counts by its value, but those that the schema says
 * are LIVE, and those that are RESOLVED, which count by what they stand for.
 */

#include <stdint.h>

struct draft;
struct service;

/* @service must be complete but for its digest. Never 0. */
uint64_t digest_of_service(const struct service *service, const struct draft *draft);

/* Equal where the services are written in the same way, with the same defaults. */
uint64_t digest_of_options(const struct draft *draft);
