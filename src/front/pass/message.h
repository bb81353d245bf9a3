#pragma once

/*
 * What superd and a process of a pool say to each other: a client, as NAME=VALUE strings with
 * their terminators, and "DONE=<seat>" for an answer. Pure.
 */

#include <stddef.h>

struct client_text;

#define PASS_MESSAGE_MAX 4096
#define PASS_ANSWER_MAX 32 /* longer ones are no answers */

/* Returns the length. @out has room for every client. */
size_t pass_message_write(char out[static PASS_MESSAGE_MAX], unsigned seat,
			  const struct client_text *client);

/* Returns the seat that @text gives back, below @n_seats, or -EINVAL. */
int pass_message_read_answer(const char *text, size_t n, unsigned n_seats);
