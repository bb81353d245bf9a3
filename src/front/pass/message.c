#include "front/pass/message.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/client-variables.h"

static_assert(64 + 2 * CLIENT_VARIABLES_MAX * CLIENT_VARIABLE_SIZE <= PASS_MESSAGE_MAX,
	      "every client has room");

static char *append(char *at, const struct client_variable variables[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		at = stpcpy(at, variables[i].name);
		*at++ = '=';
		at = stpcpy(at, variables[i].value) + 1;
	}
	return at;
}

size_t pass_message_write(char out[static PASS_MESSAGE_MAX], unsigned client_index,
			  const struct client_text *client)
{
	struct client_variable variables[CLIENT_VARIABLES_MAX];
	char *at = out + snprintf(out, 64, "SUPERD_CLIENT=%u", client_index) + 1;

	at = append(at, variables, client_variables_of_server(client, variables));
	at = append(at, variables, client_variables_of_peer(client, variables));
	return (size_t)(at - out);
}

int pass_message_read_answer(const char *text, size_t n, unsigned n_clients)
{
	static const char word[] = "DONE=";
	unsigned client_index = 0;

	/* A terminator is accepted, because programs in C may send one. */
	if (n > 0 && text[n - 1] == '\0')
		n--;
	if (n < sizeof(word) || n > sizeof(word) + 8 || memcmp(text, word, sizeof(word) - 1) != 0)
		return -EINVAL;
	for (size_t i = sizeof(word) - 1; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		client_index = client_index * 10 + (unsigned)(text[i] - '0');
	}
	return client_index < n_clients ? (int)client_index : -EINVAL;
}
