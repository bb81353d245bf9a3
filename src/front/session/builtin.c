#include "front/session/builtin.h"

#include <endian.h>
#include <string.h>

#define LINE_LENGTH 74 /* 72 characters, CR, LF */
#define RING_LENGTH 95 /* the printable characters */
#define PATTERN_PERIOD (LINE_LENGTH * RING_LENGTH)
#define PATTERN_CHUNK (256 * 1024) /* so much can be sent at once from any offset */
#define DATAGRAM_MAX 512           /* RFC 864 */
#define SECONDS_1900_TO_1970 2208988800u

/* Takes memory only when chargen is used. */
static char pattern[PATTERN_PERIOD + PATTERN_CHUNK];

/* Once for all services: a quarter of a megabyte each would delay the start of a front. */
static void prepare_pattern(void)
{
	if (pattern[0])
		return;
	for (size_t i = 0; i < sizeof(pattern); i++) {
		size_t line = i / LINE_LENGTH;
		size_t column = i % LINE_LENGTH;

		if (column < 72)
			pattern[i] = (char)(' ' + (line + column) % RING_LENGTH);
		else
			pattern[i] = column == 72 ? '\r' : '\n';
	}
}

static void echo(struct exchange *x)
{
	x->out = x->in;
	x->n_out = x->n_in;
}

static void discard(struct exchange *x)
{
	x->n_out = 0;
}

static void chargen(struct exchange *x)
{
	x->out = pattern + x->sent % PATTERN_PERIOD;
	x->n_out = PATTERN_CHUNK;
}

static void chargen_datagram(struct exchange *x)
{
	x->out = pattern;
	if (x->amplify)
		x->n_out = x->random % (DATAGRAM_MAX + 1);
	else
		x->n_out = x->n_in < DATAGRAM_MAX ? x->n_in : DATAGRAM_MAX;
}

/* Makes the text once a second at most, because localtime_r() may look for the time zone. */
static void daytime(struct exchange *x)
{
	static _Thread_local char text[BUILTIN_ROOM];
	static _Thread_local time_t made_for;
	static _Thread_local size_t n_text;
	struct tm local;

	if (n_text == 0 || made_for != x->now) {
		n_text = localtime_r(&x->now, &local)
				 ? strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y\r\n", &local)
				 : 0;
		made_for = x->now;
	}
	memcpy(x->room, text, n_text);
	x->out = x->room;
	x->n_out = n_text;
}

/* RFC 868: 32 bits, which wrap to 0 on 2036-02-07. */
static void time_since_1900(struct exchange *x)
{
	uint32_t seconds = htobe32((uint32_t)x->now + SECONDS_1900_TO_1970);

	memcpy(x->room, &seconds, sizeof(seconds));
	x->out = x->room;
	x->n_out = sizeof(seconds);
}

static const struct builtin builtins[BUILTIN_COUNT] = {
	[BUILTIN_ECHO] = { NULL, echo, echo },
	[BUILTIN_DISCARD] = { NULL, discard, discard },
	[BUILTIN_CHARGEN] = { prepare_pattern, chargen, chargen_datagram },
	[BUILTIN_DAYTIME] = { NULL, daytime, daytime },
	[BUILTIN_TIME] = { NULL, time_since_1900, time_since_1900 },
};

void builtin_prepare(enum builtin_kind kind)
{
	if (builtins[kind].prepare)
		builtins[kind].prepare();
}

const struct builtin *builtin_find(enum builtin_kind kind)
{
	return &builtins[kind];
}
