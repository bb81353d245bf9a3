#pragma once

/*
 * What superd and a process of dispatch `pass` say to each other. A message to the process is a
 * client, as NAME=VALUE strings with their terminators. An answer is "DONE=<number>", with the
 * number of a client that is over. Pure.
 */

#include <stddef.h>

struct client_text;

#define PASS_MESSAGE_MAX 4096
#define PASS_ANSWER_MAX 32 /* longer ones are no answers */

/* Returns the length. @out has room for every client. */
size_t pass_message_write(char out[static PASS_MESSAGE_MAX], unsigned client_index,
			  const struct client_text *client);

/* Returns the index of the client that is over, below @n_clients, or -EINVAL. */
int pass_message_read_answer(const char *text, size_t n, unsigned n_clients);
