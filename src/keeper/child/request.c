#include "keeper/child/request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/settings.h"
#include "keeper/exec/program.h"
#include "keeper/service/generation.h"
#include "keeper/service/service-record.h"

void request_fini(struct request *request)
{
	if (request->fd >= 0)
		close(take_fd(request->fd));
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
static int open_stderr(const struct request *request, int own)
{
	switch (request_service(request)->program.stderr_to) {
	case STDERR_SOCKET:
		return own;
	case STDERR_LOG:
		return request_record(request)->stderr_write;
	default:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	}
}

pid_t request_spawn(const struct request *request, const struct spawn_plan *plan,
		    struct spawn_descriptors *descriptors, struct spawn_failure *failure)
{
	pid_t pid;

	descriptors->err = open_stderr(request, descriptors->out);
	if (descriptors->err < 0) {
		*failure = (struct spawn_failure){ SPAWN_DESCRIPTORS, errno };
		return -errno;
	}
	pid = spawn(plan, descriptors, failure);
	if (request_service(request)->program.stderr_to == STDERR_NULL)
		close(descriptors->err);
	return pid;
}

const struct spawn_plan *request_plan(const struct request *request)
{
	return program_for_client(request->generation->programs[request->service],
				  request_endpoint(request)->type, &request->peer, &request->local);
}
