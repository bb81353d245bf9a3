#pragma once

/* CHANNEL_WAIT: a program that takes over the listener, until it ends. */

struct request_kind;

extern const struct request_kind wait_request;
