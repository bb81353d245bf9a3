#pragma once

/*
 * Closes descriptors that came from elsewhere, without waiting.
 *
 * The last close(2) of a socket with SO_LINGER waits for its peer, and closing a file of a FUSE
 * mount waits for whoever has made the mount, even when it was killed. Such descriptors may also be
 * on their way in a socket, and are closed with it. So a front that was taken over, and in part any
 * client, could stop the keeper for as long as they like.
 *
 * closer_close() is for all that was not checked, or is refused. It makes a process for the
 * descriptor, which shares the keeper's table of descriptors. The number is free as soon as that
 * process has begun to close it; the waiting is its own. Only a few such processes run at a time;
 * further descriptors wait. They are no children that waitpid(2) finds without __WCLONE, so nobody
 * else reaps them.
 *
 * closer_release() is for connections that were checked, and that a program has by now. That close
 * is not the last one, unless the program has ended already. An honest client costs no process. But
 * a front may set SO_LINGER again at any moment, so a signal ends the waiting soon.
 *
 * The state is that of the process, as its table of descriptors is.
 */

#include <stdbool.h>
#include <stddef.h>

struct timers;

/* The caller keeps @timers until closer_fini(). Takes the signal SIGVTALRM, which is blocked. */
void closer_init(struct timers *timers);
void closer_fini(void);

/* Both take over @fd, unless it is negative. */
void closer_close(int fd);
void closer_release(int fd);

/*
 * As closer_release(), but the number is that of a duplicate of @by then. Returns false if that was
 * not possible. @fd is closed then as well, now or later.
 */
bool closer_replace(int fd, int by);

/* How many descriptors are not closed yet. */
size_t closer_count(void);
