#pragma once

/*
 * The mistakes of one load, collected while it goes on and said together, in the
 * order of files and lines.
 */

#include <stdbool.h>
#include <stddef.h>

/* Where something was written. @file must outlive what points to it. */
struct place {
	const char *file;
	int line; /* 0: nowhere */
};

struct mistake {
	struct place at;
	char *message;
};

/* All zero is an empty one. */
struct mistakes {
	struct mistake *list;
	size_t n;
	size_t allocated;
	size_t unsaid; /* those that memory was missing for, or that came after very many */
};

void mistakes_fini(struct mistakes *mistakes);

/* Harmless on NULL, for a look at text whose mistakes somebody else tells. */
void mistakes_add(struct mistakes *mistakes, struct place at, const char *fmt, ...)
	__attribute__((__format__(__printf__, 3, 4)));

/*
 * Logs them: @all, or the first hundred, and how many more there are. Returns 0 if there are
 * none, else -EINVAL.
 */
int mistakes_report(struct mistakes *mistakes, bool all);

/* What was found in a file, as a message may show it; valid for the next few calls. */
const char *mistakes_quote(const char *text);
const char *mistakes_quote_part(const char *text, size_t length);
