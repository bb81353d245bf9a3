#pragma once

/*
 * The front is the process that faces the network. It accepts clients, admits them, runs built-in
 * services, and asks the keeper for programs. It has no privileges and owns no listener.
 *
 * struct front embeds the owners of all its state. Only the files of the top folder use it.
 */

#include "front/core/context.h"
#include "front/core/services.h"
#include "front/core/throttle.h"
#include "front/core/uplink.h"
#include "front/datagram/builtins.h"
#include "front/datagram/queue-drops.h"
#include "front/descriptors.h"
#include "front/pass/pass.h"
#include "front/program-log.h"
#include "front/program/spawn-datagram.h"
#include "net/timer.h"

struct startup;

struct front {
	struct context context;
	struct uplink uplink;
	struct throttle throttle;
	struct services services;
	struct queue_drops drops;

	/* The owners of the services of each dispatch kind. */
	struct builtins builtins;
	struct spawner spawner;
	struct pass pass;

	struct program_log program_log;
	struct descriptors descriptors;
	struct timer grace_timer; /* ends the clients that are left */
	struct timer log_timer;   /* set: the keeper was asked to connect the log */
};

/*
 * Runs in the process that the keeper has forked, with every signal blocked. Gives up privileges,
 * serves until the keeper tells it to drain or has gone, and returns the exit status.
 */
int front_main(const struct startup *startup);
