#include "front/resend.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/core/uplink.h"
#include "front/front.h"

#define ASK_MS 250 /* so that all waiting descriptors come within a second after a shortage */

struct resend {
	struct list link;
	struct channel_message message;
};

static void forget(struct resend *resend)
{
	list_unlink(&resend->link);
	free(resend);
}

/* What identifies a message of @type. */
static struct channel_resend name_of(uint32_t type, const struct channel_message *message)
{
	if (type == CHANNEL_LISTENER)
		return (struct channel_resend){ type, message->listener.endpoint,
						message->listener.socket };
	if (type == CHANNEL_PROCESS)
		return (struct channel_resend){ type, message->process.service,
						message->process.index };
	return (struct channel_resend){ .type = type };
}

static struct resend *find(struct front *front, uint32_t type,
			   const struct channel_message *message)
{
	struct channel_resend wanted = name_of(type, message);

	list_for_each(at, following, &front->resend) {
		struct resend *resend = container_of(at, struct resend, link);

		struct channel_resend name = name_of(resend->message.type, &resend->message);

		if (name.type == wanted.type && name.owner == wanted.owner &&
		    name.number == wanted.number)
			return resend;
	}
	return NULL;
}

static void ask(struct timer *timer);

static void ask_later(struct front *front)
{
	if (!timer_is_set(&front->resend_timer))
		(void)timer_set(&front->resend_timer, front->context.timers, clock_ms() + ASK_MS,
				ask);
}

/* A halted front does not ask: the next front inherits all descriptors. */
static void ask(struct timer *timer)
{
	struct front *front = container_of(timer, struct front, resend_timer);

	list_for_each(at, following, &front->resend) {
		const struct channel_message *message =
			&container_of(at, struct resend, link)->message;

		if (front->context.mode != MODE_SERVING || uplink_is_blocked(&front->uplink))
			break;
		uplink_send(&front->uplink,
			    &(struct channel_message){
				    .type = CHANNEL_RESEND,
				    .resend = name_of(message->type, message),
			    },
			    -1);
	}
	if (list_is_linked(&front->resend) && front->context.mode < MODE_DRAINING)
		ask_later(front);
}

void resend_note(struct front *front, const struct channel_message *message, int error)
{
	struct resend *resend;

	if (front->context.mode >= MODE_DRAINING || find(front, message->type, message))
		return;
	resend = calloc(1, sizeof(*resend));
	if (!resend) {
		log_error(-ENOMEM, "cannot remember what the keeper sent");
		return;
	}
	if (!list_is_linked(&front->resend))
		log_warning(error, "cannot take a socket of the keeper, trying until it works");
	resend->message = *message;
	list_add_before(&front->resend, &resend->link);
	ask_later(front);
}

bool resend_settle(struct front *front, uint32_t type, const struct channel_message *message,
		   struct channel_message *out)
{
	struct resend *resend = find(front, type, message);

	if (!resend)
		return false;
	if (out)
		*out = resend->message;
	forget(resend);
	return true;
}

void resend_forget(struct front *front)
{
	list_for_each(at, following, &front->resend)
		forget(container_of(at, struct resend, link));
	timer_cancel(&front->resend_timer);
}
