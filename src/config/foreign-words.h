#pragma once

/*
 * The words of other configurations: those of xinetd, inetd, systemd and nginx, and what people
 * guess. For each there is what to write instead, or that superd has it not and what serves
 * meanwhile. So no such word is taken for a misspelt one with another meaning.
 */

/* All return a part of a sentence, or NULL. Upper and lower case are equal. */
const char *foreign_option(const char *name);
const char *foreign_option_nearest(const char *name);
const char *foreign_section(const char *name);
