#pragma once

/*
 * A descriptor number that is kept free for the next descriptor of a front.
 *
 * The number is released before a message is received, so that the descriptor of the message has a
 * number, and restored afterwards. While it cannot be restored no message is received. The keeper
 * also uses the number where it must open a file.
 */

#include <stdbool.h>

struct reserve_fd {
	int number;        /* -1: released */
	int template;      /* always open; a duplicate of it holds the number */
	bool withheld;     /* no message may be received now */
	unsigned retained; /* how many descriptors stayed open with the number */
};

/* Takes a number, if one is free. The caller keeps @template. */
void reserve_fd_init(struct reserve_fd *reserve, int template);

/* Releases the number. Returns whether a descriptor may have it. */
bool reserve_fd_release(struct reserve_fd *reserve);

/* Restores the number, unless it is withheld. Returns whether it is held now. */
bool reserve_fd_restore(struct reserve_fd *reserve);

static inline bool reserve_fd_is_held(const struct reserve_fd *reserve)
{
	return reserve->number >= 0;
}

/* A descriptor of a message, or a similar one, stays open. */
static inline void reserve_fd_retain(struct reserve_fd *reserve)
{
	reserve->retained++;
}

/*
 * Closes @fd. Holds its number if none is held, or if it is the lower one: what a child needs lies
 * low, and it copies no more of the table than that.
 */
void reserve_fd_take_over(struct reserve_fd *reserve, int fd);

/* Also for a forked process. */
void reserve_fd_fini(struct reserve_fd *reserve);
