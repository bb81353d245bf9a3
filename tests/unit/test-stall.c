/* Requests that wait while the machine is short of something. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "keeper-stage.h"

#define LATER_MS 60000
#define WAITING_MAX 1024

/* By their numbers; each has one endpoint, of the same number. */
enum { WAIT, DATAGRAM };

static const char services[] =
	"service wait { listen = \"tcp:127.0.0.1:0\" exec = \"/bin/true\" dispatch = wait }\n"
	"service datagram { listen = \"udp:127.0.0.1:0\" exec = \"/bin/true\" }\n";

/* Memory for a child, that is; for a request there is some. */
static bool no_memory;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *__wrap_calloc(size_t n, size_t size)
{
	return no_memory ? NULL : __real_calloc(n, size);
}

/* Its descriptor finds no number on the way to the keeper. */
static bool no_descriptor;

int __real_channel_receive(int channel, struct channel_message *out, int *out_fd);
int __wrap_channel_receive(int channel, struct channel_message *out, int *out_fd);

int __wrap_channel_receive(int channel, struct channel_message *out, int *out_fd)
{
	*out_fd = -1;
	return no_descriptor ? -EMFILE : __real_channel_receive(channel, out, out_fd);
}

/* For more descriptors than an ordinary limit allows. */
static struct rlimit descriptors;

static int open_stage(void **state)
{
	struct rlimit all;

	if (getrlimit(RLIMIT_NOFILE, &descriptors) < 0)
		return -1;
	all = (struct rlimit){ .rlim_cur = descriptors.rlim_max, .rlim_max = descriptors.rlim_max };
	no_memory = no_descriptor = false;
	return setrlimit(RLIMIT_NOFILE, &all) < 0 ? -1 : stage_set_up(state, services);
}

static int close_stage(void **state)
{
	(void)stage_tear_down(state);
	return setrlimit(RLIMIT_NOFILE, &descriptors);
}

static void ask(struct stage *stage)
{
	const struct channel_message message = { .type = CHANNEL_WAIT };

	assert_int_equal(channel_send(stage->channel, &message, -1), 0);
	stage_turn(stage);
}

static void ask_for_datagram(struct stage *stage)
{
	struct channel_message message = { .type = CHANNEL_DATAGRAM,
					   .request.service = DATAGRAM,
					   .request.endpoint = DATAGRAM };
	int fd = memfd_create("datagram", MFD_ALLOW_SEALING);

	message.request.peer.length = sizeof(message.request.peer.in);
	message.request.peer.in.sin_family = AF_INET;
	message.request.peer.in.sin_port = htons(9);
	message.request.peer.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	assert_int_equal(channel_send(stage->channel, &message, fd), 0);
	close(fd);
	stage_turn(stage);
}

static void ask_in_vain(struct stage *stage)
{
	no_memory = true;
	ask(stage);
	no_memory = false;
}

/* Also lets what is launched then come to its end. */
static void let_time_pass(struct stage *stage)
{
	timers_run(stage->keeper.timers, clock_ms() + LATER_MS);
	stage_end_launches(stage);
	launches_look(&stage->keeper.launches);
}

static void assert_waits(const struct stage *stage)
{
	assert_true(list_is_linked(&stage->keeper.requests.shortage.waiting));
	assert_true(stage->keeper.fronts.paused);
	assert_true(timer_is_set(&stage->keeper.requests.shortage.timer));
	assert_int_equal(stage_live(stage, WAIT), 1);
}

static void assert_nothing_waits(const struct stage *stage)
{
	assert_false(list_is_linked(&stage->keeper.requests.shortage.waiting));
	assert_false(stage->keeper.fronts.paused);
	assert_false(timer_is_set(&stage->keeper.requests.shortage.timer));
}

static void test_request_waits_until_its_program_can_be_started(void **state)
{
	struct stage *stage = *state;

	ask_in_vain(stage);
	assert_waits(stage);
	let_time_pass(stage);
	assert_nothing_waits(stage);
	assert_int_equal(children_count(&stage->keeper.children), 1);
}

/* The keeper stops, and a request that was on the way comes after those were given up. */
static void test_request_after_others_were_given_up_waits_like_the_first(void **state)
{
	struct stage *stage = *state;

	ask_in_vain(stage);
	requests_give_up(&stage->keeper.requests);
	assert_int_equal(stage_live(stage, WAIT), 0);
	let_time_pass(stage);
	assert_nothing_waits(stage);

	ask_in_vain(stage);
	assert_waits(stage);
	let_time_pass(stage);
	assert_nothing_waits(stage);
}

/* From a front that goes on sending though it was told to pause. */
static void test_no_more_is_read_once_very_many_wait(void **state)
{
	struct stage *stage = *state;
	struct requests *requests = &stage->keeper.requests;

	if (descriptors.rlim_max < 2 * WAITING_MAX)
		skip();
	no_memory = true;
	for (int i = 0; i < WAITING_MAX; i++)
		ask_for_datagram(stage);
	assert_int_equal(stage_live(stage, DATAGRAM), WAITING_MAX);
	assert_false(reserve_fd_is_held(&stage->keeper.reserve));

	for (int i = 0; i < 3; i++)
		ask_for_datagram(stage);
	assert_int_equal(stage_live(stage, DATAGRAM), WAITING_MAX);
	assert_int_equal(requests->shortage.n_waiting, WAITING_MAX);

	requests_give_up(requests);
	let_time_pass(stage);
	for (int i = 0; i < 3; i++)
		stage_turn(stage);
	no_memory = false;
	assert_int_equal(stage_live(stage, DATAGRAM), 3);
}

static void test_request_whose_descriptor_finds_no_number_waits(void **state)
{
	struct stage *stage = *state;

	no_descriptor = true;
	ask_for_datagram(stage);
	stage_turn(stage);
	no_descriptor = false;
	assert_int_equal(stage_live(stage, DATAGRAM), 0);
	assert_false(stage->front->channel.eof);
	assert_true(stage->keeper.fronts.paused);

	let_time_pass(stage);
	assert_nothing_waits(stage);
	stage_turn(stage);
	assert_int_equal(stage_live(stage, DATAGRAM), 1);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		CASE(test_request_waits_until_its_program_can_be_started),
		CASE(test_request_after_others_were_given_up_waits_like_the_first),
		CASE(test_no_more_is_read_once_very_many_wait),
		CASE(test_request_whose_descriptor_finds_no_number_waits),
	};

	return cmocka_run_group_tests_name("stall", tests, NULL, NULL);
}
