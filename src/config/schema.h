#pragma once

/*
 * The options: their names, where each may stand, what it takes, what it is for. The table is the
 * grammar of superd.conf; values are stored as they are written, in a struct root or a struct
 * draft, and what they mean together is decided in build-service.c.
 */

#include <stddef.h>

#include "config/option.h"

/* Traits of endpoints. */
enum {
	ENDPOINT_TCP = 1 << 0,
	ENDPOINT_UDP = 1 << 1,
	ENDPOINT_IP = 1 << 2,
	ENDPOINT_CONNECTIONS = 1 << 3,
	ENDPOINT_SOCKET_FILE = 1 << 4,
};

extern const struct option schema_options[OPTION_COUNT];

/* The number of the option, or -1. */
int schema_find(const char *name, size_t length);

/* The known name that is most like @name among those that may stand in @where, or NULL. */
const char *schema_nearest(const char *name, unsigned where);
