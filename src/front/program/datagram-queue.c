#include "front/program/datagram-queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "front/state.h"

/* For one service. The default buffer of a socket has less than a tenth of that. */
#define COUNT_MAX 4096
#define BYTES_MAX (4 * 1024 * 1024)

struct pending {
	struct packet *first;
	struct packet *last;
	unsigned n;
	size_t bytes;
};

static struct pending *pending_of(struct front_service *service)
{
	if (!service->pending) {
		service->pending = calloc(1, sizeof(*service->pending));
		if (service->pending)
			list_add_before(&service->front->pending, &service->pending_link);
	}
	return service->pending;
}

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

int pending_push(struct front_service *service, const struct packet *packet)
{
	AUTO(auto_free) struct packet *copy = copy_of(packet);
	struct pending *pending = copy ? pending_of(service) : NULL;

	if (!pending)
		return -ENOMEM;
	if (pending->n == COUNT_MAX || pending->bytes + packet->n > BYTES_MAX)
		return -ENOBUFS;

	if (pending->last)
		pending->last->next = copy;
	else
		pending->first = copy;
	pending->last = take_ptr(copy);
	pending->n++;
	pending->bytes += packet->n;
	return 0;
}

struct packet *pending_pop(struct front_service *service)
{
	struct pending *pending = service->pending;
	struct packet *packet = pending->first;

	pending->first = packet->next;
	pending->n--;
	pending->bytes -= packet->n;
	if (!pending->first) {
		list_unlink(&service->pending_link);
		free(take_ptr(service->pending));
	}
	return packet;
}
