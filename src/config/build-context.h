#pragma once

/* What the files that build services share: the state of one parse, and the service being built. */

#include <stdbool.h>

#include "config/account.h"
#include "config/draft.h"
#include "config/endpoint-conflicts.h"

struct named_sets;
struct resolved_hosts;
struct value;

/* What a list of the defaults says, for all services. */
struct shared_set {
	const struct value *values;
	const struct client_set *set;
};

/* The state of one parse. */
struct build_context {
	struct errors *errors;
	const struct root *root;
	struct settings *settings;
	struct accounts accounts;
	struct endpoint_conflicts conflicts;
	struct resolved_hosts *hosts; /* NULL: names of hosts are looked up here */
	struct named_sets *sets;
	struct shared_set shared_sets[2]; /* of only_from and no_access */
	bool rehearsal;                   /* fills @hosts */
	bool privileged;
	bool trial; /* not privileged: what needs root is left out, with a warning */

	/* The ports that the system gives to outgoing connections, once a warning needs them. */
	bool local_ports_known;
	unsigned local_port_first;
	unsigned local_port_last;
};

struct build {
	struct build_context *context;
	struct draft *draft;
	struct service *service;
};

/*
 * Adds an error about option @number, in the file where it was set, which may be that of the
 * defaults. @at_line is the line, or 0 for the line of its name. With a @number of -1 the error is
 * about the service itself.
 */
#define build_error(build, number, at_line, ...) \
	build_note(build, false, number, at_line, __VA_ARGS__)
#define build_warning(build, number, at_line, ...) \
	build_note(build, true, number, at_line, __VA_ARGS__)

/* For an option that needs root, which superd has not. In a trial it is left out. */
#define build_needs_root(build, number, fmt) \
	build_note(build, (build)->context->trial, number, 0, fmt "%s", build_hint_of_root(build))

#define build_note(build, is_warning, number, at_line, fmt, ...)                                  \
	errors_note((build)->context->errors, is_warning, build_location(build, number, at_line), \
		    "%s'%s': " fmt, build_is_own(build, number) ? "service " : "",                \
		    build_is_own(build, number) ? (build)->service->name : "defaults",            \
		    ##__VA_ARGS__)

const char *build_hint_of_root(const struct build *build);

/* Whether the service itself sets option @number, rightly or wrongly. */
bool build_has(const struct build *build, int number);

/* Whether option @number has the value that is meant: no error may hide another one. */
bool build_is_sure(const struct build *build, int number);

/* Whether an error about @number is in the service, and not in the defaults. */
bool build_is_own(const struct build *build, int number);

/* Where option @number was set, or else the service. @line, unless 0, replaces the line. */
struct location build_location(const struct build *build, int number, int line);
