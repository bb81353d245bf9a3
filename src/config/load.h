#pragma once

/*
 * From files to settings, in three steps that keep the keeper safe from a bad file:
 * the bytes of every file are read once; a forked child parses them (the rehearsal),
 * looks up names of hosts, and reports every error; only if it succeeded are the
 * same bytes parsed again in the keeper, with the addresses that the child found.
 */

#include <sys/types.h>

#include "config/parse.h"

struct resolved_hosts;
struct settings;
struct sources;

struct rehearsal {
	pid_t pid;
	struct resolved_hosts *hosts; /* shared with the child, which fills it */
};

/* Forks the child that tries @sources. The child logs every error and exits. */
int rehearsal_start(struct rehearsal *rehearsal, const struct sources *sources,
		    const struct load_options *options);

/*
 * Concludes from the child's wait status whether loading may go on; logs a child that
 * was killed by a signal. 0, or -EINVAL.
 */
int rehearsal_result(const struct rehearsal *rehearsal, int status);

/* Frees what the rehearsal holds; the child must have ended. */
void rehearsal_fini(struct rehearsal *rehearsal);

/*
 * Parses. Logs every error as `file:line: message` and returns -EINVAL if there
 * was any. @hosts may be NULL: then names of hosts are looked up here, which may block.
 */
int settings_parse(struct settings **out, const struct sources *sources,
		   struct resolved_hosts *hosts, const struct load_options *options);

/* All of it, waiting for the child: for start-up and --check. */
int settings_load(struct settings **out, const char *path, const struct load_options *options);
