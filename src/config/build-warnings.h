#pragma once

/*
 * Warnings about a service: what is accepted, and is probably not meant or will not work. It looks
 * at files and at the system, so only the rehearsal calls it, and needs no privileges.
 */

struct build;

void build_warnings(struct build *build);
