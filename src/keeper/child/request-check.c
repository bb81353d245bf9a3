/* Checks a request: a front that was taken over must gain nothing by a false one. */

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "channel/channel.h"
#include "config/settings.h"
#include "keeper/service/generation.h"
#include "keeper/child/request.h"

static bool has_socket_option(int fd, int option, int wanted)
{
	socklen_t size = sizeof(int);
	int value;

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

static const struct endpoint *endpoint_of(const struct request *request)
{
	return settings_endpoint(request->generation->settings, request->endpoint);
}

/* Whether it is a connection, not a listener, with the type and port of the endpoint. */
static bool is_connection(struct request *request)
{
	const struct endpoint *endpoint = endpoint_of(request);

	request->local.length = sizeof(request->local.un);
	if (!has_socket_option(request->fd, SO_TYPE, endpoint->type) ||
	    !has_socket_option(request->fd, SO_ACCEPTCONN, 0) ||
	    getsockname(request->fd, &request->local.any, &request->local.length) < 0)
		return false;
	if (request->local.any.sa_family != endpoint->address.any.sa_family)
		return false;
	if (address_is_unix(&request->local)) {
		/* If a stale file was replaced, the kernel has another name than the file. */
		request->local = endpoint->address;
		return true;
	}

	if (address_port(&request->local) != request->generation->bound[request->endpoint]->port)
		return false;
	address_unmap(&request->local);
	return true;
}

/* Only a sealed memfd cannot change any more after this check. */
static bool is_sealed(int fd)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	struct stat status;
	int found = fcntl(fd, F_GET_SEALS);

	return found >= 0 && (found & seals) == seals && fstat(fd, &status) == 0 &&
	       S_ISREG(status.st_mode) && status.st_size <= CHANNEL_DATAGRAM_MAX;
}

/* Whether the endpoint can have a client with this address. */
static bool is_sender(const struct address *peer, const struct endpoint *endpoint)
{
	int family = endpoint->address.any.sa_family;

	if (peer->length <= sizeof(sa_family_t))
		return false;
	return peer->any.sa_family == family ||
	       (peer->any.sa_family == AF_INET && family == AF_INET6);
}

static bool is_datagram(const struct request *request)
{
	return is_sender(&request->peer, endpoint_of(request)) && is_sealed(request->fd);
}

/* A front that was taken over must gain nothing by lying here. */
bool request_is_allowed(struct request *request)
{
	const struct settings *settings = request->generation->settings;
	const struct service *service;
	int type;

	if (request->endpoint >= settings->n_endpoints)
		return false;
	service = settings_service_of(settings, request->endpoint);
	if (service->index != request->service)
		return false;

	type = endpoint_of(request)->type;
	switch (request->type) {
	case CHANNEL_SPAWN:
		return service->dispatch == DISPATCH_SPAWN && type != SOCK_DGRAM &&
		       is_connection(request);
	case CHANNEL_DATAGRAM:
		return service->dispatch == DISPATCH_SPAWN && type == SOCK_DGRAM &&
		       is_datagram(request);
	case CHANNEL_WAIT:
		return service->dispatch == DISPATCH_WAIT;
	default:
		return false;
	}
}
