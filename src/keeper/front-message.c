#include "keeper/front-message.h"

#include <errno.h>

#include "channel/channel.h"
#include "keeper/child/front-requests.h"
#include "keeper/fronts/front.h"
#include "keeper/keeper.h"
#include "keeper/log-target.h"
#include "keeper/pool/pools.h"
#include "net/closer.h"

/* Whether a front in this state may send the message. */
static bool is_legal(const struct front *front, const struct channel_message *message)
{
	const struct channel_traits *type = channel_traits(message->type);

	return type->from_front && type->states & 1u << front->state;
}

int front_message(struct keeper *keeper, struct front *front, const struct channel_message *message,
		  int fd)
{
	if (!is_legal(front, message)) {
		closer_close(fd);
		return -EBADMSG;
	}
	switch (message->type) {
	case CHANNEL_READY:
		front_serves(front);
		return 0;
	case CHANNEL_HALTED:
		front_halted(front);
		return 0;
	case CHANNEL_ALIVE:
		front_alive(front);
		watchdog_answered(&keeper->watchdog);
		return 0;
	case CHANNEL_LOG_LOST:
		log_target_lend(front);
		return 0;
	case CHANNEL_RUINED:
		listener_table_verify_for_front(&keeper->listener_table);
		return 0;
	case CHANNEL_GROW:
	case CHANNEL_DISMISS:
		return pools_handle(front, message);
	default:
		return requests_handle(&keeper->requests, front, message, fd);
	}
}
