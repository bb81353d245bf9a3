#include "front/pass/notices.h"

#include <unistd.h>

#include "base/log.h"
#include "channel/channel.h"
#include "front/core/service.h"
#include "front/pass/balancer.h"

static void on_process(struct balancer *balancer, const struct channel_process *process, int fd)
{
	const struct front_service *service = balancer->common.service;
	int r;

	if (service->context->mode >= MODE_DRAINING) {
		if (fd >= 0)
			close(fd);
		return;
	}
	/* The process is new, so clients in its row are those of an earlier process. */
	balancer_end_orphans(balancer, process->index);
	r = balancer_add(balancer, process->index, process->pid, fd);
	if (r < 0)
		log_service(LOG_ERR, service->settings->name, r, "cannot use its program (pid %ld)",
			    (long)process->pid);
	balancer_update(balancer);
}

void pass_notices_on_message(struct balancer *balancer, const struct channel_message *message,
			     int fd)
{
	struct pass_process *process;

	switch (message->type) {
	case CHANNEL_POOL:
		balancer->may_grow = message->pool.may_grow;
		balancer_update(balancer);
		break;
	case CHANNEL_PROCESS:
		on_process(balancer, &message->process, fd);
		break;
	case CHANNEL_PROCESS_GONE:
		process = balancer_find(balancer, message->process_gone.index);
		if (process)
			balancer_on_gone(process, message->process_gone.status);
		break;
	case CHANNEL_LEAVE:
		process = balancer_find(balancer, message->leave.index);
		if (process)
			balancer_leave(process);
		break;
	default:
		break;
	}
}
