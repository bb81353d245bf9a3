#pragma once

/* The back end over epoll(7). The kernel keeps the set, so a turn costs what is ready. */

#include "net/poller-backend.h"

extern const struct poller_backend poller_epoll;
