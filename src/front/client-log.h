#pragma once

/* The lines of the log about single clients, chosen by log_on_success and log_on_failure. */

#include <stdint.h>

struct address;
struct service;
struct session;

/* Sessions only: what the keeper starts, the keeper says. */
void log_accepted(const struct service *service, const struct address *peer);
void log_ended(const struct session *session);

/* The service was full, with @used instances. */
void log_refused(const struct service *service, const struct address *peer, uint64_t used);

/* A client that should have been served and was not. @error is a negative errno, or 0. */
void log_lost(const struct service *service, const struct address *peer, int error,
	      const char *why);
