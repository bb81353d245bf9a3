#include "keeper/listen/activation.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "net/listener.h"
#include "net/listener-passed.h"

struct passed_socket *activation_find(struct activation *activation,
				      const struct listener *listener, const char *service)
{
	struct passed_socket *named = NULL;

	for (size_t i = 0; activation && i < activation->n; i++) {
		struct passed_socket *passed = &activation->sockets[i];

		if (passed->user)
			continue;
		if (listener_matches(listener, passed->fd))
			return passed;
		if (!named && strcmp(passed->name, service) == 0 &&
		    listener_may_adopt(listener, passed->fd))
			named = passed;
	}
	return named;
}

/* Whether @passed has an address of the other one of a pair, or its family and name. */
static bool fits_other(const struct passed_socket *passed, const struct endpoint *ours,
		       const char *service)
{
	AUTO(endpoint_fini) struct endpoint found = { 0 };

	if (listener_describe(passed->fd, &found) < 0 || found.type != ours->type ||
	    address_is_unix(&found.address) ||
	    found.address.any.sa_family == ours->address.any.sa_family)
		return false;
	return strcmp(passed->name, service) == 0 ||
	       (address_is_wildcard(&found.address) &&
		address_port(&found.address) == address_port(&ours->address));
}

bool activation_covers(const struct activation *activation, const struct listener *listener,
		       const char *service)
{
	const struct endpoint *ours = &listener->endpoint;

	for (size_t i = 0; ours->paired && activation && i < activation->n; i++) {
		const struct passed_socket *passed = &activation->sockets[i];

		if (passed->user ? endpoint_are_pair(&passed->user->endpoint, ours) &&
					   (address_port(&ours->address) != 0 ||
					    strcmp(passed->name, service) == 0)
				 : fits_other(passed, ours, service))
			return true;
	}
	return false;
}

void activation_release(struct activation *activation, const struct listener *listener)
{
	for (size_t i = 0; activation && i < activation->n; i++)
		if (activation->sockets[i].user == listener)
			activation->sockets[i].user = NULL;
}

static void warn(const struct passed_socket *passed)
{
	AUTO(endpoint_fini) struct endpoint endpoint = { 0 };
	bool known = listener_describe(passed->fd, &endpoint) == 0;

	log_warning(0, "no service uses the passed socket '%s'%s%s, ignoring", passed->name,
		    known ? " on " : "", known ? endpoint.text : "");
}

void activation_warn(struct activation *activation)
{
	for (size_t i = 0; activation && i < activation->n; i++) {
		struct passed_socket *passed = &activation->sockets[i];

		if (!passed->user && !passed->known_unused)
			warn(passed);
		passed->known_unused = !passed->user;
	}
}

void activation_close(struct activation *activation)
{
	for (size_t i = 0; i < activation->n; i++) {
		close(activation->sockets[i].fd);
		free(activation->sockets[i].name);
	}
	free(activation->sockets);
	*activation = (struct activation){ 0 };
}
