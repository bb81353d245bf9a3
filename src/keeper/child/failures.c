#include "keeper/child/failures.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "channel/client-log.h"
#include "channel/stats.h"
#include "config/settings.h"
#include "keeper/exec/spawn.h"
#include "keeper/service/service-record.h"

#define INTERVAL_MS 1000

void failures_init(struct failures *failures, struct timers *timers, struct service_stats *stats,
		   const struct service_records *records)
{
	*failures = (struct failures){ .timers = timers, .stats = stats, .records = records };
}

static void log_unlogged(const struct failures *failures)
{
	for (struct service_record *record = failures->records->by_name; record;
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

static void on_interval(struct timer *timer)
{
	log_unlogged(container_of(timer, struct failures, timer));
}

static void describe_step(char *out, size_t size, const struct program_settings *program,
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
		(void)snprintf(out, size, "%s%s", text,
			       failure->error == ENOEXEC
				       ? ": it is not for this machine, and has no '#!'"
				       : "");
		break;
	default:
		(void)snprintf(out, size, "%s", text);
	}
}

/* What to look at depends on what the child has waited for, which the keeper does not know. */
static void describe(char *out, size_t size, const struct program_settings *program,
		     const struct spawn_failure *failure)
{
	char step[256];

	describe_step(step, sizeof(step), program, failure);
	if (failure->timed_out)
		(void)snprintf(out, size,
			       "%s within %g s; see whether its file system answers, and whether "
			       "somebody stops processes of its user or has a lease on the file",
			       step, (double)program->launch_timeout_ms / 1000);
	else if (failure->signal)
		(void)snprintf(out, size, "%s: it was killed by signal %d (%s)", step,
			       failure->signal, strsignal(failure->signal));
	else
		(void)snprintf(out, size, "%s", step);
}

static void log_not_started(const struct service *service, const struct address *peer,
			    const struct spawn_failure *failure)
{
	const struct client_record client = {
		.service = service->name,
		.chosen = service->log_on_failure,
		.peer = peer,
		.unnamed = "",
	};
	struct client_words words;
	char why[512];

	describe(why, sizeof(why), &service->program, failure);
	client_words_init(&words, &client, "failed");
	words.fields.reason = why;
	log_event(LOG_ERR, &words.fields, -failure->error,
		  "service '%s': cannot start '%s'%s%s: %s", service->name, service->program.path,
		  words.who[0] ? " for" : "", words.who, why);
}

void failures_note(struct failures *failures, struct service_record *record,
		   const struct service *service, const struct address *peer,
		   const struct spawn_failure *failure)
{
	int64_t now = clock_ms();

	atomic_fetch_add(&failures->stats[record->number].failed, 1);
	/* A time limit bounds its own lines. */
	if (!failure->timed_out && record->failure_said_ms &&
	    now - record->failure_said_ms < INTERVAL_MS) {
		record->failures_unlogged++;
		if (!timer_is_set(&failures->timer))
			(void)timer_set(&failures->timer, failures->timers, now + INTERVAL_MS,
					on_interval);
		return;
	}

	record->failure_said_ms = now;
	log_not_started(service, peer, failure);
}

void failures_fini(struct failures *failures)
{
	log_unlogged(failures);
	timer_cancel(&failures->timer);
}
