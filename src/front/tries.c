#include "front/tries.h"

#define TRIES_MAX 2 /* for one datagram */
#define PAUSE_MAX_MS 60000
#define QUICK_MS 1000
#define QUICK_MAX 4
#define REST_FIRST_MS 20
#define REST_DOUBLINGS 3

/* FNV-1a: to tell datagrams apart, not to withstand somebody who wants them alike. */
static uint64_t mix(uint64_t hash, const void *data, size_t n)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3u;
	return hash;
}

uint64_t tries_fingerprint(const void *source, size_t n_source, const void *head, size_t n_head,
			   size_t length)
{
	uint64_t hash = 0xcbf29ce484222325u;

	hash = mix(hash, source, n_source);
	hash = mix(hash, &length, sizeof(length));
	hash = mix(hash, head, n_head);
	return hash ? hash : 1;
}

void tries_start(struct tries *tries, uint64_t fingerprint)
{
	if (tries->fingerprint != fingerprint)
		tries->of_datagram = 0;
	tries->fingerprint = fingerprint;
}

static enum tries_verdict fine(struct tries *tries)
{
	*tries = (struct tries){ 0 };
	return TRIES_FINE;
}

enum tries_verdict tries_judge_datagram(struct tries *tries, uint64_t fingerprint)
{
	if (tries->fingerprint == 0 || fingerprint != tries->fingerprint)
		return fine(tries);
	if (++tries->of_datagram < TRIES_MAX)
		return TRIES_AGAIN;

	tries->fingerprint = 0;
	tries->of_datagram = 0;
	tries->in_a_row++;
	return TRIES_DROP;
}

enum tries_verdict tries_judge_stream(struct tries *tries, bool failed, int64_t lived_ms,
				      unsigned waiting)
{
	bool fewer = waiting < tries->waiting;

	tries->waiting = waiting;
	if (lived_ms >= QUICK_MS || waiting == 0)
		return fine(tries);
	if (failed) {
		tries->in_a_row++;
		return TRIES_PAUSE;
	}
	tries->in_a_row = 0;
	tries->quick = fewer ? 0 : tries->quick + 1;
	return tries->quick > QUICK_MAX ? TRIES_REST : TRIES_FINE;
}

int64_t tries_rest_ms(const struct tries *tries)
{
	unsigned beyond = tries->quick - QUICK_MAX - 1;

	return REST_FIRST_MS << (beyond < REST_DOUBLINGS ? beyond : REST_DOUBLINGS);
}

int64_t tries_pause_ms(const struct tries *tries)
{
	int64_t pause_ms = 1000;

	for (unsigned i = 1; i < tries->in_a_row && pause_ms < PAUSE_MAX_MS; i++)
		pause_ms *= 2;
	return pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS;
}
