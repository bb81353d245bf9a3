#include "front/stderr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"
#include "front/state.h"

#define LINE_SIZE 1024 /* a longer line becomes several */
#define UNENDED_MS 500 /* a line without an end is taken for one after so long */

struct stderr_reader {
	struct watch watch;
	struct timer unended;
	struct timers *timers;
	const struct service *service;
	size_t n;
	char line[LINE_SIZE];
};

static void log_line(const struct service *service, const char *line, size_t n)
{
	struct log_fields fields = { .service = service->name, .event = "stderr" };
	char escaped[LINE_SIZE * 4 + 1];

	if (n > 0 && line[n - 1] == '\r')
		n--;
	if (n == 0)
		return;
	log_event(LOG_INFO, &fields, 0, "service '%s': stderr: '%s'", service->name,
		  text_escape(escaped, sizeof(escaped), line, n));
}

static void log_lines(struct stderr_reader *reader)
{
	const char *at = reader->line;
	const char *end = at + reader->n;
	const char *newline;

	while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
		log_line(reader->service, at, (size_t)(newline - at));
		at = newline + 1;
	}
	if (at == reader->line && reader->n == sizeof(reader->line)) {
		log_line(reader->service, at, reader->n);
		at = end;
	}
	reader->n = (size_t)(end - at);
	memmove(reader->line, at, reader->n);
}

/* The pipe outlives its programs: the end of one is no end of file. */
static void end_line(struct timer *timer)
{
	struct stderr_reader *reader = container_of(timer, struct stderr_reader, unended);

	log_line(reader->service, reader->line, reader->n);
	reader->n = 0;
}

/* One read a turn: a program that floods its stderr waits for its turn like everybody. */
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
}

static int start_one(struct front *front, size_t i)
{
	struct stderr_reader *reader;
	int fd = front->birth->stderr_pipes[i];
	int r;

	r = fd_set_blocking(fd, false);
	if (r < 0)
		return r;
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return -ENOMEM;

	reader->service = &front->settings->services[i];
	reader->timers = front->timers;
	r = watch_add(&reader->watch, front->poller, fd, WATCH_READ, on_output);
	if (r < 0) {
		free(reader);
		return r;
	}
	front->services[i].stderr_reader = reader;
	return 0;
}

void stderr_start(struct front *front)
{
	for (size_t i = 0; i < front->settings->n_services; i++) {
		int r;

		if (front->birth->stderr_pipes[i] < 0 || front->services[i].stderr_reader)
			continue;
		r = start_one(front, i);
		if (r < 0)
			log_error(r, "service '%s': cannot read the stderr of its programs",
				  front->settings->services[i].name);
	}
}

void stderr_stop(struct front *front)
{
	for (size_t i = 0; front->services && i < front->settings->n_services; i++) {
		struct stderr_reader *reader = front->services[i].stderr_reader;

		if (!reader)
			continue;
		log_line(reader->service, reader->line, reader->n);
		watch_remove(&reader->watch);
		timer_cancel(&reader->unended);
		free(reader);
		front->services[i].stderr_reader = NULL;
	}
}
