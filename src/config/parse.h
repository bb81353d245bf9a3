#pragma once

/* One parse, from sources to settings, and the parts that build a service from its draft. */

#include "config/arena.h"
#include "config/load.h"
#include "config/errors.h"
#include "config/schema.h"

struct accounts;
struct endpoint_conflicts;
struct decoder;
struct service_names;

struct parse {
	const struct sources *sources;
	const struct load_options *options;
	struct resolved_hosts *hosts;
	bool rehearsal; /* fills @hosts, and leaves warnings to the parse that counts */

	struct errors errors;
	struct arena arena;
	struct decoder *decoder;
	struct accounts *accounts;
	struct endpoint_conflicts *conflicts;
	struct service_names *service_names;
	struct root root;
	struct draft defaults;
	struct location defaults_at;
	bool defaults_unsure; /* what is missing may stand where something is wrong */
	struct settings *settings;
	size_t services_allocated;
};

/* Returns 0 or a negative errno, after logging every error. */
int parse_run(struct settings **out, const struct sources *sources, struct resolved_hosts *hosts,
	      const struct load_options *options, bool rehearsal);

/* The service at hand. */
struct build {
	struct parse *parse;
	const struct draft *draft;
	struct service *service;
};

/* These add errors; what they could not build stays empty. */
void build_service(struct build *build);
void build_endpoints(struct build *build);
void build_program(struct build *build);
void build_crew(struct build *build); /* after the endpoints and the program */
void build_workers(struct parse *parse);
void build_front(struct parse *parse);
void build_poller(struct parse *parse); /* after the services */

/*
 * A error of option @number at line @at_line of where it was set (0: at its name),
 * which may be the defaults; or, with -1, of the service itself.
 */
#define build_error(build, number, at_line, fmt, ...)                                 \
	errors_add(&(build)->parse->errors, build_location(build, number, at_line),   \
		   "%s'%s': " fmt, build_is_own(build, number) ? "service " : "",     \
		   build_is_own(build, number) ? (build)->service->name : "defaults", \
		   ##__VA_ARGS__)

/* Whether what is said about @number concerns the service rather than the defaults. */
bool build_is_own(const struct build *build, int number);

/* Where option @number was set (line @line of that file, unless 0); else the service's location. */
struct location build_location(const struct build *build, int number, int line);

/* @text is NULL-safe. Returns NULL and adds an error when memory is missing. */
char *build_copy(struct build *build, const char *text);
