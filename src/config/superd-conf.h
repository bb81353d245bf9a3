#pragma once

/*
 * The dialect of superd.conf. A dialect turns the texts of all files into drafts of services, one
 * after the other. Another dialect would be another file like this one.
 */

#include "config/draft.h"
#include "config/named-sets.h"
#include "config/service-names.h"
#include "config/syntax.h"

struct arena;
struct decoder;
struct sources;

struct superd_conf {
	/* Set by the caller: */
	const struct sources *sources;
	char *const *files; /* the names of the files; locations point to them */
	struct errors *errors;
	struct arena *arena;
	struct decoder *decoder;

	/* Found by superd_conf_read_common(): */
	struct root root;
	struct draft defaults;
	struct named_sets sets;

	/* The state of superd_conf_next(): */
	struct service_names names; /* of all services so far */
	size_t file;
	struct syntax syntax;
	bool reading;
	size_t n_services; /* found so far, also those with errors */
};

/* Frees the names and the sets. */
void superd_conf_fini(struct superd_conf *conf);

/* Reads what is needed before a service is built: the top level and the defaults of all files. */
void superd_conf_read_common(struct superd_conf *conf);

/*
 * Reads the next service, which may not be enabled. Its draft may have errors: see its `bad` and
 * `unsure`. Returns false at the end, after the errors that only then are known. @out is valid as
 * long as the arena, and its name until the next call.
 */
bool superd_conf_next(struct superd_conf *conf, struct draft *out);
