#pragma once

/*
 * Tries: whether a `wait` program makes headway. A child that dies without reading its
 * datagram leaves it in the queue, and would be started for it again and again. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tries {
	uint64_t fingerprint; /* of the datagram that the child was started for; 0: not known */
	unsigned of_datagram; /* failed ones, for the same datagram */
	unsigned in_a_row;    /* failed ones that ended in a pause */
	unsigned quick;       /* children of a stream in a row that ended almost at once */
};

enum tries_verdict {
	TRIES_FINE,  /* start at once */
	TRIES_AGAIN, /* start again for the same datagram */
	TRIES_DROP,  /* drop the datagram, then pause */
	TRIES_PAUSE,
	TRIES_REST, /* for TRIES_REST_MS: it may be busy, or take no client at all */
};

#define TRIES_REST_MS 20

/* Never 0. @head is how the datagram begins, @length how long it is. */
uint64_t tries_fingerprint(const void *source, size_t n_source, const void *head, size_t n_head,
			   size_t length);

/* A child starts for the datagram of that fingerprint. */
void tries_start(struct tries *tries, uint64_t fingerprint);

/* It has ended, and the first datagram that waits now is @fingerprint (0: none waits). */
enum tries_verdict tries_judge_datagram(struct tries *tries, uint64_t fingerprint);

/* It has ended after @lived_ms; @waiting says whether somebody waits in the queue. */
enum tries_verdict tries_judge_stream(struct tries *tries, bool failed, int64_t lived_ms,
				      bool waiting);

/* How long to pause after TRIES_DROP and TRIES_PAUSE: 1 s, 2 s, 4 s, to 60 s. */
int64_t tries_pause_ms(const struct tries *tries);
