#pragma once

/* CHANNEL_SPAWN: a program for a connection, which it finds on 0, 1 and 2. */

struct request_kind;

extern const struct request_kind connection_request;
