#pragma once

/* What a line of log is made of, and where it may go. For log.h and log-sink.h. */

enum log_target {
	LOG_TO_PLAIN, /* messages alone on standard error, which may wait; before log_open() */
	LOG_TO_STDERR,
	LOG_TO_JOURNAL,
	LOG_TO_SYSLOG,
	LOG_TO_FILE,
};

/* What the journal stores as fields of their own. Any of them may be NULL. */
struct log_fields {
	const char *service;
	const char *event;
	const char *remote_addr;
	const char *remote_port;
};

struct log_line {
	int level;                       /* a priority of syslog(3) */
	const struct log_fields *fields; /* or NULL */
	const char *text;                /* one line, without its end */
};
