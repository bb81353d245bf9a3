/* Throws answers of programs at the front: each names a client that there is, or is refused. */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "front/pass/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned n_clients = size > 0 ? data[0] + 1 : 1;
	const char *text = (const char *)data + (size > 0);
	size_t n = size > 0 ? size - 1 : 0;
	int client_index = pass_message_read_answer(text, n, n_clients);

	assert(client_index < (int)n_clients);
	if (client_index >= 0)
		assert(n > 5 && memcmp(text, "DONE=", 5) == 0);
	return 0;
}
