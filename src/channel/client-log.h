#pragma once

/*
 * The lines of the log about a client, which the front and the keeper write alike. What they say is
 * chosen by log_on_success and log_on_failure.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/log.h"
#include "net/address.h"

/* A client, or a program that was started for no client in particular. */
struct client_record {
	const char *service;
	unsigned chosen;            /* RECORD_HOST and others of config/settings.h */
	const struct address *peer; /* length 0: none */
	const char *unnamed;        /* stands for an address that is not said: " a client", or "" */
	pid_t pid;                  /* of its program; 0: none, or not known any more */
	const struct address *local; /* where it came; NULL or length 0: not known */
};

/* How it was served to the end. */
struct client_end {
	bool is_session; /* of a built-in, not of a program */
	int64_t lived_us;
	uint64_t bytes_in; /* of a session */
	uint64_t bytes_out;
	const int *status; /* of its program, as wait(2) gives it; NULL: it has none, or goes on */
	const char *program; /* whose status that is, or NULL */
	bool by_superd;      /* which has sent a signal to the program */
	const char *reason;  /* the field SUPERD_REASON; NULL: that of the status */
	const char *details; /* what else there is to say, ", idle for 10 s"; or NULL */
	int error;           /* a negative errno to say, or 0 */
};

/* Who it is, " 127.0.0.1:4000", and the fields of a line about it, which point in here. */
struct client_words {
	char who[ADDRESS_TEXT_MAX + 1];
	char host[ADDRESS_TEXT_MAX];
	char port[8];
	char server_host[ADDRESS_TEXT_MAX];
	char server_port[8];
	struct log_fields fields;
};

void client_words_init(struct client_words *words, const struct client_record *client,
		       const char *event);

/* @event is "accepted", or "started" for a program. */
void client_log_start(const struct client_record *client, const char *event);
void client_log_end(const struct client_record *client, const struct client_end *end);
