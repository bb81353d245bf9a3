#pragma once

/* What a listening socket is to be like, but for where it is bound. */

#include <stdbool.h>
#include <sys/types.h>

struct listener_options {
	int backlog;
	int rcvbuf; /* bytes; 0: the system's default */
	int sndbuf;
	bool packet_info;  /* datagrams come with the address that they were sent to */
	bool report_drops; /* datagrams come with the number of those dropped: SO_RXQ_OVFL */
	bool share_port;   /* of datagrams: other sockets of the same user may bind the port too */
	bool blocking;     /* the programs that share the socket accept without looking first */
	mode_t mode;       /* for Unix sockets in the file system */
	uid_t uid;         /* (uid_t)-1 leaves the owner, (gid_t)-1 the group */
	gid_t gid;
};
