#pragma once

/*
 * The file that says which process superd is, for init scripts and for tests.
 *
 * It is prepared before superd serves, under another name beside its own, so that whatever is wrong
 * with it is said in time. When superd serves, it is renamed: whoever finds it finds all of it, and
 * superd behind it. The keeper holds a lock on it (fcntl(2)) as long as it lives. So a file that
 * nobody has locked is stale, whatever process has its number now, and is replaced. No forked
 * process inherits the lock. The file system may be dead: a process of its own opens and renames
 * the file, and the keeper waits a moment for it.
 */

#include <stdbool.h>
#include <sys/types.h>

/* A file with the process id of the keeper. */
struct pid_file_claim {
	char *path;  /* or NULL: none */
	char *draft; /* its name until it is published, or NULL */
	int fd;
	dev_t device;
	ino_t inode;
};

struct pid_file {
	struct pid_file_claim now;
	struct pid_file_claim next;
	bool changes; /* pid_file_publish() puts @next in the place of @now */
};

void pid_file_init(struct pid_file *pid_file);

/* Removes the file, if it is still the one that superd has made. */
void pid_file_fini(struct pid_file *pid_file);

/* For a forked process: closes the descriptors. */
void pid_file_abandon(struct pid_file *pid_file);

/*
 * Prepares the file @path (NULL: none) of settings that come into force later. Returns 0, or
 * -EEXIST, which it has logged: another superd lives, or the file cannot be made.
 */
int pid_file_prepare(struct pid_file *pid_file, const char *path);

/* The settings are in force: shows the file that was prepared, and removes the one before. */
void pid_file_publish(struct pid_file *pid_file);

/* The settings did not come into force. Does nothing if none are prepared. */
void pid_file_withdraw(struct pid_file *pid_file);
