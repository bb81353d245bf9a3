#pragma once

/* Lines of inetd.conf(5), which people paste into superd.conf. */

struct token;

/*
 * The line that begins with @token as a section of superd.conf, for a message, or NULL if it is no
 * such line. Valid until the next call.
 */
const char *inetd_line_as_section(const struct token *token);
