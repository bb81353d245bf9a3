#pragma once

/* Built-ins over datagrams: received and answered in batches, within the guards. */

struct front_listener;
struct watch;

/* For the watch of a listener with datagrams for a built-in. */
void datagram_on_ready(struct watch *watch);

/* Tells the guards the port of a listener of this kind, once it is bound; ignores others. */
void datagram_guard_own_port(struct front_listener *listener);
