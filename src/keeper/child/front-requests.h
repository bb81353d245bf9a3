#pragma once

/*
 * Requests as a front sends them: they are checked and counted. What becomes of them then is in
 * requests.h.
 *
 * A kind of request is added by one file, which defines its struct request_kind, and by one row of
 * the table in front-requests.c.
 */

struct channel_message;
struct front;
struct requests;

/*
 * Acts on a request of @front, and takes over @fd. Returns 0, or -EBADMSG for a request that no
 * honest front sends.
 */
int requests_handle(struct requests *requests, struct front *front,
		    const struct channel_message *message, int fd);
