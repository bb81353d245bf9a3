#pragma once

/*
 * Dispatch `wait`: somebody waits at the listener, so the keeper starts the program that
 * owns it, and the listener is not watched until that has ended. Who accepts or
 * receives is the program's business.
 */

struct channel_message;
struct front_listener;
struct watch;

/* Allocates what a listener of dispatch `wait` needs. Returns 0 or -ENOMEM. */
int wait_prepare(struct front_listener *listener);

/* Frees it; harmless on other listeners. */
void wait_forget(struct front_listener *listener);

/* For the watch of such a listener. */
void wait_on_ready(struct watch *watch);

/* CHANNEL_RELEASED: the program has ended. */
void wait_released(struct front_listener *listener, const struct channel_message *message);
