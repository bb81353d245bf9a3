#pragma once

/*
 * What the load generator and the bare loops share.
 *
 * These are tools that a person or a script watches: they print what went wrong and exit.
 */

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TOOL_FAILED = 1,
	TOOL_USAGE = 64,
	TOOL_BACKLOG = 4096,
};

/* Prints @what with the text of errno and exits. */
_Noreturn void die(const char *what);

uint64_t now_ns(void);

/* Reads a whole number from @min to @max, or exits with a message that has @name in it. */
unsigned long number_parse(const char *name, const char *text, unsigned long min,
			   unsigned long max);

/* Reads a numeric IPv4 address, or exits. */
struct sockaddr_in address_parse(const char *host, unsigned port);

/* Makes the soft limit of open files as high as the hard one. */
void descriptors_raise(void);
