#include "base/status.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

char *status_text(int status, char out[static STATUS_TEXT_MAX])
{
	const char *name;

	if (!WIFSIGNALED(status)) {
		(void)snprintf(out, STATUS_TEXT_MAX, "exit status %d", WEXITSTATUS(status));
		return out;
	}

	name = sigabbrev_np(WTERMSIG(status));
	(void)snprintf(out, STATUS_TEXT_MAX, "killed by signal %d (SIG%s)", WTERMSIG(status),
		       name ? name : "?");
	return out;
}
