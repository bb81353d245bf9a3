#pragma once

/* Who the front is, how many threads it has, and how it watches its sockets. */

struct build_context;

void build_workers(struct build_context *context); /* before the services */
void build_front(struct build_context *context);
void build_poller(struct build_context *context); /* after the services */
