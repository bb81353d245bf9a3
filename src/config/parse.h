#pragma once

/* Parses the texts of all files into settings. */

#include <stdbool.h>

struct resolved_hosts;
struct settings;
struct sources;

struct load_options {
	int port_base;        /* overrides the file's, unless -1 */
	const char *pid_file; /* the same, unless NULL */
	bool privileged;      /* superd runs as root */
	bool check;           /* --check: report all errors */
	bool list;            /* --list: list the services as they are written */

	/* NULL, or called first in the child of a rehearsal: closes what it must not hold open. */
	void (*abandon)(void *owner);
	void *owner;
};

/*
 * Returns 0 or a negative errno, after logging every error as `file:line: message`. A rehearsal
 * fills @hosts. Otherwise @hosts may be NULL, and then names of hosts are looked up, which may
 * block.
 */
int parse_run(struct settings **out, const struct sources *sources, struct resolved_hosts *hosts,
	      const struct load_options *options, bool rehearsal);
