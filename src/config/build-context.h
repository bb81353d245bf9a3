#pragma once

/* What the parts that build services share: the services of one parse, and the one at hand. */

#include <stdbool.h>

#include "config/account.h"
#include "config/draft.h"
#include "config/endpoint-conflicts.h"

struct resolved_hosts;

/* Of one parse. */
struct build_context {
	struct errors *errors;
	const struct root *root;
	struct settings *settings;
	struct accounts accounts;
	struct endpoint_conflicts conflicts;
	struct resolved_hosts *hosts; /* or NULL: names of hosts are looked up */
	bool rehearsal; /* fills @hosts, and leaves warnings to the parse that counts */
	bool privileged;
};

struct build {
	struct build_context *context;
	struct draft *draft;
	struct service *service;
};

/*
 * Adds an error of option @number at line @at_line of where it was set (0: at its name),
 * which may be the defaults; or, with -1, of the service itself.
 */
#define build_error(build, number, at_line, fmt, ...)                                 \
	errors_add((build)->context->errors, build_location(build, number, at_line),  \
		   "%s'%s': " fmt, build_is_own(build, number) ? "service " : "",     \
		   build_is_own(build, number) ? (build)->service->name : "defaults", \
		   ##__VA_ARGS__)

/* Whether what is reported about @number concerns the service rather than the defaults. */
bool build_is_own(const struct build *build, int number);

/* Where option @number was set (line @line of that file, unless 0); else the service's location. */
struct location build_location(const struct build *build, int number, int line);

/* @text is NULL-safe. Returns NULL and adds an error when memory is missing. */
char *build_copy(struct build *build, const char *text);
