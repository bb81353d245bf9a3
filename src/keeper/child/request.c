#include "keeper/child/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/settings.h"
#include "keeper/exec/launches.h"
#include "keeper/exec/program.h"
#include "keeper/service/generation.h"
#include "keeper/service/service-record.h"
#include "net/closer.h"

struct request *request_copy(const struct request *request)
{
	struct request *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *request;
	list_init(&copy->link);
	return copy;
}

void request_fini(struct request *request)
{
	closer_release(take_fd(request->fd));
	generation_unref(take_ptr(request->generation));
}

void request_free(struct request *request)
{
	request_fini(request);
	free(request);
}

const struct service *request_service(const struct request *request)
{
	return &request->generation->settings->services[request->service];
}

const struct endpoint *request_endpoint(const struct request *request)
{
	return settings_endpoint(request->generation->settings, request->endpoint);
}

struct service_record *request_record(const struct request *request)
{
	return request->generation->records[request->service];
}

struct bound_listener *request_bound(const struct request *request)
{
	return request->generation->bound[request->endpoint];
}

/* Returns the descriptor for standard error. @own is the program's standard output. */
static int find_stderr(const struct request *request, const struct launch *launch, int own)
{
	switch (request_service(request)->program.stderr_to) {
	case STDERR_SOCKET:
		return own;
	case STDERR_LOG:
		return request_record(request)->stderr_write;
	default:
		return launch->launches->null;
	}
}

pid_t request_launch(const struct request *request, struct launch *launch,
		     const struct spawn_plan *plan, struct spawn_descriptors *descriptors,
		     struct spawn_failure *failure)
{
	pid_t pid;

	descriptors->err = find_stderr(request, launch, descriptors->out);
	pid = launch_begin(launch, plan, descriptors);
	if (pid < 0)
		*failure = (struct spawn_failure){ .step = SPAWN_PROCESS, .error = -pid };
	return pid;
}

const struct spawn_plan *request_plan(const struct request *request, struct launch *launch)
{
	return program_for_client(request->generation->programs[request->service], &launch->buffer,
				  request_endpoint(request)->type, &request->peer, &request->local);
}

const char *request_client(const struct request *request)
{
	static char text[ADDRESS_TEXT_MAX + 8];
	char address[ADDRESS_TEXT_MAX];

	if (!(request_service(request)->log_on_success & RECORD_HOST) || request->peer.length == 0)
		return "";
	snprintf(text, sizeof(text), " for %s", address_text(&request->peer, address));
	return text;
}
