#include "keeper/exec/spawn.h"

#include <errno.h>
#include <string.h>

const char *spawn_step_text(enum spawn_step step)
{
	static const char *const texts[] = {
		[SPAWN_NONE] = "nothing failed",
		[SPAWN_QUEUE] = "its programs do not come to run, and too many clients wait",
		[SPAWN_PROCESS] = "cannot create a process",
		[SPAWN_SESSION] = "cannot start a session",
		[SPAWN_DESCRIPTORS] = "cannot place the descriptors",
		[SPAWN_PRIORITY] = "cannot set 'nice'",
		[SPAWN_LIMITS] = "cannot set the limit of descriptors",
		[SPAWN_CHROOT] = "cannot change the root directory",
		[SPAWN_GROUPS] = "cannot set the groups",
		[SPAWN_USER] = "cannot change the user",
		[SPAWN_CAPABILITIES] = "cannot drop the capabilities",
		[SPAWN_DEATH_SIGNAL] = "cannot be told of the end of superd",
		[SPAWN_DIRECTORY] = "cannot enter the directory",
		[SPAWN_CONNECT] = "cannot connect to the sender",
		[SPAWN_SIGNALS] = "cannot reset the signals",
		[SPAWN_EXEC] = "cannot execute",
		[SPAWN_INTERPRETER] = "cannot execute its interpreter",
		[SPAWN_INSTANCES] = "as many run as 'instances' allows",
	};

	return texts[step];
}

const char *spawn_failure_reason(const struct spawn_failure *failure)
{
	if (failure->timed_out)
		return "it took too long";
	if (failure->signal)
		return "it was killed";
	return failure->error ? strerror(failure->error) : "not tried";
}

bool spawn_may_retry(const struct spawn_failure *failure)
{
	if (failure->timed_out || failure->signal)
		return false;
	switch (failure->step) {
	case SPAWN_PROCESS:
	case SPAWN_DESCRIPTORS:
	case SPAWN_CONNECT:
		return failure->error == EAGAIN || failure->error == ENOMEM ||
		       failure->error == EMFILE || failure->error == ENFILE;
	case SPAWN_EXEC:
		return failure->error == EAGAIN || failure->error == ENOMEM;
	default:
		return false;
	}
}
