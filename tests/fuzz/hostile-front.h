#pragma once

/*
 * What a front that was taken over says, made from the bytes of a fuzzer: messages with every
 * field and with descriptors of every kind (hostile-descriptor.h), against a keeper of which the
 * test holds the front's end (see keeper-stage.h).
 *
 * A crash is not all that can go wrong, because most of what the keeper must check hurts somebody
 * else. So this file judges as well: front_may_not_say() tells for a message, from how it was made,
 * whether a keeper that believes it has an error. The honest messages, one of each type, are what a
 * fuzzer starts from.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel/channel.h"

struct stage;

#define STEPS_MAX 32

/* What a step does. Most say something, and the others are for targets that know them. */
enum action {
	ACTION_FIRST = 192,
	TURN = ACTION_FIRST, /* the keeper reads all that was said */
	HALT,                /* the keeper commands */
	RESUME,
	PING,
	DRAIN,
	RETIRE, /* after a reload */
	SHORT,  /* of descriptors, for a turn */
	LATER,  /* timers are due */
	REAP,   /* programs end */
	LEAVE,  /* the front goes, and the next one comes */
	ACTION_LAST = LEAVE,
};

/* One message. Small numbers name what there is, and a little more. */
struct step {
	uint8_t action;
	uint8_t type, service, endpoint, index, pid;
	uint8_t n_fds, kind, lacking;
	uint8_t peer_length, local_length;
	uint8_t peer[28], local[28];
};

/* Returns whether it was sent. The channel may be full, or closed. */
bool front_say(const struct stage *stage, const struct step *step);

/* Whether the keeper must end a front that serves and says this. If false, it may do either. */
bool front_may_not_say(const struct step *step);

/* Aborts if the front has not ended for something that it may not say. */
void front_check_ended(const struct step *step, bool has_ended);

/* The honest messages. Returns how many there are. */
size_t front_honest_steps(const struct step **out);

/*
 * Calls @say with each honest message of which one field is changed, for all values of the field.
 * What lies so near is not left to chance.
 */
typedef void front_say_fn(const struct step *step);
void front_each_near_miss(front_say_fn *say);

/* Calls @take with each step of a fuzzer's bytes, at most STEPS_MAX. */
void front_each_step(const uint8_t *data, size_t size, front_say_fn *take);

/* Called by the fuzzer: changes whole steps every other time, and otherwise bytes. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* The fuzzer's own. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/*
 * What a target does first with its arguments: writes the honest messages, each alone and all in a
 * row, and last words that are not, into the first directory among them, which is the corpus, and
 * adds the options that it needs.
 */
void front_begin_fuzz(int *argc, char ***argv);
