#pragma once

/*
 * Warnings about a service, and about options for all of superd: what is accepted, and is probably
 * not meant or will not work. It looks at files and at the system, so only the rehearsal calls it,
 * and needs no privileges.
 */

struct build;
struct build_context;

void build_warnings(struct build *build);

/* About the directories of the log and of the pid file. */
void build_warn_of_files(struct build_context *context);
