#include "keeper/inherited.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "keeper/house.h"

struct inherited_socket *inherited_find(struct inherited *inherited, const struct housed *housed)
{
	struct inherited_socket *named = NULL;

	for (size_t i = 0; inherited && i < inherited->n; i++) {
		struct inherited_socket *passed = &inherited->sockets[i];

		if (passed->user)
			continue;
		if (listener_matches(housed->listener, passed->fd))
			return passed;
		if (!named && strcmp(passed->name, housed->service) == 0 &&
		    listener_may_adopt(housed->listener, passed->fd))
			named = passed;
	}
	return named;
}

void inherited_release(struct inherited *inherited, const struct housed *housed)
{
	for (size_t i = 0; inherited && i < inherited->n; i++)
		if (inherited->sockets[i].user == housed)
			inherited->sockets[i].user = NULL;
}

static void warn(const struct inherited_socket *passed)
{
	AUTO(endpoint_fini) struct endpoint endpoint = { 0 };
	bool known = listener_describe(passed->fd, &endpoint) == 0;

	log_warning(0, "no service uses the passed socket '%s'%s%s, ignoring", passed->name,
		    known ? " on " : "", known ? endpoint.text : "");
}

void inherited_warn(struct inherited *inherited)
{
	for (size_t i = 0; inherited && i < inherited->n; i++) {
		struct inherited_socket *passed = &inherited->sockets[i];

		if (!passed->user && !passed->known_unused)
			warn(passed);
		passed->known_unused = !passed->user;
	}
}

void inherited_close(struct inherited *inherited)
{
	for (size_t i = 0; i < inherited->n; i++) {
		close(inherited->sockets[i].fd);
		free(inherited->sockets[i].name);
	}
	free(inherited->sockets);
	*inherited = (struct inherited){ 0 };
}
