/*
 * Throws whole lives of fronts at the keeper: messages one upon the other, between them what makes
 * the keeper busy with something else. It gives commands, is short of descriptors, is told
 * nothing, or meets the end of the channel with messages in it. Whatever happens,
 *
 * - the keeper believes nothing that a front may not say (hostile-front.h);
 * - it is silent for no longer than a second (silence.h);
 * - in the end no program, no descriptor and no request is left.
 */

#include <poll.h>

#include "hostile-descriptor.h"
#include "hostile-front.h"
#include "keeper-stage.h"
#include "silence.h"

#define TURNS_MAX 64

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct stage stage;
static struct step said[STEPS_MAX]; /* since the last turn, by this front */
static size_t n_said;
static unsigned n_at_rest; /* descriptors */

static void turn(void)
{
	silence_begin();
	stage_turn(&stage);
	silence_end();
}

static void turn_later(int64_t ms)
{
	silence_begin();
	stage_turn_later(&stage, ms);
	silence_end();
}

/* The front */

static void replace_front(void)
{
	n_said = 0;
	silence_begin();
	stage_close_front(&stage);
	stage_open_front(&stage);
	silence_end();
}

static bool has_unread(void)
{
	struct pollfd unread = { .fd = stage.front->channel.fd, .events = POLLIN };

	return !stage.front->channel.eof && poll(&unread, 1, 0) > 0;
}

/* Until the keeper has read all that was said. It ends the front if it must. */
static void listen_to_front(void)
{
	turn();
	for (int i = 0; i < TURNS_MAX && has_unread(); i++)
		turn();
	if (has_unread())
		n_said = 0; /* it is short of something */
	for (size_t i = 0; i < n_said; i++)
		front_check_ended(&said[i], stage.front->channel.eof);
	n_said = 0;
	if (stage.front->channel.eof)
		replace_front();
}

/* A front without a generation may speak of what is gone by now, so it is not judged. */
static void say(const struct step *step)
{
	if (front_say(&stage, step) && stage.front->generation)
		said[n_said++] = *step;
}

static void say_alone(const struct step *step)
{
	say(step);
	listen_to_front();
	stage_end_programs(&stage);
	hostile_end_clients();
}

/* Only @n numbers are free for a turn. What was said may be lost. */
static void be_short(unsigned n)
{
	struct rlimit limit, low;
	int fd = fcntl(0, F_DUPFD_CLOEXEC, 3);

	close(fd);
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		abort();
	low = limit;
	low.rlim_cur = (rlim_t)fd + n;
	(void)setrlimit(RLIMIT_NOFILE, &low);
	turn();
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	n_said = 0;
}

/* As a reload does with the front before. */
static void retire(void)
{
	if (!stage.front->generation)
		return;
	front_drain(stage.front, 0);
	front_retire(stage.front);
}

static void command(unsigned action)
{
	struct front *front = stage.front;

	if (action == HALT && front->state == FRONT_SERVING)
		front_halt(front);
	else if (action == RESUME)
		front_resume(front);
	else if (action == PING)
		front_ping(front);
	else if (action == DRAIN)
		front_drain(front, 1000);
	else if (action == RETIRE)
		retire();
}

static void take_step(const struct step *step)
{
	switch (step->action) {
	case TURN:
		listen_to_front();
		break;
	case HALT:
	case RESUME:
	case PING:
	case DRAIN:
	case RETIRE:
		listen_to_front();
		command(step->action);
		break;
	case SHORT:
		be_short(step->index % 8);
		break;
	case LATER:
		turn_later(step->index * 10);
		break;
	case REAP:
		hostile_end_clients(); /* a child may be the last to close */
		stage_end_launches(&stage);
		stage_end_programs(&stage);
		break;
	case LEAVE:
		replace_front();
		break;
	default:
		say(step);
	}
}

/* What is left */

static void come_to_rest(void)
{
	listen_to_front();
	do {
		hostile_end_clients(); /* a child may be the last to close */
		stage_end_launches(&stage);
		turn();
		stage_end_programs(&stage);
		turn_later(60000);
	} while (stage_is_busy(&stage));
	replace_front();
	turn();
	hostile_end_clients();
	stage_end_closing(&stage);
}

static void check_rest(void)
{
	for (size_t i = 0; i < N_SERVICES; i++)
		assert(stage_live(&stage, i) == 0);
	assert(!stage_listener(&stage, WAIT)->busy);
	assert(hostile_count_descriptors() == n_at_rest);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	front_begin_fuzz(argc, argv);
	if (log_open(LOG_TO_FILE, "/dev/null") < 0)
		abort();
	stage_open(&stage, hostile_services());
	silence_watch();
	front_each_near_miss(say_alone);
	come_to_rest();
	n_at_rest = hostile_count_descriptors();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	front_each_step(data, size, take_step);
	come_to_rest();
	check_rest();
	return 0;
}
