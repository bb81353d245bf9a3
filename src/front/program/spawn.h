#pragma once

/* Dispatch `spawn`: the keeper starts a program for each client. */

struct dispatch;

extern const struct dispatch spawn_dispatch;
