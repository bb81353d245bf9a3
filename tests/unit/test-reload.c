/* The steps of a reload: their order, their limits, and the way back. The steps themselves are
 * fakes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "keeper/fronts/front.h"
#include "keeper/fronts/fronts.h"
#include "keeper/fronts/reserve-fd.h"
#include "keeper/reload.h"
#include "keeper/service/generation.h"
#include "keeper/service/service-record.h"
#include "net/poller.h"
#include "net/timer.h"

#define REHEARSAL_LIMIT_MS 30000
#define HALT_STEP_MS 250
#define HALT_STEPS 4
#define START_LIMIT_MS 10000
#define ALMOST_MS 1000

/* Nobody has these numbers: processes are neither started nor killed. */
#define REHEARSAL_PID 1000001
#define OLD_PID 1000002
#define NEW_PID 1000003

static struct {
	struct timers *timers;
	struct poller *poller;
	struct reserve_fd reserve;
	struct service_records records;
	struct fronts fronts;
	struct reload reload;
	struct generation present, next;
	struct front *old, *new;
	int old_end, new_end; /* of their channels */
	pid_t killed;
	int rehearse_error, prepare_error, start_error;
	int64_t passed_ms;
	char steps[32]; /* that were taken, a letter each */
} scene;

int __wrap_kill(pid_t pid, int number);

int __wrap_kill(pid_t pid, int number)
{
	assert_int_equal(number, SIGKILL);
	scene.killed = pid;
	return 0;
}

static void step(char letter)
{
	size_t n = strlen(scene.steps);

	assert_true(n < sizeof(scene.steps) - 1);
	scene.steps[n] = letter;
}

static pid_t rehearse(struct reload *reload)
{
	step('r');
	return scene.rehearse_error ? scene.rehearse_error : REHEARSAL_PID;
}

static int prepare(struct reload *reload, int status, struct generation **out)
{
	step('p');
	if (status != 0 || scene.prepare_error)
		return -EINVAL;
	*out = generation_ref(&scene.next);
	return 0;
}

static void leave(struct reload *reload, struct front *front)
{
	assert_ptr_equal(front, scene.old);
	step('l');
}

static struct front *add_front(struct generation *generation, pid_t pid, int *out_end)
{
	struct front *front;

	assert_int_equal(fronts_prepare(&scene.fronts, generation, &front, out_end), 0);
	front->pid = pid;
	fronts_add(&scene.fronts, front);
	return front;
}

static int start_front(struct reload *reload, struct front **out)
{
	step('f');
	if (scene.start_error)
		return scene.start_error;
	*out = scene.new = add_front(reload->next, NEW_PID, &scene.new_end);
	return 0;
}

static void serve(struct reload *reload, struct generation *next)
{
	assert_ptr_equal(next, &scene.next);
	generation_unref(next);
	step('s');
}

static void stay(struct reload *reload)
{
	step('<');
}

static void go_back(struct reload *reload)
{
	step('b');
}

static void finish(struct reload *reload)
{
	step(reload->failed ? '-' : '+');
}

static void end(pid_t pid)
{
	scene.killed = pid;
}

static const struct reload_steps steps = {
	.rehearse = rehearse,
	.prepare = prepare,
	.leave = leave,
	.start_front = start_front,
	.serve = serve,
	.stay = stay,
	.go_back = go_back,
	.finish = finish,
	.end = end,
};

static void on_gone(struct front *front)
{
	reload_lost_front(&scene.reload, front);
}

static const struct fronts_events events = { .on_gone = on_gone };

static int open_scene(void **state)
{
	memset(&scene, 0, sizeof(scene));
	scene.new_end = -1;
	/* Never freed. */
	scene.present.references = scene.next.references = 1;
	if (timers_new(&scene.timers) < 0 || poller_new(&scene.poller, POLLER_EPOLL) < 0)
		return -1;
	reserve_fd_init(&scene.reserve, STDIN_FILENO);
	fronts_init(&scene.fronts, scene.poller, &scene.reserve, &scene.records, &events);
	reload_init(&scene.reload, "superd.conf", scene.timers, &scene.fronts, &steps);
	scene.old = add_front(&scene.present, OLD_PID, &scene.old_end);
	front_serves(scene.old);
	scene.fronts.current = scene.old;
	return log_open(LOG_TO_FILE, "/dev/null");
}

static int close_scene(void **state)
{
	reload_fini(&scene.reload);
	fronts_fini(&scene.fronts);
	reserve_fd_fini(&scene.reserve);
	close(scene.old_end);
	if (scene.new_end >= 0)
		close(scene.new_end);
	timers_free(scene.timers);
	poller_free(scene.poller);
	/* Nothing has kept what it had. */
	return scene.present.references == 1 && scene.next.references == 1 ? 0 : -1;
}

static void let_pass(int64_t ms)
{
	timers_run(scene.timers, clock_ms() + ms);
}

/* The process of @front is gone, and its channel is at its end. */
static void lose(struct front *front)
{
	front_reaped(front, SIGKILL);
	front->channel.eof = true;
	fronts_forget_ended(&scene.fronts);
}

static void rehearsed(int status)
{
	assert_true(reload_reaped(&scene.reload, REHEARSAL_PID, status));
}

static void halted(void)
{
	front_halted(scene.old);
	reload_settle(&scene.reload);
}

static void assert_told(int front_end, enum channel_type type)
{
	struct channel_message message;
	int fd;

	assert_int_equal(channel_receive(front_end, &message, &fd), 1);
	assert_int_equal(message.type, type);
}

/* With @letters as the steps that were taken. */
static void assert_goes_on_as_before(const char *letters)
{
	assert_string_equal(scene.steps, letters);
	assert_int_equal(scene.reload.state, RELOAD_NONE);
	assert_false(timer_is_set(&scene.reload.limit));
	assert_true(scene.reload.failed);
	assert_ptr_equal(scene.fronts.current, scene.old);
	assert_int_equal(scene.old->state, FRONT_SERVING);

	/* And the next one is begun. */
	scene.rehearse_error = 0;
	reload_begin(&scene.reload);
	assert_int_equal(scene.reload.state, RELOAD_REHEARSING);
}

static void test_new_front_takes_over_when_the_old_one_has_stopped(void **state)
{
	reload_begin(&scene.reload);
	assert_string_equal(scene.steps, "r");
	rehearsed(0);
	assert_told(scene.old_end, CHANNEL_HALT);
	reload_settle(&scene.reload);
	assert_string_equal(scene.steps, "rpl");
	halted();
	reload_settle(&scene.reload);
	assert_string_equal(scene.steps, "rplf");
	assert_ptr_equal(scene.fronts.current, scene.old);
	front_serves(scene.new);
	reload_settle(&scene.reload);
	assert_string_equal(scene.steps, "rplfs+");
	assert_ptr_equal(scene.fronts.current, scene.new);
	assert_told(scene.old_end, CHANNEL_DRAIN);
	assert_null(scene.old->generation);
	assert_false(scene.reload.failed);
	assert_false(timer_is_set(&scene.reload.limit));
}

static void test_files_that_cannot_be_tried_change_nothing(void **state)
{
	scene.rehearse_error = -EAGAIN;
	reload_begin(&scene.reload);
	assert_goes_on_as_before("r<-");
}

static void test_files_with_errors_change_nothing(void **state)
{
	reload_begin(&scene.reload);
	rehearsed(1 << 8);
	assert_goes_on_as_before("rp<-");
}

/* Whether @line is in the log @file, which is removed. */
static bool was_logged(const char *file, const char *line)
{
	char text[1024] = "";
	FILE *log = fopen(file, "r");
	size_t n;

	assert_non_null(log);
	n = fread(text, 1, sizeof(text) - 1, log);
	text[n] = '\0';
	(void)fclose(log);
	(void)unlink(file);
	return strstr(text, line);
}

static void test_a_rehearsal_that_hangs_is_killed(void **state)
{
	char file[] = "/tmp/superd-test-reload-XXXXXX";
	int fd = mkstemp(file);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(log_open(LOG_TO_FILE, file), 0);
	reload_begin(&scene.reload);
	let_pass(REHEARSAL_LIMIT_MS - ALMOST_MS);
	assert_int_equal(scene.killed, 0);
	let_pass(REHEARSAL_LIMIT_MS);
	assert_int_equal(scene.killed, REHEARSAL_PID);
	assert_true(was_logged(file, "loading 'superd.conf' takes longer than 30 s; giving up\n"));
	rehearsed(SIGKILL);
	assert_goes_on_as_before("rp<-");
}

static void let_halt_steps_pass(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		scene.passed_ms += HALT_STEP_MS;
		let_pass(scene.passed_ms);
	}
}

/* Else it would keep its services, also those that are removed. */
static void test_an_old_front_that_does_not_halt_is_killed(void **state)
{
	reload_begin(&scene.reload);
	rehearsed(0);
	let_halt_steps_pass(HALT_STEPS - 1);
	assert_int_equal(scene.killed, 0);
	let_halt_steps_pass(1);
	assert_int_equal(scene.killed, OLD_PID);
	assert_string_equal(scene.steps, "rpl");

	lose(scene.old);
	reload_settle(&scene.reload);
	assert_string_equal(scene.steps, "rplf");
	front_serves(scene.new);
	reload_settle(&scene.reload);
	assert_string_equal(scene.steps, "rplfs+");
	assert_ptr_equal(scene.fronts.current, scene.new);
}

/* All timers are due when the machine goes on. */
static void test_a_pause_of_the_machine_is_not_the_fault_of_the_old_front(void **state)
{
	reload_begin(&scene.reload);
	rehearsed(0);
	let_pass(1000000);
	assert_int_equal(scene.killed, 0);
	halted();
	assert_string_equal(scene.steps, "rplf");
}

static void test_an_old_front_that_not_even_ends_is_not_waited_for(void **state)
{
	reload_begin(&scene.reload);
	rehearsed(0);
	let_halt_steps_pass(2 * HALT_STEPS - 1);
	assert_string_equal(scene.steps, "rpl");
	let_halt_steps_pass(1);
	assert_string_equal(scene.steps, "rplf");
	front_serves(scene.new);
	reload_settle(&scene.reload);
	assert_int_equal(scene.old->state, FRONT_DRAINING);
	/* It may ask for nothing any more. */
	assert_null(scene.old->generation);
}

static void test_an_old_front_that_dies_is_not_waited_for(void **state)
{
	reload_begin(&scene.reload);
	rehearsed(0);
	lose(scene.old);
	reload_settle(&scene.reload);
	assert_string_equal(scene.steps, "rplf");
}

static void test_between_two_fronts_there_is_nobody_to_stop(void **state)
{
	lose(scene.old);
	reload_begin(&scene.reload);
	rehearsed(0);
	assert_string_equal(scene.steps, "rpf");
}

static void test_a_new_front_that_cannot_be_started_changes_nothing(void **state)
{
	scene.start_error = -EAGAIN;
	reload_begin(&scene.reload);
	rehearsed(0);
	halted();
	assert_told(scene.old_end, CHANNEL_HALT);
	assert_told(scene.old_end, CHANNEL_RESUME);
	assert_goes_on_as_before("rplfb<-");
}

static void test_a_new_front_that_hangs_is_killed_and_the_old_one_resumes(void **state)
{
	reload_begin(&scene.reload);
	rehearsed(0);
	halted();
	let_pass(START_LIMIT_MS - ALMOST_MS);
	assert_int_equal(scene.killed, 0);
	let_pass(START_LIMIT_MS);
	assert_int_equal(scene.killed, NEW_PID);

	lose(scene.new);
	assert_told(scene.old_end, CHANNEL_HALT);
	assert_told(scene.old_end, CHANNEL_RESUME);
	assert_goes_on_as_before("rplfb<-");
}

static void test_one_that_is_asked_for_meanwhile_comes_afterwards(void **state)
{
	reload_begin(&scene.reload);
	reload_begin(&scene.reload);
	rehearsed(1 << 8);
	assert_string_equal(scene.steps, "rp<-");
	reload_again(&scene.reload);
	assert_string_equal(scene.steps, "rp<-r");
	rehearsed(1 << 8);
	reload_again(&scene.reload);
	assert_int_equal(scene.reload.state, RELOAD_NONE);
}

static void test_other_processes_are_not_the_rehearsal(void **state)
{
	assert_false(reload_reaped(&scene.reload, OLD_PID, 0));
	reload_begin(&scene.reload);
	assert_false(reload_reaped(&scene.reload, OLD_PID, 0));
	assert_int_equal(scene.reload.state, RELOAD_REHEARSING);
}

static void test_nothing_follows_once_superd_stops(void **state)
{
	reload_begin(&scene.reload);
	reload_begin(&scene.reload);
	reload_abort(&scene.reload);
	assert_int_equal(scene.killed, REHEARSAL_PID);
	rehearsed(0);
	reload_again(&scene.reload);
	assert_string_equal(scene.steps, "r");
	assert_int_equal(scene.old->state, FRONT_SERVING);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, open_scene, close_scene)
	const struct CMUnitTest tests[] = {
		CASE(test_new_front_takes_over_when_the_old_one_has_stopped),
		CASE(test_files_that_cannot_be_tried_change_nothing),
		CASE(test_files_with_errors_change_nothing),
		CASE(test_a_rehearsal_that_hangs_is_killed),
		CASE(test_an_old_front_that_does_not_halt_is_killed),
		CASE(test_a_pause_of_the_machine_is_not_the_fault_of_the_old_front),
		CASE(test_an_old_front_that_not_even_ends_is_not_waited_for),
		CASE(test_an_old_front_that_dies_is_not_waited_for),
		CASE(test_between_two_fronts_there_is_nobody_to_stop),
		CASE(test_a_new_front_that_cannot_be_started_changes_nothing),
		CASE(test_a_new_front_that_hangs_is_killed_and_the_old_one_resumes),
		CASE(test_one_that_is_asked_for_meanwhile_comes_afterwards),
		CASE(test_other_processes_are_not_the_rehearsal),
		CASE(test_nothing_follows_once_superd_stops),
	};

	return cmocka_run_group_tests_name("reload", tests, NULL, NULL);
}
