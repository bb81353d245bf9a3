#pragma once

/*
 * The options: the name of each, where it may stand, which values it takes, and with what it has an
 * effect. The table is the grammar of superd.conf. Values are stored as they are written, in a
 * struct root or a struct draft. build-service.c decides what they mean together.
 */

#include <stddef.h>

#include "config/option.h"

/* Traits of endpoints; an option needs one of them at most. */
enum {
	ENDPOINT_TCP = 1 << 0,
	ENDPOINT_UDP = 1 << 1,
	ENDPOINT_IP = 1 << 2,
	ENDPOINT_CONNECTIONS = 1 << 3,
	ENDPOINT_SOCKET_FILE = 1 << 4,
	ENDPOINT_IPV6 = 1 << 5,
};

extern const struct option schema_options[OPTION_COUNT];

/* The number of the option, or -1. */
int schema_find(const char *name, size_t length);

/* The option that may stand in @where and has the most similar name, or NULL. */
const char *schema_nearest(const char *name, unsigned where);
