#pragma once

/*
 * A process that writes the log file. To write to a file takes for ever while its file system is
 * frozen or dead. So keeper and fronts write to pipes, which take a line whole or not at all and
 * never make them wait. Lines for which a pipe has no room are dropped and counted, as are those
 * that the file does not take. The fronts have a pipe of their own: one that was taken over cannot
 * fill that of the keeper. The process ends when the last of them has closed its pipe.
 *
 * It opens the file with the privileges of the keeper, and then gives them up. When the file is to
 * be opened again, a short process of the keeper opens it, and sends the writer the descriptor.
 */

#include <stdbool.h>
#include <sys/types.h>

struct privileges_user;

/* Zeroed, there is none. */
struct log_writer {
	pid_t pid;
	char *path;
	int control; /* to the writer */
};

/* What others write to. */
struct log_pipes {
	int keeper;
	int fronts;
};

/*
 * Makes a writer of @path, which becomes @user, and lets go of the one before. Waits a second at
 * most for the file to be opened. Returns 0 with the pipes, which the caller owns; 1 if @path is no
 * regular file, and needs no writer; or a negative errno, and then the one before stays.
 */
int log_writer_start(struct log_writer *writer, const char *path,
		     const struct privileges_user *user, struct log_pipes *out_pipes);

/* Whether there is a writer of @path. */
bool log_writer_has(const struct log_writer *writer, const char *path);

/*
 * Opens the file again, which may have been moved. Waits a second at most. Returns 0 when lines
 * from now on go there, or a negative errno: then they go where they went.
 */
int log_writer_reopen(const struct log_writer *writer);

/* Process @pid was reaped. Returns whether it was the writer, which is gone then. */
bool log_writer_reaped(struct log_writer *writer, pid_t pid);

/* Another log is open. The writer ends when it has written what is left. */
void log_writer_let_go(struct log_writer *writer);

/* For a forked process: closes what is the keeper's. */
void log_writer_abandon(struct log_writer *writer);

/* Nobody has the pipes any more. Waits until all is written, for a second at most. */
void log_writer_finish(struct log_writer *writer);
