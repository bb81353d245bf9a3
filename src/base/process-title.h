#pragma once

/*
 * The title of this process, as ps(1) shows it. It is written over the arguments and the
 * environment that the process was started with, as other daemons do, so it costs no system call.
 * The name by which pgrep(1) finds the program stays.
 */

/*
 * Moves the environment out of the way. Whoever kept a pointer into the arguments, or into the
 * environment, must not use it any more. Titles do nothing before.
 */
void process_title_init(int argc, char **argv);

/* "superd: @title". What does not fit is cut. */
void process_title_set(const char *title);
