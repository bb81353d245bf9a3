#pragma once

/*
 * The front is the process that faces the network. It accepts clients, admits them, runs built-in
 * services, and asks the keeper for programs. It has no privileges and owns no listener.
 */

struct startup;

/*
 * Runs in the process that the keeper has forked, with every signal blocked. Gives up privileges,
 * serves until the keeper tells it to drain or has gone, and returns the exit status.
 */
int front_main(const struct startup *startup);
