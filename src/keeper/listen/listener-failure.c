#include "keeper/listen/listener-failure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "net/listener.h"
#include "net/socket-owner.h"

#define OWNER_TEXT_MAX 128

/* " by 'nginx' (process 812)", or "". */
static void find_owner(const struct listener *listener, int error, int64_t until_ms,
		       char out[static OWNER_TEXT_MAX])
{
	struct socket_owner owner;

	out[0] = '\0';
	if (error == -EADDRINUSE && until_ms &&
	    socket_owner_find(&listener->endpoint, until_ms, &owner) == 0)
		(void)snprintf(out, OWNER_TEXT_MAX, " by '%s' (process %ld)", owner.name,
			       (long)owner.pid);
}

void listener_failure_log(const struct listener *listener, const char *service, int error,
			  int64_t until_ms, int64_t pause_ms)
{
	const char *endpoint = listener->endpoint.text;
	const char *why = strerror(-error);
	char owner[OWNER_TEXT_MAX];

	find_owner(listener, error, until_ms, owner);
	if (pause_ms)
		log_service(LOG_WARNING, service, 0,
			    "cannot listen on %s: %s%s; trying again in %lld s", endpoint, why,
			    owner, (long long)pause_ms / 1000);
	else
		log_service(LOG_ERR, service, 0, "cannot listen on %s: %s%s", endpoint, why, owner);
}

int listener_failure_log_final(const struct listener *listener, const char *service, int error)
{
	return log_service(
		LOG_ERR, service, error, "cannot listen on %s%s", listener->endpoint.text,
		error == -EACCES ? " (ports below 1024 and protected folders need root)" : "");
}
