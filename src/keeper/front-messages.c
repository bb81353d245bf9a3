#include "keeper/front-messages.h"

#include <errno.h>

#include <stddef.h>

#include "base/fd.h"
#include "channel/channel.h"
#include "keeper/fronts/front.h"
#include "keeper/pool/pools.h"
#include "keeper/keeper.h"

typedef int handler_fn(struct keeper *keeper, struct front *front,
		       const struct channel_message *message);

static int on_ready(struct keeper *keeper, struct front *front,
		    const struct channel_message *message)
{
	front_serves(front);
	return 0;
}

static int on_halted(struct keeper *keeper, struct front *front,
		     const struct channel_message *message)
{
	front_halted(front);
	return 0;
}

static int on_alive(struct keeper *keeper, struct front *front,
		    const struct channel_message *message)
{
	front_alive(front);
	return 0;
}

static int on_pool(struct keeper *keeper, struct front *front,
		   const struct channel_message *message)
{
	return pools_handle(front, message);
}

/* All other messages are requests for programs. */
static const struct {
	enum channel_type type;
	handler_fn *handle;
} handlers[] = {
	{ CHANNEL_READY, on_ready }, { CHANNEL_HALTED, on_halted }, { CHANNEL_ALIVE, on_alive },
	{ CHANNEL_GROW, on_pool },   { CHANNEL_DISMISS, on_pool },
};

int front_messages_handle(struct front *front, const struct channel_message *message, int fd)
{
	struct keeper *keeper = container_of(front->fronts, struct keeper, fronts);
	const struct channel_traits *type = channel_traits(message->type);

	if (!type->from_front || !(type->states & 1u << front->state)) {
		if (fd >= 0)
			fd_discard(fd);
		return -EBADMSG;
	}
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (handlers[i].type == message->type)
			return handlers[i].handle(keeper, front, message);
	return requests_handle(&keeper->requests, front, message, fd);
}
