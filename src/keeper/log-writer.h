#pragma once

/*
 * A process that writes the log file. To write to a file takes for ever while its file system is
 * frozen or dead. So keeper and fronts write to a pipe, which takes a line whole or not at all and
 * never makes them wait. Lines for which it has no room are dropped and counted, as are those that
 * the file does not take. The process ends when the last of them has closed the pipe.
 */

#include <stdbool.h>
#include <sys/types.h>

/* Zeroed, there is none. */
struct log_writer {
	pid_t pid;
	char *path;
};

/*
 * Makes a writer of @path, and lets go of the one before. Waits a second at most for the file to be
 * opened. Returns 0 with the end of the pipe to write to, which the caller owns; 1 if @path is no
 * regular file, and needs no writer; or a negative errno, and then the one before stays.
 */
int log_writer_start(struct log_writer *writer, const char *path, int *out_pipe);

/* Whether there is a writer of @path. */
bool log_writer_has(const struct log_writer *writer, const char *path);

/* Opens the file again, which may have been moved. Lines from now on go there. */
void log_writer_reopen(const struct log_writer *writer);

/* Process @pid was reaped. Returns whether it was the writer, which is gone then. */
bool log_writer_reaped(struct log_writer *writer, pid_t pid);

/* Nobody has the pipe any more. Waits until all is written, for a second at most. */
void log_writer_finish(struct log_writer *writer);
