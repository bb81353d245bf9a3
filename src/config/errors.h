#pragma once

/*
 * The errors of one load, collected while it goes on and reported together, in the
 * order of files and lines.
 */

#include <stdbool.h>
#include <stddef.h>

/* Where something was written. @file must outlive what points to it. */
struct location {
	const char *file;
	int line; /* 0: nowhere */
};

struct error {
	struct location at;
	char *message;
};

/* All zero is an empty one. */
struct errors {
	struct error *list;
	size_t n;
	size_t room;
	size_t unreported; /* those that memory was missing for, or that came after very many */
};

void errors_fini(struct errors *errors);

/* Harmless on NULL, for a look at text whose errors somebody else reports. */
void errors_add(struct errors *errors, struct location at, const char *fmt, ...)
	__attribute__((__format__(__printf__, 3, 4)));

/*
 * Logs them: @all, or the first hundred, and how many more there are. Returns 0 if there are
 * none, else -EINVAL.
 */
int errors_report(struct errors *errors, bool all);

/* What was found in a file, as a message may show it; valid for the next few calls. */
const char *errors_quote(const char *text);
const char *errors_quote_part(const char *text, size_t length);
