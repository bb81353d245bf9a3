#pragma once

/*
 * Closes descriptors that came from elsewhere, or that others can send to, without waiting.
 *
 * The last close(2) of a socket with SO_LINGER waits for its peer, and closing a file of a FUSE
 * mount waits for whoever has made the mount, even when the process was killed. Such descriptors
 * may also be on their way in a Unix socket, and are closed with it. So a front that was taken
 * over, a program, or a client of a Unix socket could stop the keeper for as long as they like.
 *
 * closer_close() is for all that was not checked, or is refused. It makes a process for the
 * descriptor, which shares the keeper's table of descriptors. The number is free as soon as that
 * process has begun to close it; the waiting is its own. Only a few such processes run at a time;
 * further descriptors wait. They are no children that waitpid(2) finds without __WCLONE, so nobody
 * else reaps them.
 *
 * closer_release() is for sockets that an honest owner has, too: it costs no process. Mostly that
 * close is not the last one, or nothing is on its way. But nobody can be sure of that, and somebody
 * may set SO_LINGER at any moment. So a signal ends the waiting soon.
 *
 * The state is that of the process, as its table of descriptors is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct msghdr;
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

/*
 * As recvmsg(2). The kernel closes what a message carries and has no room for, and a signal ends
 * the waiting for that soon, too.
 */
ssize_t closer_receive(int fd, struct msghdr *header, int flags);

/* How many descriptors are not closed yet. */
size_t closer_count(void);

/* For a process that becomes a front, and waits for nobody but itself: close(2) is all it needs. */
void closer_abandon(void);
