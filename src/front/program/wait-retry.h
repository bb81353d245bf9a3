#pragma once

/*
 * Tries: whether a `wait` program makes headway. A child that dies without reading its
 * datagram leaves it in the queue, and would be started for it again and again. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wait_retry {
	uint64_t fingerprint; /* of the datagram that the child was started for; 0: not known */
	unsigned of_datagram; /* failed ones, for the same datagram */
	unsigned waiting;     /* clients in the queue when the last child of a stream ended */
	unsigned in_a_row;    /* failed ones that ended in a pause */
	unsigned quick; /* stream children in a row that ended soon and took nobody, it seems */
};

enum wait_retry_verdict {
	WAIT_RETRY_FINE,  /* start at once */
	WAIT_RETRY_AGAIN, /* start again for the same datagram */
	WAIT_RETRY_DROP,  /* drop the datagram, then pause */
	WAIT_RETRY_PAUSE,
	WAIT_RETRY_REST, /* for a moment: it seems to take no client */
};

/* Never 0. @head is how the datagram begins, @length how long it is. */
uint64_t wait_retry_fingerprint(const void *source, size_t n_source, const void *head,
				size_t n_head, size_t length);

/* A child starts for the datagram of that fingerprint. */
void wait_retry_start(struct wait_retry *wait_retry, uint64_t fingerprint);

/* It has ended, and the first datagram that waits now is @fingerprint (0: none waits). */
enum wait_retry_verdict wait_retry_judge_datagram(struct wait_retry *wait_retry,
						  uint64_t fingerprint);

/*
 * It has ended after @lived_ms, and @waiting clients are in the queue. The queue of a
 * busy service grows too, so that what ended without a failure is only slowed down.
 */
enum wait_retry_verdict wait_retry_judge_stream(struct wait_retry *wait_retry, bool failed,
						int64_t lived_ms, unsigned waiting);

/* How long to pause after WAIT_RETRY_DROP and WAIT_RETRY_PAUSE: 1 s, 2 s, 4 s, to 60 s. */
int64_t wait_retry_pause_ms(const struct wait_retry *wait_retry);

/* After WAIT_RETRY_REST: 20 ms to 160 ms. */
int64_t wait_retry_rest_ms(const struct wait_retry *wait_retry);
