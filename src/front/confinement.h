#pragma once

/*
 * What keeps the front from everything that it does not do, should somebody take it over: an empty
 * root, limits, and a filter of system calls. privileges.h has the user and the capabilities.
 */

struct settings;

/*
 * Makes an empty directory, which is removed at once, the root of this process. Before the
 * privileges are dropped. A failure is logged, and superd serves without this.
 */
void confinement_leave_files(const struct settings *settings);

/*
 * Sets the limits and installs the filter, for all threads. When everything is there that the front
 * needs: it opens no file and starts no thread afterwards. Returns 0 or a negative errno, which is
 * logged.
 */
int confinement_enter(const struct settings *settings);

/* What this build leaves out, and why, as a sentence; NULL: nothing. */
const char *confinement_missing(void);

/* Prints what the front may do, on standard output. */
void confinement_describe(void);
