#pragma once

/* Takes clients with connections from their listeners, admits them, and hands them on. */

struct watch;

/* For the watch of a struct front_listener, of every kind that has an admitted() function. */
void accept_on_ready(struct watch *watch);
