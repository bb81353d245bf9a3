#pragma once

/*
 * Loads settings from files, in two steps that protect the keeper from bad files, and from file
 * systems and name servers that do not answer. A forked child (the rehearsal) reads all files,
 * parses them, asks everything that has to be asked, and reports every error. If that succeeds, the
 * keeper parses the same bytes again with what the child was answered. It opens no file.
 */

#include <sys/types.h>

#include "config/parse.h"

struct answers;
struct resolved_hosts;
struct settings;

/* Both are shared with the child, which fills them. */
struct rehearsal {
	pid_t pid;
	struct resolved_hosts *hosts;
	struct answers *answers;
};

/* Forks the child that loads @path. The child logs every error and exits. */
int rehearsal_start(struct rehearsal *rehearsal, const char *path,
		    const struct load_options *options);

/*
 * @status is the wait status of the child. Returns 0 if loading may go on, or -EINVAL. Logs a child
 * that was killed by a signal.
 */
int rehearsal_result(const struct rehearsal *rehearsal, int status);

/* After the child has succeeded. Returns 0 or a logged negative errno. Asks nobody anything. */
int rehearsal_settings(const struct rehearsal *rehearsal, const char *path,
		       const struct load_options *options, struct settings **out);

/* Frees the memory of the rehearsal. The child must have ended. */
void rehearsal_fini(struct rehearsal *rehearsal);

/* Both steps, for the start and --check. Waits for the child. */
int settings_load(struct settings **out, const char *path, const struct load_options *options);
