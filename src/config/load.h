#pragma once

/*
 * Loads settings from files, in three steps that protect the keeper from a bad file. The bytes of
 * every file are read once. A forked child parses them (the rehearsal), looks up the names of
 * hosts, and reports every error. If that succeeds, the keeper parses the same bytes again with
 * parse_run(), with the addresses that the child has found.
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

/* Forks the child that parses @sources. The child logs every error and exits. */
int rehearsal_start(struct rehearsal *rehearsal, struct sources *sources,
		    const struct load_options *options);

/*
 * @status is the wait status of the child. Returns 0 if loading may go on, or -EINVAL. Logs a child
 * that was killed by a signal.
 */
int rehearsal_result(const struct rehearsal *rehearsal, int status);

/* Frees the memory of the rehearsal. The child must have ended. */
void rehearsal_fini(struct rehearsal *rehearsal);

/* All three steps, for the start and --check. Waits for the child. */
int settings_load(struct settings **out, const char *path, const struct load_options *options);
