#pragma once

/*
 * The dialect of superd.conf: from the texts of all files to what they say. A dialect gives the
 * drafts of services, one after the other; another one would be a file like this.
 */

#include "config/draft.h"
#include "config/service-names.h"
#include "config/syntax.h"

struct arena;
struct decoder;
struct sources;

struct superd_conf {
	/* From whoever parses: */
	const struct sources *sources;
	char *const *files; /* their names, which locations point to */
	struct errors *errors;
	struct arena *arena;
	struct decoder *decoder;

	/* What superd_conf_read_common() finds: */
	struct root root;
	struct draft defaults;

	/* Where superd_conf_next() is: */
	struct service_names names;
	size_t file;
	struct syntax syntax;
	bool reading;
	size_t n_services; /* that were found, those with errors too */
};

/* What must be known before any service is built, whichever file it stands in. */
void superd_conf_read_common(struct superd_conf *conf);

/*
 * Gives the next service that is enabled and has no errors of its own. Returns false at the end.
 * @out is valid as long as the arena, its name until the next call.
 */
bool superd_conf_next(struct superd_conf *conf, struct draft *out);
