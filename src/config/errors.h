#pragma once

/*
 * The errors and warnings of one load. They are collected, and reported in the order of files and
 * lines. Errors stop the load, warnings do not.
 */

#include <stdbool.h>
#include <stddef.h>

/* Where something was written. @file must stay valid as long as the location is used. */
struct location {
	const char *file;
	int line; /* 0: the file as a whole, or no location */
};

struct error {
	struct location at;
	char *message;
	bool is_warning;
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
void errors_note(struct errors *errors, bool is_warning, struct location at, const char *fmt, ...)
	__attribute__((__format__(__printf__, 4, 5)));

#define errors_add(errors, at, ...) errors_note(errors, false, at, __VA_ARGS__)

/* For something that may be meant, but probably is not. */
#define errors_warn(errors, at, ...) errors_note(errors, true, at, __VA_ARGS__)

/* All errors from number @first on become warnings. */
void errors_soften(struct errors *errors, size_t first);

/* All warnings become errors. */
void errors_harden(struct errors *errors);

void errors_drop_warnings(struct errors *errors);

/* Whether there are errors, besides warnings. */
bool errors_exist(const struct errors *errors);

/*
 * Logs @all errors and warnings, or the first hundred of each and how many follow. Returns 0 if
 * there are no errors, or -EINVAL.
 */
int errors_report(struct errors *errors, bool all);

/* Escape text of a file for a message. The result is valid for the next few calls. */
const char *errors_quote(const char *text);
const char *errors_quote_part(const char *text, size_t length);

/* The same for text that the message shows in double quotes, as it would stand in the file. */
const char *errors_quote_string(const char *text, size_t length);
