/*
 * What a pool decides. Nothing is forked: the test plays the start of a process, kill(2), the
 * clock, what a process uses, and hears what the fronts would be told.
 */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "config/settings.h"
#include "keeper/child/child.h"
#include "keeper/exec/launches.h"
#include "keeper/fronts/fronts.h"
#include "keeper/fronts/reserve-fd.h"
#include "keeper/pool/notices.h"
#include "keeper/pool/pool-start.h"
#include "keeper/pool/pool.h"
#include "keeper/pool/pools.h"
#include "keeper/service/generation.h"
#include "net/listener.h"
#include "settings-from-text.h"

#define PROCESSES_MAX 256
#define S 1000 /* a second, in the time of the test */

static const char plain[] = "service x { listen = \"tcp:127.0.0.1:0\" exec = \"/bin/true\"\n"
			    "dispatch = pool processes = {2, 4} idle_exit = 1s }\n";
static const char waits[] = "service x { listen = \"tcp:127.0.0.1:0\" exec = \"/bin/true\"\n"
			    "dispatch = pool processes = {2, 4} ready = notify\n"
			    "ready_timeout = 5s }\n";
static const char other[] = "service x { listen = \"tcp:127.0.0.1:0\" exec = \"/bin/false\"\n"
			    "dispatch = pool processes = {1, 4} ready = notify }\n";

static struct {
	int64_t now_ms;
	pid_t last_pid;
	struct process *processes[PROCESSES_MAX]; /* by number of the start, NULL once ended */
	unsigned n_started;
	struct launch launch; /* of the last */
	int start_error;      /* 0: starts succeed */
	enum spawn_step start_step;
	unsigned n_not_started;
	int last_signal[PROCESSES_MAX];
	int64_t cpu_ns;
	unsigned n_told;
	unsigned told_ready;
	bool told_may_grow;

	struct timers *timers;
	struct launches launches;
	struct children children;
	struct fronts fronts;
	struct reserve_fd reserve;
	struct service_records records;
	struct pools pools;
	struct listener listener;
	struct bound_listener bound;
	unsigned n_verified;
} scene;

int64_t __wrap_clock_ms(void);
int __wrap_kill(pid_t pid, int signal);
int __wrap_usage_of(pid_t pid, struct usage *out);
int __wrap_pool_start(struct pool *pool, const struct launch_events *events, struct process **out,
		      struct spawn_failure *out_failure);
void __wrap_notices_pool(struct fronts *fronts, const struct pool_handle *pool, unsigned ready,
			 bool may_grow);
void __wrap_failures_note(struct failures *failures, struct service_record *record,
			  const struct service *service, const struct address *peer,
			  const struct spawn_failure *failure);
void __wrap_listener_table_verify(struct bound_listener *bound);

void __wrap_listener_table_verify(struct bound_listener *bound)
{
	assert_ptr_equal(bound, &scene.bound);
	scene.n_verified++;
}

int64_t __wrap_clock_ms(void)
{
	return scene.now_ms;
}

/* The number of the start is the process id less 1000. */
static unsigned number_of(pid_t pid)
{
	assert_in_range(pid, 1000, 1000 + PROCESSES_MAX - 1);
	return (unsigned)pid - 1000;
}

int __wrap_kill(pid_t pid, int signal)
{
	scene.last_signal[number_of(pid)] = signal;
	return 0;
}

int __wrap_usage_of(pid_t pid, struct usage *out)
{
	*out = (struct usage){ .cpu_ns = scene.cpu_ns, .descriptors = 4 };
	return 0;
}

int __wrap_pool_start(struct pool *pool, const struct launch_events *events, struct process **out,
		      struct spawn_failure *out_failure)
{
	struct process *process;
	struct child *child;

	if (scene.start_error) {
		*out_failure = (struct spawn_failure){ .step = scene.start_step,
						       .error = scene.start_error };
		return -scene.start_error;
	}
	child = child_new();
	assert_non_null(child);
	child->pid = 1000 + (pid_t)scene.n_started;
	child->record = pool->handle.record;
	process = process_new(&pool->handle, &pool->counts, child);
	assert_non_null(process);
	process->launch.service = pool_service(pool);
	children_add(&scene.children, child);
	assert_true(scene.n_started < PROCESSES_MAX);
	scene.launch = (struct launch){ .events = events, .owner = child };
	child->launch = &scene.launch;
	*out = scene.processes[scene.n_started++] = process;
	return 0;
}

void __wrap_notices_pool(struct fronts *fronts, const struct pool_handle *pool, unsigned ready,
			 bool may_grow)
{
	scene.n_told++;
	scene.told_ready = ready;
	scene.told_may_grow = may_grow;
}

void __wrap_failures_note(struct failures *failures, struct service_record *record,
			  const struct service *service, const struct address *peer,
			  const struct spawn_failure *failure)
{
	scene.n_not_started++;
}

/* What a reload would load: a generation of one service, whose listener is always the same. */
static struct generation *generation_of(const char *text)
{
	struct generation *generation = calloc(1, sizeof(*generation));

	generation->references = 1;
	generation->settings = settings_from_text(text);
	generation->n_bound = generation->n_records = 1;
	generation->listeners = calloc(1, sizeof(*generation->listeners));
	generation->listeners[0] = &scene.listener;
	generation->bound = calloc(1, sizeof(*generation->bound));
	generation->bound[0] = &scene.bound;
	generation->records = calloc(1, sizeof(*generation->records));
	generation->pools = calloc(1, sizeof(*generation->pools));
	generation->programs = calloc(1, sizeof(*generation->programs));
	assert_int_equal(service_records_take(&scene.records, "x", &generation->records[0]), 0);
	return generation;
}

static void free_generation(struct generation *generation)
{
	pool_handle_unref(generation->pools[0]);
	settings_free(generation->settings);
	free(generation->listeners);
	free(generation->bound);
	free(generation->records);
	free(generation->pools);
	free(generation->programs);
	free(generation);
}

/* Every launch is over before the next turn. */
static void turn(void)
{
	timers_run(scene.timers, scene.now_ms);
	pools_settle(&scene.pools);
	while (scene.launch.events) {
		scene.launch.events->executed(&scene.launch);
		scene.launch.events = NULL;
		pools_settle(&scene.pools);
	}
}

static void pass_time(int64_t ms)
{
	for (int64_t until = scene.now_ms + ms; scene.now_ms < until;) {
		scene.now_ms += 10;
		turn();
	}
}

/* The process has ended, and was reaped. */
static void end_with(unsigned number, int64_t lived_ms, int status)
{
	struct child *child = scene.processes[number]->child;

	scene.processes[number] = NULL;
	children_remove(&scene.children, child);
	child->ended(child, status, lived_ms * 1000);
	turn();
}

static void end(unsigned number, int64_t lived_ms)
{
	end_with(number, lived_ms, 0);
}

static unsigned count_ended(int signal)
{
	unsigned n = 0;

	for (unsigned i = 0; i < scene.n_started; i++)
		n += scene.last_signal[i] == signal;
	return n;
}

static void load(struct generation *generation)
{
	assert_int_equal(pools_take(&scene.pools, generation), 0);
	pools_follow(&scene.pools, generation);
	turn();
}

static struct pool *pool_in(const struct generation *generation)
{
	return pool_of(generation->pools[0]);
}

static int set_up(void **state, const char *text)
{
	static struct generation *generation;

	memset(&scene, 0, sizeof(scene));
	scene.now_ms = 1000 * S;
	children_init(&scene.children);
	list_init(&scene.fronts.list);
	list_init(&scene.fronts.unreported);
	if (timers_new(&scene.timers) < 0)
		return -1;
	launches_init(&scene.launches, scene.timers);
	scene.pools = (struct pools){
		.timers = scene.timers,
		.launches = &scene.launches,
		.children = &scene.children,
		.fronts = &scene.fronts,
		.reserve = &scene.reserve,
	};
	pools_init(&scene.pools);
	generation = generation_of(text);
	load(generation);
	*state = generation;
	return log_open(LOG_TO_FILE, "/dev/null");
}

static int open_plain(void **state)
{
	return set_up(state, plain);
}

static int open_waits(void **state)
{
	return set_up(state, waits);
}

static int tear_down(void **state)
{
	scene.pools.stopping = true;
	for (unsigned i = 0; i < scene.n_started; i++)
		if (scene.processes[i])
			end(i, 60 * S);
	free_generation(*state);
	service_records_fini(&scene.records);
	launches_fini(&scene.launches);
	timers_free(scene.timers);
	return 0;
}

static void test_min_processes_are_started_and_another_for_one_that_ended(void **state)
{
	assert_int_equal(scene.n_started, 2);
	pass_time(20 * S);
	assert_int_equal(scene.n_started, 2);
	end(0, 20 * S);
	assert_int_equal(scene.n_started, 3);
}

static void test_demand_starts_one_more_at_a_time_up_to_max(void **state)
{
	struct pool *pool = pool_in(*state);

	pass_time(S);
	pool_grow(pool);
	pool_grow(pool);
	turn();
	assert_int_equal(scene.n_started, 3);
	pass_time(S / 2);
	pool_grow(pool);
	turn();
	assert_int_equal(scene.n_started, 4);
	pass_time(S / 2);
	assert_false(pool_may_grow(pool));
	pool_grow(pool);
	turn();
	assert_int_equal(scene.n_started, 4);
}

static void test_demand_is_answered_even_if_nothing_changes(void **state)
{
	unsigned before;

	pass_time(S);
	pool_in(*state)->generation->settings->services[0].pool.max = 2;
	pool_grow(pool_in(*state));
	turn();
	before = scene.n_told;
	pool_grow(pool_in(*state));
	turn();
	assert_int_equal(scene.n_told, before + 1);
	assert_false(scene.told_may_grow);
	assert_int_equal(scene.n_started, 2);
}

static void test_no_more_are_young_than_have_settled(void **state)
{
	assert_false(pool_may_grow(pool_in(*state)));
	assert_int_equal(scene.told_ready, 2);
	pass_time(200);
	assert_true(pool_may_grow(pool_in(*state)));
	assert_true(scene.told_may_grow);
}

static void test_what_fails_at_once_is_started_again_after_growing_pauses(void **state)
{
	pass_time(20 * S);
	end(0, 10);
	assert_int_equal(scene.n_started, 2);
	pass_time(S - 20);
	assert_int_equal(scene.n_started, 2);
	pass_time(40);
	assert_int_equal(scene.n_started, 3);
	end(2, 10);
	pass_time(2 * S - 20);
	assert_int_equal(scene.n_started, 3);
	pass_time(40);
	assert_int_equal(scene.n_started, 4);
}

static void test_a_program_that_ran_for_a_moment_is_started_again_sooner(void **state)
{
	pass_time(20 * S);
	end(0, 500);
	pass_time(80);
	assert_int_equal(scene.n_started, 2);
	pass_time(40);
	assert_int_equal(scene.n_started, 3);
	end(2, 500);
	pass_time(180);
	assert_int_equal(scene.n_started, 3);
	pass_time(40);
	assert_int_equal(scene.n_started, 4);
}

static void test_a_process_that_its_client_has_ended_is_replaced_at_once(void **state)
{
	pass_time(20 * S);
	for (unsigned i = 0; i < 40; i++) {
		end_with(i, 10, SIGPIPE);
		pass_time(20);
		assert_int_equal(scene.n_started, 3 + i);
	}
}

static void test_a_process_that_was_ready_is_replaced_at_once(void **state)
{
	for (unsigned i = 0; i < 40; i++) {
		pool_process_ready(scene.processes[i]);
		end(i, 10);
		pass_time(20);
		assert_int_equal(scene.n_started, 3 + i);
	}
}

static void test_many_that_end_soon_do_not_put_off_the_next_start(void **state)
{
	pass_time(20 * S);
	end_with(0, 10, SIGPIPE);
	pass_time(10);
	end_with(1, 10, SIGPIPE);
	assert_int_equal(scene.n_started, 3);
	pass_time(10);
	assert_int_equal(scene.n_started, 4);
}

static void test_a_long_life_resets_the_pauses(void **state)
{
	pass_time(20 * S);
	end(0, 10);
	pass_time(2 * S);
	end(1, 30 * S);
	pass_time(S);
	pool_in(*state)->forgives = 0;
	end(2, 10);
	pass_time(S + 20);
	assert_int_equal(scene.n_started, 5);
}

/* A client may have made them end. But a program that came up once may be broken by now. */
static void test_a_program_that_came_up_is_given_the_benefit_of_the_doubt_for_a_time(void **state)
{
	pass_time(20 * S);
	end(0, 2 * S);
	for (unsigned i = 0; i < 200; i++) {
		end(1 + i, 10);
		pass_time(20);
		assert_int_equal(scene.n_started, 4 + i);
	}
	end(201, 10);
	pass_time(S - 20);
	assert_int_equal(scene.n_started, 203);
	pass_time(40);
	assert_int_equal(scene.n_started, 204);
}

static void test_a_program_that_cannot_be_started_is_reported_and_tried_again(void **state)
{
	pass_time(20 * S);
	scene.start_error = EACCES;
	scene.start_step = SPAWN_EXEC;
	end(0, 20 * S);
	assert_int_equal(scene.n_not_started, 1);
	pass_time(S - 20);
	assert_int_equal(scene.n_not_started, 1);
	pass_time(40);
	assert_int_equal(scene.n_not_started, 2);
}

static void test_a_shortage_is_no_failure_and_tried_again_soon(void **state)
{
	scene.start_error = EAGAIN;
	scene.start_step = SPAWN_PROCESS;
	pass_time(20 * S);
	end(0, 20 * S);
	pass_time(10 * S);
	assert_int_equal(scene.n_not_started, 0);
	scene.start_error = 0;
	pass_time(S / 2 + 20);
	assert_int_equal(scene.n_started, 3);
}

static void test_an_unbound_listener_starts_nothing(void **state)
{
	pass_time(S);
	scene.listener.fd = -1;
	end(0, 20 * S);
	assert_int_equal(scene.n_started, 2);
	scene.listener.fd = 0;
	pools_on_bound(&scene.pools, &scene.bound);
	turn();
	/* Also for the process that has another socket. */
	assert_int_equal(scene.n_started, 4);
}

static void test_listeners_are_looked_at_when_a_process_has_ended(void **state)
{
	pass_time(S);
	assert_int_equal(scene.n_verified, 0);
	end(0, 20 * S);
	assert_int_equal(scene.n_verified, 1);
}

static void test_processes_with_a_ruined_socket_are_replaced(void **state)
{
	struct bound_listener another = { 0 };

	pass_time(S);
	pools_on_bound(&scene.pools, &another);
	assert_int_equal(count_ended(SIGTERM), 0);
	pools_on_bound(&scene.pools, &scene.bound);
	assert_int_equal(count_ended(SIGTERM), 2);
	turn();
	assert_int_equal(scene.n_started, 4);
}

static void test_idle_processes_are_ended_down_to_min(void **state)
{
	pass_time(S / 2);
	pool_grow(pool_in(*state));
	pass_time(S / 2);
	pool_grow(pool_in(*state));
	for (int i = 0; i < 20; i++) {
		scene.cpu_ns++;
		pass_time(S / 10);
	}
	assert_int_equal(scene.n_started, 4);
	assert_int_equal(count_ended(SIGTERM), 0);
	pass_time(3 * S);
	assert_int_equal(count_ended(SIGTERM), 2);
	pass_time(10 * S);
	assert_int_equal(count_ended(SIGTERM), 2);
}

static void test_a_process_counts_as_ready_once_it_says_so(void **state)
{
	assert_int_equal(scene.n_started, 2);
	pass_time(S);
	assert_int_equal(scene.told_ready, 0);
	pool_process_ready(scene.processes[0]);
	turn();
	assert_int_equal(scene.told_ready, 1);
	pool_process_ready(scene.processes[0]);
	turn();
	assert_int_equal(scene.told_ready, 1);
}

static void test_a_process_not_ready_in_time_is_ended_and_then_killed(void **state)
{
	pool_process_ready(scene.processes[1]);
	pass_time(5 * S - 20);
	assert_int_equal(scene.last_signal[0], 0);
	pass_time(40);
	assert_int_equal(scene.last_signal[0], SIGTERM);
	assert_int_equal(scene.last_signal[1], 0);
	pass_time(5 * S);
	assert_int_equal(scene.last_signal[0], SIGKILL);
	end(0, 10 * S);
	pass_time(S / 2);
	assert_int_equal(pool_in(*state)->respawn.failures, 1);
}

static void test_a_replaced_pool_serves_until_min_of_the_next_are_ready(void **state)
{
	struct generation *next = generation_of(other), *old = *state;

	pass_time(S);
	load(next);
	*state = next;
	free_generation(old);
	pass_time(10 * S);
	assert_int_equal(count_ended(SIGTERM), 0);
	assert_int_equal(scene.n_started, 3);
	pool_process_ready(scene.processes[2]);
	turn();
	assert_int_equal(scene.last_signal[0], SIGTERM);
	assert_int_equal(scene.last_signal[1], SIGTERM);
	assert_int_equal(scene.last_signal[2], 0);
}

static void test_an_unchanged_service_keeps_its_processes(void **state)
{
	struct generation *next = generation_of(plain), *old = *state;

	pass_time(S);
	load(next);
	*state = next;
	free_generation(old);
	pass_time(S);
	assert_int_equal(scene.n_started, 2);
	assert_int_equal(count_ended(SIGTERM), 0);
}

static void test_a_stop_ends_all_and_starts_none(void **state)
{
	pass_time(S);
	pools_stop(&scene.pools);
	assert_int_equal(count_ended(SIGTERM), 2);
	end(0, 20 * S);
	pass_time(S);
	assert_int_equal(scene.n_started, 2);
}

/* The fronts may name a process that has ended, and whose index is another's by now. */
static void test_a_dismissal_is_for_the_process_that_has_the_pid(void **state)
{
	struct process *meant = scene.processes[1];

	pool_dismiss(pool_in(*state), meant->index, meant->child->pid + 100);
	assert_int_equal(count_ended(SIGTERM), 0);
	pool_dismiss(pool_in(*state), meant->index, meant->child->pid);
	assert_int_equal(count_ended(SIGTERM), 1);
	assert_int_equal(scene.last_signal[1], SIGTERM);
}

int main(void)
{
#define WITH(open, test) cmocka_unit_test_setup_teardown(test, open, tear_down)
	const struct CMUnitTest tests[] = {
		WITH(open_plain, test_min_processes_are_started_and_another_for_one_that_ended),
		WITH(open_plain, test_demand_starts_one_more_at_a_time_up_to_max),
		WITH(open_plain, test_demand_is_answered_even_if_nothing_changes),
		WITH(open_plain, test_no_more_are_young_than_have_settled),
		WITH(open_plain, test_what_fails_at_once_is_started_again_after_growing_pauses),
		WITH(open_plain, test_a_program_that_ran_for_a_moment_is_started_again_sooner),
		WITH(open_plain, test_a_process_that_its_client_has_ended_is_replaced_at_once),
		WITH(open_waits, test_a_process_that_was_ready_is_replaced_at_once),
		WITH(open_plain, test_many_that_end_soon_do_not_put_off_the_next_start),
		WITH(open_plain, test_a_long_life_resets_the_pauses),
		WITH(open_plain,
		     test_a_program_that_came_up_is_given_the_benefit_of_the_doubt_for_a_time),
		WITH(open_plain, test_a_program_that_cannot_be_started_is_reported_and_tried_again),
		WITH(open_plain, test_a_shortage_is_no_failure_and_tried_again_soon),
		WITH(open_plain, test_an_unbound_listener_starts_nothing),
		WITH(open_plain, test_listeners_are_looked_at_when_a_process_has_ended),
		WITH(open_plain, test_processes_with_a_ruined_socket_are_replaced),
		WITH(open_plain, test_idle_processes_are_ended_down_to_min),
		WITH(open_waits, test_a_process_counts_as_ready_once_it_says_so),
		WITH(open_waits, test_a_process_not_ready_in_time_is_ended_and_then_killed),
		WITH(open_plain, test_a_replaced_pool_serves_until_min_of_the_next_are_ready),
		WITH(open_plain, test_an_unchanged_service_keeps_its_processes),
		WITH(open_plain, test_a_stop_ends_all_and_starts_none),
		WITH(open_plain, test_a_dismissal_is_for_the_process_that_has_the_pid),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
