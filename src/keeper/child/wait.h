#pragma once

/*
 * CHANNEL_WAIT: a program that takes over the listener, until it ends. With `at_stop = end` it gets
 * TERM when its service is no more. Otherwise it would serve clients that are no longer wanted, and
 * keep the address from whoever is to have it next.
 */

struct children;
struct generation;
struct request_kind;

extern const struct request_kind wait_request;

/* The keeper stops. */
void wait_stop(const struct children *children);

/* @generation serves from now on, and may not have all services and listeners of the one before. */
void wait_follow(const struct children *children, const struct generation *generation);
