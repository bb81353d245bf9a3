#include "channel/client-log.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "config/settings.h"

void client_words_init(struct client_words *words, const struct client_record *client,
		       const char *event)
{
	struct address plain = *client->peer;

	words->fields = (struct log_fields){ .service = client->service, .event = event };
	if (!(client->chosen & RECORD_HOST) || plain.length == 0) {
		snprintf(words->who, sizeof(words->who), "%s", client->unnamed);
		return;
	}
	address_unmap(&plain);
	words->who[0] = ' ';
	(void)address_text(&plain, words->who + 1);
	words->fields.remote_addr = address_host(&plain, words->host);
	if (address_is_unix(&plain))
		return;
	snprintf(words->port, sizeof(words->port), "%u", address_port(&plain) % 65536);
	words->fields.remote_port = words->port;
}

static const char *pid_text(char out[static 24], const struct client_record *client)
{
	if (!(client->chosen & RECORD_PID) || client->pid == 0)
		return "";
	snprintf(out, 24, ", pid %ld", (long)client->pid);
	return out;
}

void client_log_start(const struct client_record *client, const char *event)
{
	struct client_words words;
	char pid[24];

	if (!(client->chosen & (RECORD_HOST | RECORD_PID)))
		return;
	client_words_init(&words, client, event);
	log_event(LOG_INFO, &words.fields, 0, "service '%s': %s%s%s", client->service, event,
		  words.who, pid_text(pid, client));
}

void client_log_end(const struct client_record *client, const struct client_end *end)
{
	char pid[24], after[40] = "", status[TEXT_STATUS_MAX] = "";
	unsigned worth = RECORD_DURATION | RECORD_EXIT | (end->is_session ? RECORD_TRAFFIC : 0);
	struct client_words words;

	if (!(client->chosen & worth))
		return;
	client_words_init(&words, client, "ended");
	if (client->chosen & RECORD_DURATION)
		snprintf(after, sizeof(after), "%s after %" PRId64 ".%03d s",
			 end->is_session ? "" : ",", end->lived_us / 1000000,
			 (int)(end->lived_us / 1000 % 1000));
	if (end->status && client->chosen & RECORD_EXIT)
		text_status(*end->status, status);
	log_event(LOG_INFO, &words.fields, end->error, "service '%s': ended%s%s%s%s%s%s",
		  client->service, words.who, pid_text(pid, client), after, status[0] ? ", " : "",
		  status, end->details ? end->details : "");
}
