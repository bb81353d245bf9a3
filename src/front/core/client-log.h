#pragma once

/* The lines of the log about single clients, chosen by log_on_success and log_on_failure. */

#include <stdint.h>
#include <sys/types.h>

struct address;
struct service;
struct session;

/* Sessions; what the keeper starts, the keeper says. */
void log_accepted(const struct service *service, const struct address *peer);
void log_ended(const struct session *session);

/*
 * Clients of dispatch `pass`. @pid 0 is not known any more; @status is as wait(2) gives it, or
 * NULL where the program goes on.
 */
void log_passed(const struct service *service, const struct address *peer, pid_t pid);
void log_pass_ended(const struct service *service, const struct address *peer, pid_t pid,
		    int64_t lived_us, const int *status);

/* The service was full, with @used instances. */
void log_refused(const struct service *service, const struct address *peer, uint64_t used);

/* A client that should have been served and was not. @error is a negative errno, or 0. */
void log_lost(const struct service *service, const struct address *peer, int error,
	      const char *why);
