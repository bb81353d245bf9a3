#include "front/program/wait-retry.h"

#define WAIT_RETRY_MAX 2 /* for one datagram */
#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS 60000
#define QUICK_MS 1000
#define QUICK_MAX 4
#define REST_FIRST_MS 20
#define REST_MAX_MS 160

/* FNV-1a. It tells datagrams apart, and need not withstand an attacker who makes equal ones. */
static uint64_t mix(uint64_t hash, const void *data, size_t n)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3u;
	return hash;
}

uint64_t wait_retry_fingerprint(const void *source, size_t n_source, const void *head,
				size_t n_head, size_t length)
{
	uint64_t hash = 0xcbf29ce484222325u;

	hash = mix(hash, source, n_source);
	hash = mix(hash, &length, sizeof(length));
	hash = mix(hash, head, n_head);
	return hash ? hash : 1;
}

void wait_retry_start(struct wait_retry *wait_retry, uint64_t fingerprint)
{
	if (wait_retry->fingerprint != fingerprint)
		wait_retry->of_datagram = 0;
	wait_retry->fingerprint = fingerprint;
}

static enum wait_retry_verdict fine(struct wait_retry *wait_retry)
{
	*wait_retry = (struct wait_retry){ 0 };
	return WAIT_RETRY_FINE;
}

enum wait_retry_verdict wait_retry_judge_datagram(struct wait_retry *wait_retry,
						  uint64_t fingerprint)
{
	if (wait_retry->fingerprint == 0 || fingerprint != wait_retry->fingerprint)
		return fine(wait_retry);
	if (++wait_retry->of_datagram < WAIT_RETRY_MAX)
		return WAIT_RETRY_AGAIN;

	wait_retry->fingerprint = 0;
	wait_retry->of_datagram = 0;
	(void)backoff_next(&wait_retry->pause, PAUSE_FIRST_MS, PAUSE_MAX_MS);
	return WAIT_RETRY_DROP;
}

enum wait_retry_verdict wait_retry_judge_stream(struct wait_retry *wait_retry, bool failed,
						int64_t lived_ms, unsigned waiting)
{
	bool fewer = waiting < wait_retry->waiting;

	wait_retry->waiting = waiting;
	if (lived_ms >= QUICK_MS || waiting == 0)
		return fine(wait_retry);
	if (failed) {
		(void)backoff_next(&wait_retry->pause, PAUSE_FIRST_MS, PAUSE_MAX_MS);
		return WAIT_RETRY_PAUSE;
	}
	backoff_reset(&wait_retry->pause);
	wait_retry->quick = fewer ? 0 : wait_retry->quick + 1;
	if (wait_retry->quick <= QUICK_MAX) {
		backoff_reset(&wait_retry->rest);
		return WAIT_RETRY_FINE;
	}
	(void)backoff_next(&wait_retry->rest, REST_FIRST_MS, REST_MAX_MS);
	return WAIT_RETRY_REST;
}
