#pragma once

/*
 * The back end over select(2), for descriptors below FD_SETSIZE: its add() returns -ERANGE for
 * others. The sets are changed as watches change, so a turn copies a few words and looks at the
 * descriptors whose bit is set.
 */

#include "net/poller-backend.h"

extern const struct poller_backend poller_select;
