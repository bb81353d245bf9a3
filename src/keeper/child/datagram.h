#pragma once

/*
 * CHANNEL_DATAGRAM: a program for a datagram, which it reads from 0; its answers to the sender go
 * out of 1. Further datagrams of the same sender arrive on that socket: see unread.h.
 */

struct request_kind;

extern const struct request_kind datagram_request;
