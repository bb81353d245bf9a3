#pragma once

/* The user of the front, the number of its threads, and its poller. */

struct build_context;

void build_workers(struct build_context *context); /* before the services */
void build_front(struct build_context *context);   /* before the services */
void build_poller(struct build_context *context);  /* after the services */
