#pragma once

/* What a line of log is made of, and where it may go. For log.h and log-sink.h. */

#include <stdbool.h>
#include <stdint.h>

enum log_target {
	LOG_TO_PLAIN, /* messages alone on standard error, which may wait; before log_open() */
	LOG_TO_STDERR,
	LOG_TO_JOURNAL,
	LOG_TO_SYSLOG,
	LOG_TO_FILE,
};

/* How a client or a program has ended. */
struct log_end {
	int64_t duration_us; /* -1: not said */
	const int *status;   /* of its program, as wait(2) gives it, or NULL */
	bool has_traffic;
	uint64_t bytes_in;
	uint64_t bytes_out;
};

/* What the journal stores as fields of their own. Any of them may be NULL, and @pid 0. */
struct log_fields {
	const char *service;
	const char *event;
	const char *remote_addr;
	const char *remote_port;
	const char *server_addr;
	const char *server_port;
	const char *reason;
	long pid; /* of a program */
	const struct log_end *end;
};

struct log_line {
	int level;                       /* a priority of syslog(3) */
	const struct log_fields *fields; /* or NULL */
	const char *text;                /* one line, without its end */
};
