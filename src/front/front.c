#include "front/front.h"

#include <sysexits.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/privileges.h"
#include "base/wipe.h"
#include "channel/startup.h"
#include "front/commands.h"
#include "front/confinement.h"
#include "front/program/pool.h"
#include "front/program/spawn.h"
#include "front/program/wait.h"

#define LOG_AGAIN_MS 1000

static int on_bound(struct services *services, const struct listener *listener)
{
	struct front *front = container_of(services, struct front, services);

	return builtins_guard(&front->builtins, listener);
}

static int init_services(struct front *front)
{
	const struct service_kind kinds[] = {
		[DISPATCH_SESSION] = { &builtins_dispatch, &front->builtins },
		[DISPATCH_SPAWN] = { &spawn_dispatch, &front->spawner },
		[DISPATCH_WAIT] = { &wait_dispatch, NULL },
		[DISPATCH_POOL] = { &pool_dispatch, NULL },
		[DISPATCH_PASS] = { &pass_dispatch, &front->pass },
	};

	return services_init(&front->services, &front->context, kinds, on_bound);
}

/* Initialises what cannot fail, so that front_fini() can be called at any time. */
static void reset(struct front *front, const struct startup *startup)
{
	*front = (struct front){
		.context = { .startup = startup,
			     .uplink = &front->uplink,
			     .throttle = &front->throttle },
	};
	uplink_init(&front->uplink, startup->channel, &commands_uplink);
	throttle_init(&front->throttle, &front->context);
	spawner_init(&front->spawner, &front->drops, &front->builtins.guard);
	pass_init(&front->pass, &front->context);
	program_log_init(&front->program_log, &front->context);
}

static int start_owners(struct front *front)
{
	struct context *context = &front->context;
	int r;

	r = poller_new(&context->poller, context->startup->settings->poller);
	if (r < 0)
		return r;
	r = timers_new(&context->timers);
	if (r < 0)
		return r;
	r = queue_drops_init(&front->drops, context->poller, context->timers);
	if (r < 0)
		return r;
	return builtins_init(&front->builtins, context, &front->drops);
}

static int front_init(struct front *front, const struct startup *startup)
{
	int r;

	reset(front, startup);
	descriptors_init(&front->descriptors, startup);
	r = start_owners(front);
	if (r < 0)
		return r;
	r = init_services(front);
	if (r < 0)
		return r;
	r = pass_start(startup, front->services.services);
	if (r < 0)
		return r;
	r = services_start(&front->services);
	if (r < 0)
		return r;
	program_log_start(&front->program_log);
	return uplink_start(&front->uplink, front->context.poller, front->context.timers);
}

/* Copes with a half-built front. The keeper's @startup is not freed. */
static void front_fini(struct front *front)
{
	timer_cancel(&front->log_timer);
	program_log_stop(&front->program_log);
	builtins_stop(&front->builtins);
	services_fini(&front->services);
	spawner_fini(&front->spawner);
	builtins_fini(&front->builtins);
	queue_drops_fini(&front->drops);
	throttle_fini(&front->throttle);
	uplink_fini(&front->uplink);
	timers_free(front->context.timers);
	poller_free(front->context.poller);
}

/* Whether a draining front may end. */
static bool is_over(const struct front *front)
{
	return front->context.mode == MODE_DRAINING && front->builtins.sessions.count == 0 &&
	       pass_is_over(&front->pass) && !uplink_has_request(&front->uplink);
}

static void on_log_timer(struct timer *timer)
{
	/* The end of this turn asks again. */
}

/*
 * The front may not connect to a journal or syslog that was started anew. Lines are dropped, and
 * counted, until the keeper has sent a connection.
 */
static void ask_for_log(struct front *front)
{
	if (!log_is_lost() || timer_is_set(&front->log_timer))
		return;
	uplink_answer(&front->uplink, CHANNEL_LOG_LOST);
	(void)timer_set(&front->log_timer, front->context.timers, clock_ms() + LOG_AGAIN_MS,
			on_log_timer);
}

static void end_turn(struct front *front)
{
	ask_for_log(front);
	pass_report(&front->pass);
	if (is_over(front))
		front->context.mode = MODE_OVER;
}

static int serve(struct front *front)
{
	const struct context *context = &front->context;

	uplink_answer(&front->uplink, CHANNEL_READY);
	while (context->mode != MODE_OVER) {
		int r;

		r = poller_run(context->poller, timers_wait_ms(context->timers, clock_ms()));
		if (r < 0)
			return log_error(r, "cannot wait for clients");
		timers_run(context->timers, clock_ms());
		end_turn(front);
	}
	return 0;
}

static int drop_privileges(const struct privileges_user *user)
{
	enum privileges_step step;
	int r = privileges_drop(user, &step);

	if (r == 0)
		return 0;
	switch (step) {
	case PRIVILEGES_BOUNDING_SET:
		return log_error(r, "cannot drop the capability bounding set");
	case PRIVILEGES_USER:
		return log_error(r, "cannot become the front's user");
	case PRIVILEGES_CAPABILITIES:
		return log_error(r, "cannot drop capabilities");
	case PRIVILEGES_ARE_GONE:
		break;
	}
	return log_error(r, "privileges are still there after they were dropped");
}

int front_main(const struct startup *startup)
{
	static struct front front;
	int r;

	wipe_stack();
	wipe_environment();
	log_use_lent();
	log_leave_connecting();
	address_ask_names_by(startup->channel);
	confinement_leave_files(startup->settings);
	r = drop_privileges(&startup->settings->front.user);
	if (r < 0)
		return EX_OSERR;

	r = front_init(&front, startup);
	if (r < 0)
		log_error(r, "cannot prepare to serve");
	else
		r = confinement_enter(startup->settings);
	if (r == 0)
		r = serve(&front);
	front_fini(&front);
	return r < 0 ? EX_OSERR : 0;
}
