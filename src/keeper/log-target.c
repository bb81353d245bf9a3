#include "keeper/log-target.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/journal-stream.h"
#include "base/log.h"
#include "config/settings.h"
#include "keeper/fronts/front.h"
#include "keeper/fronts/fronts.h"
#include "keeper/log-writer.h"

static struct log_writer writer;

static bool writes_to_file(void)
{
	enum log_target target;

	return log_descriptor(&target) >= 0 && target == LOG_TO_FILE;
}

/* The daemon of the log may start later, or restart now, and superd serves meanwhile. */
static int open_daemon(enum log_target target, const char *what)
{
	int r = log_open(target, NULL);

	if (r != -ENOENT && r != -ECONNREFUSED)
		return r;
	log_warning(r,
		    "%s to write to: lines of log are dropped until there is one; set 'log' to "
		    "a file, or use --foreground",
		    what);
	return log_open_later(target);
}

/* Opens the log that an administrator looks at: the terminal, the journal, otherwise syslog. */
static int open_some_log(bool foreground)
{
	if (foreground && !journal_stream_is(STDERR_FILENO))
		return log_open(LOG_TO_STDERR, NULL);
	if (log_open(LOG_TO_JOURNAL, NULL) == 0)
		return 0;
	return open_daemon(LOG_TO_SYSLOG, "there is neither a journal nor syslog");
}

/* What is no regular file, such as a FIFO, makes nobody wait. */
static int open_file(const char *path, const struct privileges_user *user)
{
	struct log_pipes pipes;
	int r;

	if (log_writer_has(&writer, path) && writes_to_file())
		return 0;
	r = log_writer_start(&writer, path, user, &pipes);
	if (r > 0)
		return log_open(LOG_TO_FILE, path);
	if (r < 0)
		return r;
	/* The time zone is read when a log is opened. */
	tzset();
	log_adopt(LOG_TO_FILE, pipes.keeper);
	log_lend(pipes.fronts);
	return 0;
}

static int open_log(const struct settings *settings, bool foreground)
{
	if (settings->log_is_auto)
		return open_some_log(foreground);
	if (settings->log_target == LOG_TO_JOURNAL)
		return open_daemon(LOG_TO_JOURNAL, "there is no journal");
	if (settings->log_target == LOG_TO_SYSLOG)
		return open_daemon(LOG_TO_SYSLOG, "there is no syslog");
	if (settings->log_target == LOG_TO_FILE)
		return open_file(settings->log_path, &settings->front.user);
	return log_open(settings->log_target, settings->log_path);
}

/* The end of a writer of another log is no reason to open this one again. */
static void let_go(const struct settings *settings)
{
	if (settings->log_is_auto || settings->log_target != LOG_TO_FILE ||
	    !log_writer_has(&writer, settings->log_path))
		log_writer_let_go(&writer);
}

static const char *name_of_log(const struct settings *settings)
{
	if (settings->log_is_auto)
		return "of the system";

	switch (settings->log_target) {
	case LOG_TO_JOURNAL:
		return "of the journal";
	case LOG_TO_SYSLOG:
		return "of syslog";
	case LOG_TO_FILE:
		return settings->log_path;
	default:
		return "on standard error";
	}
}

int log_target_open(const struct settings *settings, bool foreground, struct fronts *fronts)
{
	int r = open_log(settings, foreground);

	if (r < 0)
		return log_error(r, "cannot open the log %s", name_of_log(settings));
	let_go(settings);
	fronts_lend_log(fronts);
	return 0;
}

void log_target_lend(struct front *front)
{
	if (log_connect() == 0)
		front_lend_log(front);
}

void log_target_reopen(const struct settings *settings, bool foreground, struct fronts *fronts)
{
	int r;

	if (!writes_to_file())
		return;
	if (settings->log_path && log_writer_has(&writer, settings->log_path)) {
		r = log_writer_reopen(&writer);
		if (r < 0)
			log_error(r, "cannot open the log %s again", settings->log_path);
	} else {
		(void)log_target_open(settings, foreground, fronts);
	}
}

bool log_target_reaped(pid_t pid)
{
	return log_writer_reaped(&writer, pid);
}

void log_target_abandon(void)
{
	log_writer_abandon(&writer);
}

void log_target_close(void)
{
	log_close();
	log_writer_finish(&writer);
}
