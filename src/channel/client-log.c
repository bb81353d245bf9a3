#include "channel/client-log.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/text.h"
#include "config/settings.h"

/* The status of a program, its path, and what that means. */
#define STATUS_MAX 512

/* The text of an address takes a moment, so it is made only for a log that stores it. */
static void add_server(struct client_words *words, const struct client_record *client)
{
	struct address plain;

	if (!client->local || client->local->length == 0 || !log_has_fields())
		return;
	plain = *client->local;
	address_unmap(&plain);
	words->fields.server_addr = address_host(&plain, words->server_host);
	if (address_is_unix(&plain))
		return;
	snprintf(words->server_port, sizeof(words->server_port), "%u",
		 address_port(&plain) % 65536);
	words->fields.server_port = words->server_port;
}

void client_words_init(struct client_words *words, const struct client_record *client,
		       const char *event)
{
	struct address plain = *client->peer;

	words->fields = (struct log_fields){ .service = client->service, .event = event };
	if (client->chosen & RECORD_PID)
		words->fields.pid = client->pid;
	add_server(words, client);
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

/* Whether the kernel makes a core dump when it ends a process by the signal. */
static bool dumps_core(int number)
{
	static const int numbers[] = { SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
				       SIGFPE,  SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (numbers[i] == number)
			return true;
	return false;
}

/* What a bad end means, to be said of the program; or NULL. */
static const char *meaning_of(const struct client_end *end)
{
	int status = end->status ? *end->status : 0;

	if (WIFSIGNALED(status) && dumps_core(WTERMSIG(status)))
		return "has crashed";
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !end->by_superd)
		return "was killed by somebody, or by the kernel for want of memory";
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return "did not find a command or a library";
	if (WIFEXITED(status) && WEXITSTATUS(status) == 126)
		return "could not execute a command";
	return NULL;
}

/* ", exit status 1". After a bad end, or a signal that somebody has sent, also the program. */
static void describe_status(char *out, size_t size, const struct client_end *end,
			    const char *meaning)
{
	char status[TEXT_STATUS_MAX];
	bool names = end->program && (meaning || (WIFSIGNALED(*end->status) && !end->by_superd));

	text_status(*end->status, status);
	if (names)
		snprintf(out, size, ", %s: '%s' %s", status, end->program,
			 meaning ? meaning : "was ended by somebody");
	else
		snprintf(out, size, ", %s", status);
}

static const char *reason_of(const struct client_end *end)
{
	if (end->reason || !end->status)
		return end->reason;
	return WIFSIGNALED(*end->status) ? "signal" : "exit";
}

void client_log_end(const struct client_record *client, const struct client_end *end)
{
	char pid[24], after[40] = "", status[STATUS_MAX] = "";
	unsigned worth = RECORD_DURATION | RECORD_EXIT | (end->is_session ? RECORD_TRAFFIC : 0);
	const char *meaning = meaning_of(end);
	struct log_end fields = { .duration_us = -1 };
	struct client_words words;

	if (!(client->chosen & worth))
		return;
	client_words_init(&words, client, "ended");
	words.fields.end = &fields;
	words.fields.reason = reason_of(end);
	if (client->chosen & RECORD_DURATION) {
		fields.duration_us = end->lived_us;
		snprintf(after, sizeof(after), "%s after %" PRId64 ".%03d s",
			 end->is_session ? "" : ",", end->lived_us / 1000000,
			 (int)(end->lived_us / 1000 % 1000));
	}
	if (end->is_session && client->chosen & RECORD_TRAFFIC) {
		fields.has_traffic = true;
		fields.bytes_in = end->bytes_in;
		fields.bytes_out = end->bytes_out;
	}
	/* A warning must say what it is about. */
	if (end->status && (client->chosen & RECORD_EXIT || meaning)) {
		fields.status = end->status;
		describe_status(status, sizeof(status), end, meaning);
	}
	log_event(meaning ? LOG_WARNING : LOG_INFO, &words.fields, end->error,
		  "service '%s': ended%s%s%s%s%s", client->service, words.who,
		  pid_text(pid, client), after, status, end->details ? end->details : "");
}
