#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log-sink.h"
#include "base/text.h"

/* The text of a line, its end included; longer ones are cut. */
#define TEXT_MAX 2048

bool log_debug_wanted;

static struct log_sink sink = { .target = LOG_TO_PLAIN, .fd = STDERR_FILENO };
static int lent = -1;
static bool watched;
static bool lost;
static _Atomic bool has_fields;
static _Atomic uint64_t own_count;
static _Atomic uint64_t *dropped = &own_count;

static void replace_sink(const struct log_sink *opened)
{
	log_sink_close(&sink);
	if (lent >= 0)
		close(take_fd(lent));
	sink = *opened;
	atomic_store_explicit(&has_fields, opened->target == LOG_TO_JOURNAL, memory_order_relaxed);
}

/* tzset() reads the time zone now: a process that changes its root finds no file of it later. */
static void open_sink(const struct log_sink *opened)
{
	tzset();
	replace_sink(opened);
}

int log_open(enum log_target target, const char *path)
{
	struct log_sink opened;
	int r;

	assert(target != LOG_TO_FILE || path);

	r = log_sink_open(&opened, target, path);
	if (r < 0)
		return r;
	open_sink(&opened);
	return 0;
}

int log_open_later(enum log_target target)
{
	struct log_sink opened;
	int r;

	r = log_sink_open_later(&opened, target);
	if (r < 0)
		return r;
	open_sink(&opened);
	return 0;
}

int log_descriptor(enum log_target *out_target)
{
	*out_target = sink.target;
	if (lent >= 0)
		return lent;
	return sink.target == LOG_TO_PLAIN || sink.target == LOG_TO_STDERR ? -1 : sink.fd;
}

void log_lend(int fd)
{
	lent = fd;
}

void log_use_lent(void)
{
	const struct log_sink own = sink;

	if (lent < 0)
		return;
	sink.fd = take_fd(lent);
	close(own.fd);
}

int log_connect(void)
{
	return log_sink_connect(&sink);
}

void log_leave_connecting(void)
{
	sink.leaves_connecting = true;
}

bool log_is_lost(void)
{
	return lost;
}

int log_share_count(void)
{
	_Atomic uint64_t *shared;

	if (dropped != &own_count)
		return 0;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return -errno;
	*shared = own_count;
	dropped = shared;
	return 0;
}

void log_close(void)
{
	(void)log_open(LOG_TO_PLAIN, NULL);
}

void log_set_watched(bool by_somebody)
{
	watched = by_somebody;
}

void log_set_debug(bool debug)
{
	log_debug_wanted = debug;
}

void log_note_dropped(unsigned n)
{
	if (n > 0)
		atomic_fetch_add(dropped, n);
}

uint64_t log_dropped(void)
{
	return *dropped;
}

bool log_has_fields(void)
{
	return atomic_load_explicit(&has_fields, memory_order_relaxed);
}

static int write_line(const struct log_line *line)
{
	int r = log_sink_write(&sink, line);

	if (r == 0)
		lost = false;
	else if (log_sink_needs_connecting(&sink, r))
		lost = true;
	return r;
}

/* Returns whether no dropped line is left to report. */
static bool report_dropped(void)
{
	char text[64];
	const struct log_line line = { .level = LOG_WARNING, .text = text };
	uint64_t n;

	if (atomic_load_explicit(dropped, memory_order_relaxed) == 0)
		return true;
	n = atomic_exchange(dropped, 0);
	if (n == 0)
		return true;

	(void)snprintf(text, sizeof(text), "%" PRIu64 " %s dropped", n,
		       n == 1 ? "line of log was" : "lines of log were");
	if (write_line(&line) == 0)
		return true;
	atomic_fetch_add(dropped, n);
	return false;
}

void log_adopt(enum log_target target, int fd)
{
	replace_sink(&(struct log_sink){ .target = target,
					 .fd = fd,
					 .is_socket = target != LOG_TO_FILE,
					 .leaves_connecting = sink.leaves_connecting });
	lost = false;
	(void)report_dropped();
}

static void show_watcher(const struct log_line *line)
{
	struct log_sink plain;

	if (!watched || line->level > LOG_WARNING || sink.target == LOG_TO_PLAIN ||
	    sink.target == LOG_TO_STDERR)
		return;
	if (log_sink_open(&plain, LOG_TO_PLAIN, NULL) == 0)
		(void)log_sink_write(&plain, line);
}

int log_event(int level, const struct log_fields *fields, int error, const char *fmt, ...)
{
	char raw[TEXT_MAX + 256], text[TEXT_MAX];
	const struct log_line line = { .level = level, .fields = fields, .text = text };
	int saved = errno;
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	if (vsnprintf(raw, TEXT_MAX + 1, fmt, ap) < 0)
		(void)snprintf(raw, sizeof(raw), "%s", fmt);
	va_end(ap);
	n = strlen(raw);
	if (error)
		(void)snprintf(raw + n, sizeof(raw) - n, ": %s", strerror(-error));
	(void)text_escape(text, sizeof(text), raw, strlen(raw));

	show_watcher(&line);
	if (!report_dropped() || write_line(&line) < 0)
		atomic_fetch_add(dropped, 1);

	errno = saved;
	return error;
}

int log_service(int level, const char *service, int error, const char *fmt, ...)
{
	const struct log_fields fields = { .service = service };
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return log_event(level, &fields, error, "service '%s': %s", service, text);
}
