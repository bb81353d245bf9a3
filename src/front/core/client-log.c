#include "front/core/client-log.h"

#include "channel/client-log.h"
#include "config/settings.h"

static struct client_record record(const struct service *service, const struct address *peer,
				   unsigned chosen)
{
	return (struct client_record){
		.service = service->name,
		.chosen = chosen,
		.peer = peer,
		.unnamed = " a client",
	};
}

void log_accepted(const struct service *service, const struct address *peer, pid_t pid)
{
	struct client_record client = record(service, peer, service->log_on_success);

	client.pid = pid;
	client_log_start(&client, "accepted");
}

void log_ended(const struct service *service, const struct address *peer,
	       const struct address *local, pid_t pid, const struct client_end *end)
{
	struct client_record client = record(service, peer, service->log_on_success);

	client.pid = pid;
	client.local = local;
	client_log_end(&client, end);
}

void log_refused(const struct service *service, const struct address *peer, enum refusal refusal,
		 const char *why)
{
	const struct client_record client = record(service, peer, service->log_on_failure);
	struct client_words words;

	if (!service->log_on_failure)
		return;
	client_words_init(&words, &client, "refused");
	words.fields.reason = refusal_word(refusal);
	log_event(LOG_INFO, &words.fields, 0, "service '%s': refused%s: %s", service->name,
		  words.who, why);
}

void log_lost(const struct service *service, const struct address *peer, int error, const char *why)
{
	const struct client_record client = record(service, peer, service->log_on_failure);
	struct client_words words;

	client_words_init(&words, &client, "lost");
	words.fields.reason = why;
	log_event(LOG_WARNING, &words.fields, error, "service '%s': lost%s: %s", service->name,
		  words.who, why);
}

void log_unread(const struct service *service, const struct address *peer)
{
	struct client_record client = record(service, peer, service->log_on_failure);
	struct client_words words;

	client.unnamed = "";
	client_words_init(&words, &client, "lost");
	words.fields.reason = "its program did not read the datagram";
	log_event(LOG_WARNING, &words.fields, 0,
		  "service '%s': dropped a datagram%s%s that its program did not read",
		  service->name, words.who[0] ? " from" : "", words.who);
}
