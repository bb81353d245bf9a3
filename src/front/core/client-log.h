#pragma once

/* The lines of the log about clients. log_on_success and log_on_failure choose what they say. */

#include <stdint.h>
#include <sys/types.h>

#include "channel/refusal.h"

struct address;
struct client_end;
struct service;

/*
 * @pid is that of the program that serves the client; 0: none, or not known any more. @local is
 * the address where the client came, or NULL.
 */
void log_accepted(const struct service *service, const struct address *peer, pid_t pid);
void log_ended(const struct service *service, const struct address *peer,
	       const struct address *local, pid_t pid, const struct client_end *end);

/* @why says more about the refusal. */
void log_refused(const struct service *service, const struct address *peer, enum refusal refusal,
		 const char *why);

/* A client that should have been served and was not. @error is a negative errno, or 0. */
void log_lost(const struct service *service, const struct address *peer, int error,
	      const char *why);

/* A datagram that the program of the service did not read. */
void log_unread(const struct service *service, const struct address *peer);
