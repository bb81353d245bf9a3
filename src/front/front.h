#pragma once

/*
 * The front: faces the network. It accepts, admits, runs built-in sessions, and
 * asks the keeper for programs. It holds no privileges and owns no listener.
 */

struct startup;

/*
 * Gives up privileges, serves until the keeper says to drain or goes away, and returns the exit
 * status. Runs in the process that the keeper forked, with every signal blocked.
 */
int front_main(const struct startup *startup);
