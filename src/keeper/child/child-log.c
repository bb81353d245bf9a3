#include "keeper/child/child-log.h"

#include "channel/client-log.h"
#include "config/settings.h"
#include "keeper/child/child.h"
#include "keeper/service/service-record.h"

static struct client_record record(const struct child *child)
{
	return (struct client_record){
		.service = child->record->name,
		.chosen = child->records,
		.peer = &child->peer,
		.unnamed = "",
		.pid = child->pid,
	};
}

void log_started(const struct child *child)
{
	const struct client_record client = record(child);

	client_log_start(&client, child->peer.length > 0 ? "accepted" : "started");
}

void log_child_ended(const struct child *child, int status, int64_t lived_us)
{
	const struct client_record client = record(child);

	client_log_end(&client, &(struct client_end){ .lived_us = lived_us, .status = &status });
}

void log_not_started(const char *service, const char *program, const struct address *peer,
		     const char *why, int error)
{
	const struct client_record client = { service, RECORD_HOST, peer, "", 0 };
	struct client_words words;

	client_words_init(&words, &client, "failed");
	log_event(LOG_ERR, &words.fields, error, "service '%s': cannot start '%s'%s%s: %s", service,
		  program, words.who[0] ? " for" : "", words.who, why);
}
