#include "front/missed.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/requests.h"
#include "front/state.h"

#define ASK_MS 250 /* a shortage that is over is over for everybody within a second */

struct missed {
	struct list link;
	struct channel_message message;
};

static void forget(struct missed *missed)
{
	list_unlink(&missed->link);
	free(missed);
}

static struct missed *find(struct front *front, uint32_t type,
			   const struct channel_message *message)
{
	list_for_each(at, following, &front->missed) {
		struct missed *missed = container_of(at, struct missed, link);

		if (missed->message.type == type && missed->message.service == message->service &&
		    missed->message.endpoint == message->endpoint &&
		    missed->message.count == message->count)
			return missed;
	}
	return NULL;
}

static void ask(struct timer *timer);

static void ask_later(struct front *front)
{
	if (!front->missed_timer.place)
		(void)timer_set(&front->missed_timer, front->timers, clock_ms() + ASK_MS, ask);
}

/* Halted, a front says nothing: the next one is born with all of it. */
static void ask(struct timer *timer)
{
	struct front *front = container_of(timer, struct front, missed_timer);

	list_for_each(at, following, &front->missed) {
		const struct channel_message *message =
			&container_of(at, struct missed, link)->message;

		if (front->halted || front->blocked)
			break;
		requests_send(front,
			      &(struct channel_message){
				      .type = CHANNEL_MISSED,
				      .service = message->service,
				      .endpoint = message->endpoint,
				      .count = message->count,
				      .status = (int32_t)message->type,
			      },
			      -1);
	}
	if (list_is_linked(&front->missed) && !front->draining)
		ask_later(front);
}

void missed_note(struct front *front, const struct channel_message *message, int error)
{
	struct missed *missed;

	if (front->draining || find(front, message->type, message))
		return;
	missed = calloc(1, sizeof(*missed));
	if (!missed) {
		log_error(-ENOMEM, "cannot remember what the keeper sent");
		return;
	}
	if (!list_is_linked(&front->missed))
		log_warning(error, "cannot take a socket of the keeper, trying until it works");
	missed->message = *message;
	list_add_before(&front->missed, &missed->link);
	ask_later(front);
}

bool missed_settle(struct front *front, uint32_t type, const struct channel_message *message,
		   struct channel_message *out)
{
	struct missed *missed = find(front, type, message);

	if (!missed)
		return false;
	if (out)
		*out = missed->message;
	forget(missed);
	return true;
}

void missed_forget(struct front *front)
{
	list_for_each(at, following, &front->missed)
		forget(container_of(at, struct missed, link));
	timer_cancel(&front->missed_timer);
}
