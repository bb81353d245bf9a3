/* Throws answers of programs at the front: a seat is named, and there is one, or nothing is. */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "front/pass/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned n_seats = size > 0 ? data[0] + 1 : 1;
	const char *text = (const char *)data + (size > 0);
	size_t n = size > 0 ? size - 1 : 0;
	int seat = pass_message_read_answer(text, n, n_seats);

	assert(seat < (int)n_seats);
	if (seat >= 0)
		assert(n > 5 && memcmp(text, "DONE=", 5) == 0);
	return 0;
}
