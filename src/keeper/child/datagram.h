#pragma once

/*
 * CHANNEL_DATAGRAM: a program for a datagram. It reads the datagram from descriptor 0, and sends
 * answers on 1. Further datagrams of the same sender arrive on that socket: see unread.h.
 */

struct request_kind;

extern const struct request_kind datagram_request;
