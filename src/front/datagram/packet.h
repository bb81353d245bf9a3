#pragma once

/* The control messages of a datagram, which say to which address of this machine it was sent. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "net/address.h"

/* Room for all control messages of one datagram, of both families. */
#define PACKET_CONTROL_SIZE 128

/* Sets the host of @local to the address that the datagram was sent to, if that is known. */
void packet_local(const struct msghdr *received, struct address *local);

/* Gets how many datagrams the kernel has dropped so far on a full queue. False: not known. */
bool packet_drops(const struct msghdr *received, uint32_t *out);

/* Whether the datagram is known to have been sent to a broadcast or multicast address. */
bool packet_is_to_many(const struct msghdr *received);

/*
 * Turns the control messages of a received datagram, in place, into those of its answer: the answer
 * is sent from the address that the datagram was sent to.
 */
void packet_make_reply(struct msghdr *message);
