#pragma once

/* For tests of listeners: one of them from the text of its endpoint, and a client of it. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/listener.h"

/* Without a socket yet. */
static inline struct listener *make_listener(const char *text)
{
	struct endpoint endpoint = { 0 };
	struct endpoint_text parsed;
	struct listener *listener;
	const char *why;

	assert_int_equal(endpoint_parse(&parsed, text, &why), 0);
	assert_int_equal(endpoint_lookup(&parsed, &endpoint.address, 1), 1);
	endpoint.type = parsed.type;
	address_set_port(&endpoint.address, parsed.port_first);
	assert_int_equal(endpoint_set_text(&endpoint), 0);
	assert_int_equal(listener_new(&listener, &endpoint), 0);
	endpoint_fini(&endpoint);
	return listener;
}

/* A client of @listener, or a negative errno. */
static inline int connect_to(const struct listener *listener)
{
	struct address address;
	int fd = socket(listener->endpoint.address.any.sa_family,
			listener->endpoint.type | SOCK_CLOEXEC, 0);

	assert_int_equal(listener_address(listener, &address), 0);
	if (connect(fd, &address.any, address.length) < 0) {
		close(fd);
		return -errno;
	}
	return fd;
}
