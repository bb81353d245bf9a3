#pragma once

/* The control messages of datagrams: which of our addresses one was sent to. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "net/address.h"

/* Room for what the kernel tells about one datagram: both families' words, if need be. */
#define PACKET_CONTROL_SIZE 128

/* Sets the host of @local to the address that the datagram was sent to, where that is told. */
void packet_local(const struct msghdr *received, struct address *local);

/* Whether the kernel told how many datagrams it has dropped for want of room, since ever. */
bool packet_drops(const struct msghdr *received, uint32_t *out);

/* Whether it was sent to a broadcast or multicast address, where that is told. */
bool packet_is_to_many(const struct msghdr *received);

/*
 * Turns the control messages of a received datagram into those of its answer, in place: it
 * leaves from the address that was asked.
 */
void packet_make_reply(struct msghdr *message);
