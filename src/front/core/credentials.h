#pragma once

/* As whom the client of a Unix socket runs. */

#include "config/client-set.h"

/*
 * Asks the kernel about the connection @fd. The groups are valid until the next call, for which
 * there is room once: only the main thread asks.
 */
struct credentials credentials_ask(int fd);
