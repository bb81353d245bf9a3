#pragma once

/*
 * Reads numbers from text, strictly. The whole text must be decimal digits: no space, no 0x, no
 * leading zero except in "0", and no sign unless the range has negative values. Every function
 * returns 0, -EINVAL for text that is no such number, or -ERANGE, and writes @out on success only.
 */

#include <stdint.h>
#include <sys/types.h>

int number_parse(const char *text, int64_t min, int64_t max, int64_t *out);

/* File modes and umasks: octal digits, with or without leading zeros, at most 07777. */
int number_parse_mode(const char *text, mode_t *out);

/* "500ms", "10s", "2m", "1h", "1d"; a bare number means seconds. */
int number_parse_duration(const char *text, int64_t max_ms, int64_t *out_ms);

/* "4096", "64k", "1m", "2g", in units of 1024. */
int number_parse_size(const char *text, int64_t max, int64_t *out);
