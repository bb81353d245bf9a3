#pragma once

/* Reads one file, once and through one descriptor, and never blocks. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/*
 * @out_text has @out_length bytes and a terminator. It is secret memory of file_room() bytes, which
 * the caller frees. Returns 0, or a negative errno with a message in @out_why. Unless it is
 * -EINVAL, the text of the errno completes the message.
 */
int file_read(char **out_text, size_t *out_length, struct stat *out_stat, const char *path,
	      const char **out_why);
size_t file_room(const struct stat *status);

/* Whether others than root and @owner may write the file, or make files in the directory. */
bool file_is_open_to_others(const struct stat *status, uid_t owner);

/*
 * The path that @path means in @file: relative to its folder. Escapes the characters @special of
 * that folder. Returns NULL without memory; the caller frees it.
 */
char *file_path_beside(const char *file, const char *path, const char *special);
