#pragma once

/*
 * Who may come, and what becomes of those who may not: each is counted by the reason, and logged.
 * What decides is in admission.h; here the kernel and the clock are asked.
 */

#include <stdbool.h>

struct address;
struct front_service;

/* Counts and logs a client that is refused because the service is full, or by its rate. */
void access_refuse_full(const struct front_service *service, const struct address *peer);

/*
 * Whether the client may come. If not, it is counted and logged. @fd is its connection, or -1 for a
 * datagram. Of datagrams one in a second is logged: whoever forges senders could fill the log.
 */
bool access_allows(struct front_service *service, int fd, const struct address *peer);

/*
 * The same for a datagram, for any thread. It is counted, and not logged. Where it may come, it has
 * taken a token of the rate.
 */
bool access_allows_quietly(const struct front_service *service, const struct address *peer);
