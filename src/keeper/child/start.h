#pragma once

/* Starts the program that a request asks for, and settles accounts when it ends. */

struct child;
struct keeper;
struct request;
struct spawn_failure;

/*
 * Returns 0 when the program runs, or when it never will: then that is logged and
 * the fronts are told. A negative errno when the machine is short of something:
 * the request may be tried again. The request stays the caller's.
 */
int request_start(struct keeper *keeper, struct request *request);

/*
 * Its program will not be started: the step is logged with the program, and the fronts count one
 * fewer. How often a line is written is bounded; how many clients it stands for is said.
 */
void request_give_up(struct keeper *keeper, const struct request *request,
		     const struct spawn_failure *failure);

/* @status is as wait(2) gives it. Frees @child. */
void child_ended(struct keeper *keeper, struct child *child, int status);
