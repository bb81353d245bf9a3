#pragma once

/* Reads one file, once, through one descriptor, without ever waiting for it. */

#include <stddef.h>
#include <sys/stat.h>

/*
 * @out_text is the caller's to free and has a terminator after its @out_length bytes.
 * Returns 0, or a negative errno with what failed in @out_why: a sentence for a
 * message, to which the errno's text belongs unless it is -EINVAL.
 */
int file_read(char **out_text, size_t *out_length, struct stat *out_stat, const char *path,
	      const char **out_why);
