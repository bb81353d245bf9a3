#include "net/client-variables.h"

#include <stdio.h>

static const char *protocol(int type, const struct address *local)
{
	if (address_is_unix(local))
		return "UNIX";
	return type == SOCK_DGRAM ? "UDP" : "TCP";
}

static void port_text(char out[static 8], const struct address *address)
{
	(void)snprintf(out, 8, "%u", address_port(address));
}

void client_text_init(struct client_text *out, const char *service, int type,
		      const struct address *peer, const struct address *local)
{
	out->service = service;
	out->protocol = protocol(type, local);
	out->is_unix = address_is_unix(local);
	address_host(local, out->local_addr);
	port_text(out->local_port, local);
	out->remote_addr[0] = '\0';
	out->remote_port[0] = '\0';
	if (peer) {
		address_host(peer, out->remote_addr);
		port_text(out->remote_port, peer);
	}
}

size_t client_variables_of_server(const struct client_text *text,
				  struct client_variable out[static CLIENT_VARIABLES_MAX])
{
	size_t n = 0;

	out[n++] = (struct client_variable){ "PROTO", text->protocol };
	out[n++] = (struct client_variable){ "SUPERD_SERVICE", text->service };
	out[n++] = (struct client_variable){ "SERVER_ADDR", text->local_addr };
	if (!text->is_unix)
		out[n++] = (struct client_variable){ "SERVER_PORT", text->local_port };
	return n;
}

size_t client_variables_of_peer(const struct client_text *text,
				struct client_variable out[static CLIENT_VARIABLES_MAX])
{
	size_t n = 0;

	out[n++] = (struct client_variable){ "REMOTE_ADDR", text->remote_addr };
	if (text->is_unix)
		return n;
	out[n++] = (struct client_variable){ "REMOTE_PORT", text->remote_port };
	out[n++] = (struct client_variable){ "REMOTE_HOST", text->remote_addr };
	out[n++] = (struct client_variable){ "TCPREMOTEIP", text->remote_addr };
	out[n++] = (struct client_variable){ "TCPREMOTEPORT", text->remote_port };
	out[n++] = (struct client_variable){ "TCPLOCALIP", text->local_addr };
	out[n++] = (struct client_variable){ "TCPLOCALPORT", text->local_port };
	return n;
}
