#include "front/program-log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"
#include "channel/startup.h"
#include "front/core/context.h"
#include "net/poller.h"
#include "net/timer.h"

#define LINE_SIZE 1024 /* a longer line becomes several */
#define UNENDED_MS 500 /* after this time text without a line end is logged as a line */

/* A program that writes more than this has to wait, so that it cannot flood the log. */
#define LINES_MAX 250
#define INTERVAL_MS 250

struct stderr_reader {
	struct watch watch;
	struct timer unended;
	struct timer pause;
	struct list link;
	struct timers *timers;
	const char *service;
	int64_t since_ms;
	unsigned lines; /* lines logged since then */
	size_t n;
	char line[LINE_SIZE];
};

static void log_line(struct stderr_reader *reader, const char *line, size_t n)
{
	struct log_fields fields = { .service = reader->service, .event = "stderr" };
	char escaped[LINE_SIZE * 4 + 1];

	if (n > 0 && line[n - 1] == '\r')
		n--;
	if (n == 0)
		return;
	log_event(LOG_INFO, &fields, 0, "service '%s': stderr: '%s'", reader->service,
		  text_escape(escaped, sizeof(escaped), line, n));
	reader->lines++;
}

static void log_lines(struct stderr_reader *reader)
{
	const char *at = reader->line;
	const char *end = at + reader->n;
	const char *newline;

	while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
		log_line(reader, at, (size_t)(newline - at));
		at = newline + 1;
	}
	if (at == reader->line && reader->n == sizeof(reader->line)) {
		at += text_whole(at, reader->n);
		log_line(reader, reader->line, (size_t)(at - reader->line));
	}
	reader->n = (size_t)(end - at);
	memmove(reader->line, at, reader->n);
}

/* The keeper keeps the pipe open, so the end of a program is no end of file. */
static void end_line(struct timer *timer)
{
	struct stderr_reader *reader = container_of(timer, struct stderr_reader, unended);

	log_line(reader, reader->line, reader->n);
	reader->n = 0;
}

static void read_again(struct timer *timer)
{
	struct stderr_reader *reader = container_of(timer, struct stderr_reader, pause);

	reader->lines = 0;
	(void)watch_change(&reader->watch, WATCH_READ);
}

static void pause_if_flooded(struct stderr_reader *reader)
{
	int64_t now_ms = clock_ms();

	if (now_ms - reader->since_ms >= INTERVAL_MS) {
		reader->since_ms = now_ms;
		reader->lines = 0;
	}
	if (reader->lines >= LINES_MAX &&
	    timer_set(&reader->pause, reader->timers, now_ms + INTERVAL_MS, read_again) == 0)
		(void)watch_change(&reader->watch, 0);
}

/* Reads once a turn, so that a program that writes much does not hold up the others. */
static void on_output(struct watch *watch)
{
	struct stderr_reader *reader = container_of(watch, struct stderr_reader, watch);
	ssize_t n;

	n = read(watch->fd, reader->line + reader->n, sizeof(reader->line) - reader->n);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		watch_remove(watch);
		return;
	}
	reader->n += (size_t)n;
	log_lines(reader);
	if (reader->n > 0)
		(void)timer_set(&reader->unended, reader->timers, clock_ms() + UNENDED_MS,
				end_line);
	pause_if_flooded(reader);
}

static int start_one(struct program_log *log, const struct startup_stderr *pipe)
{
	struct stderr_reader *reader;
	int r;

	r = fd_set_blocking(pipe->fd, false);
	if (r < 0)
		return r;
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return -ENOMEM;

	reader->service = pipe->service;
	reader->timers = log->context->timers;
	r = watch_add(&reader->watch, log->context->poller, pipe->fd, WATCH_READ, on_output);
	if (r < 0) {
		free(reader);
		return r;
	}
	list_add_before(&log->readers, &reader->link);
	return 0;
}

void program_log_init(struct program_log *log, const struct context *context)
{
	log->context = context;
	list_init(&log->readers);
}

void program_log_start(struct program_log *log)
{
	const struct startup *startup = log->context->startup;

	for (size_t i = 0; i < startup->n_stderr_pipes; i++) {
		const struct startup_stderr *pipe = &startup->stderr_pipes[i];
		int r;

		r = start_one(log, pipe);
		if (r < 0)
			log_service(LOG_ERR, pipe->service, r,
				    "cannot read the stderr of its programs");
	}
}

void program_log_stop(struct program_log *log)
{
	list_for_each(at, following, &log->readers) {
		struct stderr_reader *reader = container_of(at, struct stderr_reader, link);

		log_line(reader, reader->line, reader->n);
		watch_remove(&reader->watch);
		timer_cancel(&reader->unended);
		timer_cancel(&reader->pause);
		list_unlink(&reader->link);
		free(reader);
	}
}
