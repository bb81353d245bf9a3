#pragma once

/* The control messages of datagrams: which of our addresses one was sent to. */

#include <stdbool.h>
#include <sys/socket.h>

#include "net/address.h"

/* Room for what the kernel tells about one datagram: both families' words, if need be. */
#define PACKET_CONTROL_SIZE 128

/* Whether datagrams to @bound may have been sent to any of several addresses. */
bool packet_is_wildcard(const struct address *bound);

/* Sets the host of @local to the address that the datagram was sent to, where that is told. */
void packet_local(const struct msghdr *received, struct address *local);

/*
 * Turns the control messages of a received datagram into those of its answer, in place: it
 * leaves from the address that was asked.
 */
void packet_make_reply(struct msghdr *message);
