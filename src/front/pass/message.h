#pragma once

/*
 * The messages between superd and a process of dispatch `pass`. A message to the process is a
 * client, as NAME=VALUE strings with their terminators. An answer is "DONE=<number>", the number of
 * a client that has ended. Pure.
 */

#include <stddef.h>

struct client_text;

#define PASS_MESSAGE_MAX 4096
#define PASS_ANSWER_MAX 32 /* a longer answer is invalid */

/* Returns the length. @out has room for every client. */
size_t pass_message_write(char out[static PASS_MESSAGE_MAX], unsigned client_index,
			  const struct client_text *client);

/* Returns the index of the client that has ended, below @n_clients, or -EINVAL. */
int pass_message_read_answer(const char *text, size_t n, unsigned n_clients);
