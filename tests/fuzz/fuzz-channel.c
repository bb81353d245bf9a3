/*
 * Throws messages at the keeper as a front that was taken over would send them: every field,
 * with descriptors of every kind, one message after the other. What the keeper must not believe
 * ends the front. What it believes starts programs that end at once; then nothing may be left,
 * and no count may be wrong.
 */

#include "hostile-descriptor.h"
#include "hostile-front.h"
#include "keeper-stage.h"
#include "silence.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct stage stage;

static void turn(void)
{
	silence_begin();
	stage_turn(&stage);
	silence_end();
}

/* Also of what children that ended have left to start. */
static void settle(void)
{
	turn();
	while (stage_is_busy(&stage)) {
		hostile_end_clients(); /* a child may be the last to close */
		stage_end_launches(&stage);
		turn();
		stage_end_programs(&stage);
		turn();
	}
}

static void replace_front(void)
{
	stage_close_front(&stage);
	stage_open_front(&stage);
}

static void take_step(const struct step *step)
{
	bool sent = front_say(&stage, step);

	settle();
	front_check_ended(step, !sent || stage.front->channel.eof);
	if (stage.front->channel.eof)
		replace_front();
	hostile_end_clients();
	stage_end_closing(&stage);
}

/* A message that is refused is no start for a fuzzer. */
static void check_honest(void)
{
	const struct step *steps;
	size_t n = front_honest_steps(&steps);

	for (size_t i = 0; i < n; i++) {
		assert(front_say(&stage, &steps[i]) && !front_may_not_say(&steps[i]));
		settle();
		assert(!stage.front->channel.eof);
	}
	replace_front();
	stage_end_closing(&stage);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	front_begin_fuzz(argc, argv);
	if (log_open(LOG_TO_FILE, "/dev/null") < 0)
		abort();
	stage_open(&stage, hostile_services());
	silence_watch();
	check_honest();
	front_each_near_miss(take_step);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned descriptors = hostile_count_descriptors();

	front_each_step(data, size, take_step);

	for (size_t i = 0; i < N_SERVICES; i++)
		assert(stage_live(&stage, i) == 0);
	assert(!stage_listener(&stage, WAIT)->busy);
	replace_front();
	stage_end_closing(&stage);
	assert(hostile_count_descriptors() == descriptors);
	return 0;
}
