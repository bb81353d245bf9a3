#pragma once

/*
 * A low number of a descriptor, held free for the next one that a front sends.
 *
 * It is given away before a message is received, so that the descriptor of the message finds a
 * place, and taken back afterwards. While it cannot be had again no message is received, and the
 * keeper has it for itself where it must open a file.
 */

#include <stdbool.h>

struct reserve_fd {
	int number;        /* -1: given away */
	int template;      /* open all the time; a copy of it holds the number */
	bool withheld;     /* no message is to be received now */
	unsigned retained; /* counts the descriptors that stayed open in its place */
};

/* Takes the number, if there is one. @template stays the caller's. */
void reserve_fd_init(struct reserve_fd *reserve, int template);

/* Gives the number away. Returns whether a descriptor may have it. */
bool reserve_fd_release(struct reserve_fd *reserve);

/* Takes it back, unless it is withheld. Harmless while it is held. Returns whether it is held. */
bool reserve_fd_restore(struct reserve_fd *reserve);

static inline bool reserve_fd_is_held(const struct reserve_fd *reserve)
{
	return reserve->number >= 0;
}

/* A descriptor that a message brought, or one like it, stays open. */
static inline void reserve_fd_retain(struct reserve_fd *reserve)
{
	reserve->retained++;
}

/* Also in a process that has it by a fork. */
void reserve_fd_fini(struct reserve_fd *reserve);
