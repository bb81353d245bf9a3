#include "config/draft.h"

/* Build options may choose another poller than AUTO. */
#include "build-config.h"

const struct root draft_root = {
	.poller = SUPERD_POLLER,
	.log = "auto",
	.front_user = "superd",
	.grace_ms = 10000,
	.workers = WORKERS_AUTO,
};

const struct draft draft_defaults = {
	.enabled = true,
	.dispatch = DISPATCH_SPAWN,
	.stderr_to = STDERR_SOCKET,
	.at_stop = AT_STOP_END,
	.launch_timeout_ms = 10000,
	.overflow = OVERFLOW_QUEUE,
	.instances = OPTION_UNLIMITED,
	.log_on_success = RECORD_HOST | RECORD_PID | RECORD_DURATION | RECORD_EXIT | RECORD_TRAFFIC,
	.log_on_failure = RECORD_HOST | RECORD_ATTEMPT,
	.umask = 022,
	.directory = "/",
	.socket = {
		.backlog = 4096,
		.mode = 0666,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
	},
	.pool = {
		.min = 1,
		.max = 1,
		.clients_per_process = 1,
		.idle_exit_ms = 60000,
		.ready_timeout_ms = 30000,
	},
};
