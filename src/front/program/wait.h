#pragma once

/*
 * Dispatch `wait`: somebody waits at the listener, so the keeper starts the program that
 * owns it, and the listener is not watched until that has ended. Who accepts or
 * receives is the program's business.
 */

struct dispatch;

extern const struct dispatch wait_dispatch;
