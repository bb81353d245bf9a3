#pragma once

/* The lines of the log about clients. log_on_success and log_on_failure choose what they say. */

#include <stdint.h>
#include <sys/types.h>

struct address;
struct service;
struct session;

/* For sessions. The keeper logs the clients of programs that it starts. */
void log_accepted(const struct service *service, const struct address *peer);
void log_ended(const struct session *session);

/*
 * For clients of dispatch `pass`. @pid 0: not known any more. @status is that of wait(2), or NULL
 * if the process still runs.
 */
void log_passed(const struct service *service, const struct address *peer, pid_t pid);
void log_pass_ended(const struct service *service, const struct address *peer, pid_t pid,
		    int64_t lived_us, const int *status);

/* The service was full, with @used instances. */
void log_refused(const struct service *service, const struct address *peer, uint64_t used);

/* A client that should have been served and was not. @error is a negative errno, or 0. */
void log_lost(const struct service *service, const struct address *peer, int error,
	      const char *why);
