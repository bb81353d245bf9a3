#include "front/program/datagram-queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* For one service. The default buffer of a socket has less than a tenth of that. */
#define COUNT_MAX 4096
#define BYTES_MAX (4 * 1024 * 1024)

static struct packet *copy_of(const struct packet *packet)
{
	struct packet *copy = malloc(sizeof(*copy) + packet->n);

	if (!copy)
		return NULL;
	*copy = *packet;
	copy->next = NULL;
	copy->bytes = memcpy(copy->copy, packet->bytes, packet->n);
	return copy;
}

int datagram_queue_push(struct datagram_queue *queue, const struct packet *packet)
{
	struct packet *copy;

	if (queue->n == COUNT_MAX || queue->bytes + packet->n > BYTES_MAX)
		return -ENOBUFS;
	copy = copy_of(packet);
	if (!copy)
		return -ENOMEM;

	if (queue->last)
		queue->last->next = copy;
	else
		queue->first = copy;
	queue->last = copy;
	queue->n++;
	queue->bytes += packet->n;
	return 0;
}

struct packet *datagram_queue_pop(struct datagram_queue *queue)
{
	struct packet *packet = queue->first;

	if (!packet)
		return NULL;
	queue->first = packet->next;
	if (!queue->first)
		queue->last = NULL;
	queue->n--;
	queue->bytes -= packet->n;
	return packet;
}
