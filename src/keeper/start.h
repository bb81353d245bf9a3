#pragma once

/* Starts the program that a request asks for, and settles accounts when it ends. */

struct child;
struct keeper;
struct request;

/*
 * Returns 0 when the program runs, or when it never will: then that is logged and
 * the fronts are told. A negative errno when the machine is short of something:
 * the request may be tried again. The request stays the caller's.
 */
int request_start(struct keeper *keeper, struct request *request);

/* @status is as wait(2) gives it. Frees @child. */
void child_ended(struct keeper *keeper, struct child *child, int status);
