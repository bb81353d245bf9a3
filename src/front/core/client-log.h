#pragma once

/* The lines of the log about clients. log_on_success and log_on_failure choose what they say. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct address;
struct service;

/* How a client was served to the end. What the keeper starts, the keeper reports. */
struct client_end {
	const struct address *peer;
	pid_t pid;         /* of the program that served it; 0: none, or not known any more */
	const int *status; /* of the program, as wait(2) gives it; NULL: it goes on */
	int64_t lived_us;
	bool has_traffic; /* a session, whose bytes were counted */
	uint64_t bytes_in;
	uint64_t bytes_out;
	const char *limit; /* that ended it, ", idle for 10 s"; or NULL */
	int error;         /* a negative errno that ended it, or 0 */
};

/* @pid 0: no program serves it. */
void log_accepted(const struct service *service, const struct address *peer, pid_t pid);
void log_ended(const struct service *service, const struct client_end *end);

/* The service was full, with @used instances. */
void log_refused(const struct service *service, const struct address *peer, uint64_t used);

/* A client that should have been served and was not. @error is a negative errno, or 0. */
void log_lost(const struct service *service, const struct address *peer, int error,
	      const char *why);
