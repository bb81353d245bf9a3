#pragma once

/*
 * Dispatch `wait`: when a client waits, the keeper starts the program, which owns the listener and
 * accepts or receives by itself. Until the program has ended, the listener is not watched.
 */

struct dispatch;

extern const struct dispatch wait_dispatch;
