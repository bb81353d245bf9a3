#include "config/load.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "config/resolved-hosts.h"
#include "config/settings.h"
#include "config/sources.h"

enum {
	REHEARSAL_GOOD,
	REHEARSAL_BAD,
};

DEFINE_AUTO(struct sources, sources_free);
DEFINE_AUTO(struct resolved_hosts, resolved_hosts_free);

int rehearsal_start(struct rehearsal *rehearsal, struct sources *sources,
		    const struct load_options *options)
{
	AUTO(auto_resolved_hosts_free) struct resolved_hosts *hosts = NULL;
	struct settings *settings;
	pid_t parent = getpid();
	pid_t pid;
	int r;

	r = resolved_hosts_new(&hosts);
	if (r < 0)
		return r;

	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		/* Nobody wants the result if the keeper has gone, perhaps before this line. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(REHEARSAL_BAD);
		if (options->abandon)
			options->abandon(options->owner);
		r = parse_run(&settings, sources, hosts, options, true);
		_exit(r < 0 ? REHEARSAL_BAD : REHEARSAL_GOOD);
	}

	resolved_hosts_hide(hosts);
	sources_hide(sources);
	rehearsal->pid = pid;
	rehearsal->hosts = take_ptr(hosts);
	return 0;
}

int rehearsal_result(const struct rehearsal *rehearsal, int status)
{
	char text[TEXT_STATUS_MAX];

	if (WIFEXITED(status) && WEXITSTATUS(status) == REHEARSAL_GOOD)
		return 0;
	if (WIFSIGNALED(status))
		log_error(0, "the process that tries the configuration was %s",
			  text_status(status, text));
	else if (WEXITSTATUS(status) != REHEARSAL_BAD)
		log_error(0, "the process that tries the configuration exited with status %d",
			  WEXITSTATUS(status));
	return -EINVAL;
}

void rehearsal_fini(struct rehearsal *rehearsal)
{
	resolved_hosts_free(take_ptr(rehearsal->hosts));
}

static int rehearse_and_parse(struct settings **out, struct sources *sources,
			      const struct load_options *options)
{
	struct rehearsal rehearsal = { 0 };
	int status;
	int r;

	r = rehearsal_start(&rehearsal, sources, options);
	if (r < 0)
		return log_error(r, "cannot start the process that tries the configuration");

	do
		r = waitpid(rehearsal.pid, &status, 0);
	while (r < 0 && errno == EINTR);

	if (r < 0)
		r = log_error(-errno, "cannot wait for the process that tries the configuration");
	else
		r = rehearsal_result(&rehearsal, status);
	if (r == 0)
		r = parse_run(out, sources, rehearsal.hosts, options, false);
	rehearsal_fini(&rehearsal);
	return r;
}

int settings_load(struct settings **out, const char *path, const struct load_options *options)
{
	AUTO(auto_sources_free) struct sources *sources = NULL;
	int r;

	r = sources_read(&sources, path);
	if (r < 0)
		return r;
	return rehearse_and_parse(out, sources, options);
}
