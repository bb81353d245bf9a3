#include "config/load.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/answers.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/process-title.h"
#include "base/text.h"
#include "config/resolved-hosts.h"
#include "config/settings.h"
#include "config/sources.h"

enum {
	REHEARSAL_GOOD,
	REHEARSAL_BAD,
};

DEFINE_AUTO(struct sources, sources_free);

/* In the child. */
static int rehearse(const struct rehearsal *rehearsal, const char *path,
		    const struct load_options *options)
{
	struct settings *settings;
	struct sources *sources;

	answers_record(rehearsal->answers);
	if (sources_read(&sources, path) < 0)
		return REHEARSAL_BAD;
	sources_keep(sources);
	return parse_run(&settings, sources, rehearsal->hosts, options, true) < 0 ? REHEARSAL_BAD
										  : REHEARSAL_GOOD;
}

static int make_memory(struct rehearsal *rehearsal)
{
	int r;

	r = resolved_hosts_new(&rehearsal->hosts);
	if (r == 0)
		r = answers_new(&rehearsal->answers);
	if (r < 0)
		rehearsal_fini(rehearsal);
	return r;
}

int rehearsal_start(struct rehearsal *rehearsal, const char *path,
		    const struct load_options *options)
{
	pid_t parent = getpid();
	int r;

	r = make_memory(rehearsal);
	if (r < 0)
		return r;
	rehearsal->pid = fork();
	if (rehearsal->pid < 0) {
		r = -errno;
		rehearsal_fini(rehearsal);
		return r;
	}
	if (rehearsal->pid == 0) {
		/* Nobody wants the result if the keeper has gone, perhaps before this line. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(REHEARSAL_BAD);
		process_title_set("trying the configuration");
		if (options->abandon)
			options->abandon(options->owner);
		_exit(rehearse(rehearsal, path, options));
	}
	resolved_hosts_hide(rehearsal->hosts);
	answers_hide(rehearsal->answers);
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

static int settings_from(const char *path, const struct rehearsal *rehearsal,
			 const struct load_options *options, struct settings **out)
{
	AUTO(auto_sources_free) struct sources *sources = NULL;
	int r;

	r = sources_take(&sources);
	if (r < 0)
		return log_error(r, "%s: cannot load", path);
	return parse_run(out, sources, rehearsal->hosts, options, false);
}

int rehearsal_settings(const struct rehearsal *rehearsal, const char *path,
		       const struct load_options *options, struct settings **out)
{
	int r;

	answers_replay(rehearsal->answers);
	r = settings_from(path, rehearsal, options, out);
	answers_end();
	return r;
}

void rehearsal_fini(struct rehearsal *rehearsal)
{
	resolved_hosts_free(take_ptr(rehearsal->hosts));
	answers_free(take_ptr(rehearsal->answers));
}

int settings_load(struct settings **out, const char *path, const struct load_options *options)
{
	struct rehearsal rehearsal = { 0 };
	int status;
	int r;

	r = rehearsal_start(&rehearsal, path, options);
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
		r = rehearsal_settings(&rehearsal, path, options, out);
	rehearsal_fini(&rehearsal);
	return r;
}
