#pragma once

/*
 * Work on files, in a process of its own, because a file system that is dead answers never. The
 * keeper waits for it a second at most, and less where it has waited for others in vain.
 */

#include <stdbool.h>
#include <stddef.h>

typedef int bounded_fn(void *data);

/* Until this is called with true, bounded_run() is a plain call, which may take its time. */
void bounded_enable(bool enabled);

/*
 * Calls @fn with @data, @size bytes without pointers to what it changes, and returns what it
 * returns. -ETIMEDOUT: it takes too long, and was given up; what it did is not known. In ten
 * seconds all that are given up take two; then nothing is begun. The process has no descriptor but
 * @fd (-1: none). Without a process to be had, it is a plain call.
 */
int bounded_run(bounded_fn *fn, void *data, size_t size, int fd);
