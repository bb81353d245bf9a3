#pragma once

/*
 * Parses the text of an endpoint ("tcp:127.0.0.1:80"), with a message for each possible error. A
 * port may be a name of the services database. Names of hosts are left to endpoint_lookup().
 */

#include "net/address.h"

/* The parsed text, before names of hosts are looked up. */
struct endpoint_text {
	int type;       /* SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET */
	int family;     /* AF_UNSPEC, AF_INET, AF_INET6 or AF_UNIX */
	char host[256]; /* "" for any */
	unsigned port_first;
	unsigned port_last;
	struct address path; /* for AF_UNIX */
};

/*
 * Returns 0, or -EINVAL with a message in @out_why, such as "takes a port from 0 to 65535, not
 * '70000'". The message is valid until the next call.
 */
int endpoint_parse(struct endpoint_text *out, const char *text, const char **out_why);
