#include "front/pending.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "front/state.h"

/* Of a service. What one socket holds by default is less than a tenth of it. */
#define COUNT_MAX 4096
#define BYTES_MAX (4 * 1024 * 1024)

struct pending {
	struct packet *first;
	struct packet *last;
	unsigned n;
	size_t bytes;
};

int pending_push(struct front_service *service, const struct packet *packet)
{
	struct pending *pending = service->pending;
	struct packet *copy;

	if (!pending) {
		pending = calloc(1, sizeof(*pending));
		if (!pending)
			return -ENOMEM;
		service->pending = pending;
		list_add_before(&service->front->pending, &service->pending_link);
	}
	if (pending->n == COUNT_MAX || pending->bytes + packet->n > BYTES_MAX)
		return -ENOBUFS;

	copy = malloc(sizeof(*copy) + packet->n);
	if (!copy)
		return -ENOMEM;
	*copy = *packet;
	copy->next = NULL;
	copy->bytes = memcpy(copy->copy, packet->bytes, packet->n);
	if (pending->last)
		pending->last->next = copy;
	else
		pending->first = copy;
	pending->last = copy;
	pending->n++;
	pending->bytes += packet->n;
	return 0;
}

struct packet *pending_pop(struct front_service *service)
{
	struct pending *pending = service->pending;
	struct packet *packet = pending->first;

	if (packet) {
		pending->first = packet->next;
		if (!pending->first)
			pending->last = NULL;
		pending->n--;
		pending->bytes -= packet->n;
	}
	if (!pending->first) {
		list_unlink(&service->pending_link);
		free(pending);
		service->pending = NULL;
	}
	return packet;
}
