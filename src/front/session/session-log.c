#include "front/session/session-log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "channel/client-log.h"
#include "front/core/client-log.h"
#include "front/core/service.h"
#include "front/session/session.h"

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

static void write_limit(char *out, size_t size, const struct session *session)
{
	const struct service *settings = session->service->settings;
	char time[TEXT_SECONDS_MAX];

	switch (session->limit) {
	case SESSION_IDLE:
		snprintf(out, size, ", idle for %s", text_seconds(time, settings->idle_timeout_ms));
		break;
	case SESSION_LIFETIME:
		snprintf(out, size, ", its %s were over",
			 text_seconds(time, settings->max_lifetime_ms));
		break;
	case SESSION_GRACE:
		snprintf(out, size, ", cut off at the end of the grace time");
		break;
	default:
		break;
	}
}

static const char *reason_of(const struct session *session)
{
	static const char *const limits[] = {
		[SESSION_IDLE] = "idle",
		[SESSION_LIFETIME] = "lifetime",
		[SESSION_GRACE] = "stop",
	};
	int error = session->io.error;

	if (session->limit != SESSION_UNLIMITED)
		return limits[session->limit];
	if (error == 0)
		return "closed";
	return is_hang_up(error) ? "reset" : "error";
}

void session_log_end(const struct session *session)
{
	const struct service *settings = session->service->settings;
	const struct session_io *io = &session->io;
	struct address peer = session_peer(session);
	bool is_told = is_our_failure(io->error);
	char details[160] = "";
	int n = 0;
	const struct client_end end = {
		.is_session = true,
		.lived_us = (clock_ms() - session->started_ms) * 1000,
		.bytes_in = io->bytes_in,
		.bytes_out = io->bytes_out,
		.reason = reason_of(session),
		.details = details,
		.error = is_told || is_hang_up(io->error) || session->limit ? 0 : io->error,
	};

	if (is_told)
		log_lost(settings, &peer, io->error, "its session cannot go on");
	if (settings->log_on_success & RECORD_TRAFFIC)
		n = snprintf(details, sizeof(details),
			     ", %" PRIu64 " bytes in, %" PRIu64 " bytes out", io->bytes_in,
			     io->bytes_out);
	write_limit(details + n, sizeof(details) - (size_t)n, session);
	log_ended(settings, &peer, session->local, 0, &end);
}
