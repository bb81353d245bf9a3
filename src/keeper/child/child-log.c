#include "keeper/child/child-log.h"

#include <stdio.h>

#include "base/log.h"
#include "base/text.h"
#include "config/settings.h"
#include "keeper/child/child.h"
#include "keeper/service/service-record.h"

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
	const char *event = child->peer.length > 0 ? "accepted" : "started";
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
	char pid[24] = "", duration[40] = "", end[TEXT_STATUS_MAX] = "";
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
		text_status(status, end);
	log_event(LOG_INFO, &fields, 0, "service '%s': ended%s%s%s%s%s", child->record->name,
		  words.text, pid, duration, end[0] ? ", " : "", end);
}

void log_not_started(const char *service, const char *program, const struct address *peer,
		     const char *why, int error)
{
	struct client_words words;
	struct log_fields fields = describe(&words, service, "failed", peer, true);

	log_event(LOG_ERR, &fields, error, "service '%s': cannot start '%s'%s%s: %s", service,
		  program, words.text[0] ? " for" : "", words.text, why);
}
