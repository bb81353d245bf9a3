#include "front/core/client-log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/text.h"
#include "config/settings.h"
#include "net/address.h"

/* The texts for one client, and the fields that point to them. */
struct words {
	char who[ADDRESS_TEXT_MAX];
	char host[ADDRESS_TEXT_MAX];
	char port[8];
	struct log_fields fields;
};

static void choose_words(struct words *words, const struct service *service,
			 const struct address *peer, const char *event, bool with_host)
{
	struct address plain = *peer;

	words->fields = (struct log_fields){ .service = service->name, .event = event };
	if (!with_host) {
		snprintf(words->who, sizeof(words->who), "a client");
		return;
	}
	address_unmap(&plain);
	(void)address_text(&plain, words->who);
	words->fields.remote_addr = address_host(&plain, words->host);
	if (address_is_unix(&plain))
		return;
	snprintf(words->port, sizeof(words->port), "%u", address_port(&plain) % 65536);
	words->fields.remote_port = words->port;
}

static const char *pid_text(char *out, size_t size, const struct service *service, pid_t pid)
{
	if (!(service->log_on_success & RECORD_PID) || pid == 0)
		return "";
	snprintf(out, size, ", pid %ld", (long)pid);
	return out;
}

void log_accepted(const struct service *service, const struct address *peer, pid_t pid)
{
	struct words words;
	char text[24];

	if (!(service->log_on_success & (RECORD_HOST | RECORD_PID)))
		return;

	choose_words(&words, service, peer, "accepted", service->log_on_success & RECORD_HOST);
	log_event(LOG_INFO, &words.fields, 0, "service '%s': accepted %s%s", service->name,
		  words.who, pid_text(text, sizeof(text), service, pid));
}

void log_refused(const struct service *service, const struct address *peer, uint64_t used)
{
	struct words words;

	if (!service->log_on_failure)
		return;

	choose_words(&words, service, peer, "refused", service->log_on_failure & RECORD_HOST);
	log_event(LOG_INFO, &words.fields, 0,
		  "service '%s': refused %s: %" PRIu64 " of %u instances are in use", service->name,
		  words.who, used, service->instances);
}

void log_lost(const struct service *service, const struct address *peer, int error, const char *why)
{
	struct words words;

	choose_words(&words, service, peer, "lost", service->log_on_failure & RECORD_HOST);
	log_event(LOG_WARNING, &words.fields, error, "service '%s': lost %s: %s", service->name,
		  words.who, why);
}

static bool is_our_failure(int error)
{
	return error == -ENOMEM || error == -ENOSPC || error == -ERANGE || error == -EMSGSIZE ||
	       error == -EMFILE || error == -ENFILE;
}

/* Many clients end a connection with a reset, so that is not logged as an error. */
static bool is_hang_up(int error)
{
	return error == -ECONNRESET || error == -EPIPE || error == -ENOTCONN;
}

static int error_worth_saying(int error)
{
	return is_hang_up(error) || is_our_failure(error) ? 0 : error;
}

void log_ended(const struct service *service, const struct client_end *end)
{
	unsigned chosen = service->log_on_success;
	char pid[24], after[40] = "", traffic[80] = "", status[TEXT_STATUS_MAX] = "";
	struct words words;

	if (is_our_failure(end->error))
		log_lost(service, end->peer, end->error, "its session cannot go on");
	if (!(chosen & (RECORD_DURATION | RECORD_EXIT)) &&
	    !(end->has_traffic && chosen & RECORD_TRAFFIC))
		return;

	choose_words(&words, service, end->peer, "ended", chosen & RECORD_HOST);
	if (chosen & RECORD_DURATION)
		snprintf(after, sizeof(after), "%s after %" PRId64 ".%03d s",
			 end->has_traffic ? "" : ",", end->lived_us / 1000000,
			 (int)(end->lived_us / 1000 % 1000));
	if (end->has_traffic && chosen & RECORD_TRAFFIC)
		snprintf(traffic, sizeof(traffic), ", %" PRIu64 " bytes in, %" PRIu64 " bytes out",
			 end->bytes_in, end->bytes_out);
	if (end->status && chosen & RECORD_EXIT)
		text_status(*end->status, status);
	log_event(LOG_INFO, &words.fields, end->limit ? 0 : error_worth_saying(end->error),
		  "service '%s': ended %s%s%s%s%s%s%s", service->name, words.who,
		  pid_text(pid, sizeof(pid), service, end->pid), after, traffic,
		  status[0] ? ", " : "", status, end->limit ? end->limit : "");
}
