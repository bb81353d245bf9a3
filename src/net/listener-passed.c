#include "net/listener-passed.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "net/listener.h"

/* Fills in everything but the text. */
static int inspect(int fd, struct endpoint *out)
{
	socklen_t length = sizeof(out->interface);

	*out = (struct endpoint){ .type = socket_option(fd, SOL_SOCKET, SO_TYPE) };
	out->address.length = sizeof(out->address) - offsetof(struct address, any);
	if (getsockname(fd, &out->address.any, &out->address.length) < 0)
		return -errno;

	switch (out->address.any.sa_family) {
	case AF_INET6:
		out->v6only = socket_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) > 0;
		break;
	case AF_INET:
		break;
	case AF_UNIX:
		return out->address.length > offsetof(struct sockaddr_un, sun_path) ? 0 : -EINVAL;
	default:
		return -EAFNOSUPPORT;
	}

	if (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, out->interface, &length) < 0)
		out->interface[0] = '\0';
	return 0;
}

int listener_describe(int fd, struct endpoint *out)
{
	int r = inspect(fd, out);

	return r < 0 ? r : endpoint_set_text(out);
}

bool listener_may_adopt(const struct listener *listener, int fd)
{
	const struct endpoint *wanted = &listener->endpoint;
	struct endpoint found;

	return inspect(fd, &found) == 0 && found.type == wanted->type &&
	       address_is_unix(&found.address) == address_is_unix(&wanted->address) &&
	       (!wanted->paired || found.address.any.sa_family == wanted->address.any.sa_family);
}

bool listener_matches(const struct listener *listener, int fd)
{
	AUTO(endpoint_fini) struct endpoint found = { 0 };

	if (inspect(fd, &found) < 0)
		return false;
	if (listener->endpoint.paired)
		found.v6only = listener->endpoint.v6only;
	return endpoint_set_text(&found) == 0 && strcmp(found.text, listener->endpoint.text) == 0;
}
