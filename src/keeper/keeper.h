#pragma once

/*
 * The keeper: holds what must not be lost (settings, listeners, children), forks
 * the front, starts programs, answers signals. It reads no byte from a client.
 */

#include <stdbool.h>
#include <sys/resource.h>

#include "channel/startup.h"

struct activation;
struct settings;

struct keeper_options {
	const char *path; /* the configuration, absolute */
	int port_base;    /* or -1: what the configuration says */
	bool privileged;  /* superd runs as root */
	bool foreground;
	struct rlimit descriptors; /* the limit that superd was started with */
	front_main_fn *front_main;

	/* Told once, when the first front serves. */
	void (*serving)(void);
};

/*
 * Serves until a signal says to stop, and returns the exit status. Takes over
 * @settings and the sockets in @activation. Expects every signal blocked and
 * disposed of by default.
 */
int keeper_run(const struct keeper_options *options, struct settings *settings,
	       struct activation *activation);
