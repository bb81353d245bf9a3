#pragma once

/* Pauses between the starts of processes of a pool, and what the log says about them. */

#include <stdint.h>

struct pool;

/* A process did not come up, or could not be started. */
void pauses_note_failure(struct pool *pool, int64_t lived_ms);

/*
 * A process has ended soon, but it did come up, so its client may have made it end. The others of
 * its clients must not wait for that. The pause bounds what such clients can cost.
 */
void pauses_note_short_life(struct pool *pool);

/*
 * A process has ended at once, after @lived_ms, and it is not known whether it came up. The program
 * is given the benefit of the doubt for as long as others of its processes live long enough.
 */
void pauses_note_moment(struct pool *pool, int64_t lived_ms);

/* A process has ended that had not failed. */
void pauses_note_full_life(struct pool *pool, int64_t lived_ms);

/* Because of @error no process can be started for now, or one can be again. */
void pauses_note_shortage(struct pool *pool, int error);
void pauses_note_plenty(struct pool *pool);
