#pragma once

/*
 * What files and databases have answered while a configuration was loaded. To ask them may take
 * for ever: a file system is dead, or a name server. So a forked child asks (the rehearsal) and
 * keeps each answer, in memory that it shares with the keeper. The keeper loads the same files in
 * the same way, and takes the answers from there in the same order.
 *
 * One set of answers is in use at a time. Without one, answers_take() says that nothing was asked
 * yet, and answers_keep() does nothing. The files that the child has parsed may be hostile, so all
 * that is taken is checked.
 */

#include <stddef.h>

struct answers;

/* Returns 0 or a negative errno. */
int answers_new(struct answers **out);
void answers_free(struct answers *answers);

/* Processes that are forked from now on do not have the memory. */
void answers_hide(struct answers *answers);

/* From now on answers are kept in @answers, or taken from them. */
void answers_record(struct answers *answers);
void answers_replay(struct answers *answers);

/* Neither is done any more. */
void answers_end(void);

/*
 * Takes the answer to the question @kind about @key. Returns 0 with the answer, which is valid as
 * long as the set, 1 if the caller must ask, or -EIO if the child did not ask this.
 */
int answers_take(char kind, const char *key, const void **out, size_t *out_size);

/* The same for an answer of a fixed @size. */
int answers_take_fixed(char kind, const char *key, void *out, size_t size);

/* Keeps an answer. One for which there is no room is missing later, and fails the load. */
void answers_keep(char kind, const char *key, const void *answer, size_t size);
