#pragma once

/* The errors of one load. They are collected, and reported in the order of files and lines. */

#include <stdbool.h>
#include <stddef.h>

/* Where something was written. @file must stay valid as long as the location is used. */
struct location {
	const char *file;
	int line; /* 0: no location */
};

struct error {
	struct location at;
	char *message;
};

/* Zeroed, it is empty. */
struct errors {
	struct error *list;
	size_t n;
	size_t room;
	size_t unreported; /* errors that could not be kept: no memory, or far too many */
};

void errors_fini(struct errors *errors);

/* Does nothing if @errors is NULL, for text whose errors are reported elsewhere. */
void errors_add(struct errors *errors, struct location at, const char *fmt, ...)
	__attribute__((__format__(__printf__, 3, 4)));

/* Logs @all errors, or the first hundred and how many follow. Returns 0 for none, or -EINVAL. */
int errors_report(struct errors *errors, bool all);

/* Escape text of a file for a message. The result is valid for the next few calls. */
const char *errors_quote(const char *text);
const char *errors_quote_part(const char *text, size_t length);
