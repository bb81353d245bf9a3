#include "keeper/child/child-log.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/status.h"
#include "config/settings.h"
#include "keeper/exec/spawn.h"
#include "keeper/state.h"

#define FAILURE_INTERVAL_MS 1000

struct client_words {
	char host[ADDRESS_TEXT_MAX];
	char port[8];
	char text[ADDRESS_TEXT_MAX + 1]; /* " 127.0.0.1:4000", or "" */
};

static struct log_fields describe(struct client_words *words, const char *service,
				  const char *event, const struct address *peer, bool named)
{
	struct log_fields fields = { .service = service, .event = event };

	words->text[0] = '\0';
	if (!named || peer->length == 0)
		return fields;

	words->text[0] = ' ';
	address_text(peer, words->text + 1);
	fields.remote_addr = address_host(peer, words->host);
	if (!address_is_unix(peer)) {
		snprintf(words->port, sizeof(words->port), "%u", address_port(peer));
		fields.remote_port = words->port;
	}
	return fields;
}

void log_started(const struct child *child)
{
	struct client_words words;
	struct log_fields fields;
	const char *event = child->owns_listener || child->process ? "started" : "accepted";
	char pid[24] = "";

	if (!(child->records & (RECORD_HOST | RECORD_PID)))
		return;

	fields = describe(&words, child->record->name, event, &child->peer,
			  child->records & RECORD_HOST);
	if (child->records & RECORD_PID)
		snprintf(pid, sizeof(pid), ", pid %ld", (long)child->pid);
	log_event(LOG_INFO, &fields, 0, "service '%s': %s%s%s", child->record->name, event,
		  words.text, pid);
}

void log_child_ended(const struct child *child, int status, int64_t lived_us)
{
	char pid[24] = "", duration[40] = "", end[STATUS_TEXT_MAX] = "";
	struct client_words words;
	struct log_fields fields;

	if (!(child->records & (RECORD_DURATION | RECORD_EXIT)))
		return;

	fields = describe(&words, child->record->name, "ended", &child->peer,
			  child->records & RECORD_HOST);
	if (child->records & RECORD_PID)
		snprintf(pid, sizeof(pid), ", pid %ld", (long)child->pid);
	if (child->records & RECORD_DURATION)
		snprintf(duration, sizeof(duration), ", after %lld.%03d s",
			 (long long)(lived_us / 1000000), (int)(lived_us / 1000 % 1000));
	if (child->records & RECORD_EXIT)
		status_text(status, end);
	log_event(LOG_INFO, &fields, 0, "service '%s': ended%s%s%s%s%s", child->record->name,
		  words.text, pid, duration, end[0] ? ", " : "", end);
}

void log_unlogged(struct keeper *keeper)
{
	for (struct service_record *record = keeper->records.by_name; record;
	     record = record->hh.next) {
		const struct log_fields fields = { .service = record->name, .event = "failed" };

		if (!record->failures_unlogged)
			continue;
		log_event(LOG_ERR, &fields, 0,
			  "service '%s': its program could not be started for %u more clients",
			  record->name, record->failures_unlogged);
		record->failures_unlogged = 0;
		record->failure_said_ms = clock_ms();
	}
}

static void end_interval(struct timer *timer)
{
	log_unlogged(container_of(timer, struct keeper, failures));
}

/* For a script whose interpreter is missing the kernel says "No such file" too. */
static const char *exec_text(const struct program_settings *program, int error)
{
	if (error == ENOEXEC)
		return "cannot execute: it is not for this machine, and has no '#!'";
	if (error == ENOENT && !program->chroot && access(program->argv[0], F_OK) == 0)
		return "cannot execute its interpreter";
	return spawn_step_text(SPAWN_EXEC);
}

static void describe_failure(char *out, size_t size, const struct program_settings *program,
			     const struct spawn_failure *failure)
{
	const char *text = spawn_step_text(failure->step);

	switch (failure->step) {
	case SPAWN_CHROOT:
		(void)snprintf(out, size, "%s to '%s'", text, program->chroot);
		break;
	case SPAWN_DIRECTORY:
		(void)snprintf(out, size, "%s '%s'", text, program->directory);
		break;
	case SPAWN_EXEC:
		(void)snprintf(out, size, "%s", exec_text(program, failure->error));
		break;
	default:
		(void)snprintf(out, size, "%s", text);
	}
}

void log_not_started(struct keeper *keeper, struct service_record *record,
		     const struct service *service, const struct address *peer,
		     const struct spawn_failure *failure)
{
	struct client_words words;
	struct log_fields fields;
	int64_t now = clock_ms();
	char what[512];

	if (record->failure_said_ms && now - record->failure_said_ms < FAILURE_INTERVAL_MS) {
		record->failures_unlogged++;
		if (!timer_is_set(&keeper->failures))
			(void)timer_set(&keeper->failures, keeper->timers,
					now + FAILURE_INTERVAL_MS, end_interval);
		return;
	}

	record->failure_said_ms = now;
	describe_failure(what, sizeof(what), &service->program, failure);
	fields = describe(&words, record->name, "failed", peer, true);
	log_event(LOG_ERR, &fields, -failure->error, "service '%s': cannot start '%s'%s%s: %s",
		  record->name, service->program.argv[0], words.text[0] ? " for" : "", words.text,
		  what);
}
