#pragma once

/*
 * Decides whether a `wait` program makes progress. A child that ends without reading its datagram
 * leaves it in the queue, and would be started for it again and again. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/backoff.h"

struct wait_retry {
	uint64_t fingerprint; /* of the datagram that the child was started for; 0: not known */
	unsigned of_datagram; /* failed children for the same datagram */
	unsigned waiting;     /* clients in the queue when the last child of a stream ended */
	unsigned quick;       /* children in a row that ended soon, it seems without a client */
	struct backoff pause; /* for WAIT_RETRY_DROP and _PAUSE: 1 s, 2 s, 4 s, to 60 s */
	struct backoff rest;  /* for WAIT_RETRY_REST: 20 ms to 160 ms */
};

enum wait_retry_verdict {
	WAIT_RETRY_FINE,  /* start at once */
	WAIT_RETRY_AGAIN, /* start again for the same datagram */
	WAIT_RETRY_DROP,  /* drop the datagram, then pause */
	WAIT_RETRY_PAUSE,
	WAIT_RETRY_REST, /* pause for a moment: the program seems to take no client */
};

/* Never returns 0. @head is the beginning of the datagram, @length its whole length. */
uint64_t wait_retry_fingerprint(const void *source, size_t n_source, const void *head,
				size_t n_head, size_t length);

/* A child starts for the datagram with that fingerprint. */
void wait_retry_start(struct wait_retry *wait_retry, uint64_t fingerprint);

/* The child has ended. @fingerprint is that of the first datagram in the queue; 0: none waits. */
enum wait_retry_verdict wait_retry_judge_datagram(struct wait_retry *wait_retry,
						  uint64_t fingerprint);

/*
 * The child has ended after @lived_ms, and @waiting clients are in the queue. The queue of a busy
 * service may grow too, so a program that ends without a failure is only slowed down.
 */
enum wait_retry_verdict wait_retry_judge_stream(struct wait_retry *wait_retry, bool failed,
						int64_t lived_ms, unsigned waiting);
