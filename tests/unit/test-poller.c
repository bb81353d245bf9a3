#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "net/poller.h"

/* For what is ready already: only where it is not seen does one wait so long. */
#define PATIENCE_MS 5000

struct probe {
	struct watch watch;
	struct probe *victim;
	unsigned seen;
	int calls;
};

static struct poller *poller;
static struct probe a, b; /* they outlive the poller */
static int pair[2];

static void count(struct watch *watch)
{
	struct probe *probe = container_of(watch, struct probe, watch);

	probe->calls++;
	probe->seen = watch->ready;
}

static void remove_victim(struct watch *watch)
{
	count(watch);
	watch_remove(&container_of(watch, struct probe, watch)->victim->watch);
}

static void pause_victim(struct watch *watch)
{
	count(watch);
	assert_int_equal(watch_change(&container_of(watch, struct probe, watch)->victim->watch, 0),
			 0);
}

static void remove_itself(struct watch *watch)
{
	count(watch);
	watch_remove(watch);
}

static int set_up(void **state)
{
	const enum poller_kind *kind = *state;

	a = (struct probe){ 0 };
	b = (struct probe){ 0 };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -1;
	return poller_new(&poller, *kind);
}

static int tear_down(void **state)
{
	poller_free(poller);
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static void test_readiness_is_reported_until_it_is_gone(void **state)
{
	char byte;

	assert_int_equal(watch_add(&a.watch, poller, pair[0], WATCH_READ, count), 0);
	assert_int_equal(poller_run(poller, 0), 0);
	assert_int_equal(a.calls, 0);

	assert_int_equal(write(pair[1], "x", 1), 1);
	assert_int_equal(poller_run(poller, PATIENCE_MS), 0);
	assert_int_equal(poller_run(poller, PATIENCE_MS), 0);
	assert_int_equal(a.calls, 2);
	assert_int_equal(a.seen, WATCH_READ);

	assert_int_equal(read(pair[0], &byte, 1), 1);
	assert_int_equal(poller_run(poller, 0), 0);
	assert_int_equal(a.calls, 2);
}

static void test_both_directions_are_one_call(void **state)
{
	assert_int_equal(write(pair[1], "x", 1), 1);
	assert_int_equal(watch_add(&a.watch, poller, pair[0], WATCH_READ | WATCH_WRITE, count), 0);
	assert_int_equal(poller_run(poller, PATIENCE_MS), 0);
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.seen, WATCH_READ | WATCH_WRITE);
}

static void test_only_what_is_wanted_is_reported(void **state)
{
	assert_int_equal(write(pair[1], "x", 1), 1);
	assert_int_equal(watch_add(&a.watch, poller, pair[0], WATCH_WRITE, count), 0);
	assert_int_equal(poller_run(poller, PATIENCE_MS), 0);
	assert_int_equal(a.seen, WATCH_WRITE);

	assert_int_equal(watch_change(&a.watch, WATCH_READ), 0);
	assert_int_equal(poller_run(poller, PATIENCE_MS), 0);
	assert_int_equal(a.seen, WATCH_READ);
}

static void test_a_paused_watch_is_silent_even_at_a_hang_up(void **state)
{
	assert_int_equal(watch_add(&a.watch, poller, pair[0], 0, count), 0);
	close(pair[1]);
	pair[1] = -1;
	assert_int_equal(poller_run(poller, 0), 0);
	assert_int_equal(a.calls, 0);

	assert_int_equal(watch_change(&a.watch, WATCH_READ), 0);
	assert_int_equal(poller_run(poller, PATIENCE_MS), 0);
	assert_int_equal(a.calls, 1);

	assert_int_equal(watch_change(&a.watch, 0), 0);
	assert_int_equal(poller_run(poller, 0), 0);
	assert_int_equal(a.calls, 1);
}

static void add_two(watch_fn *fn)
{
	a.victim = &b;
	b.victim = &a;
	assert_int_equal(watch_add(&a.watch, poller, pair[0], WATCH_WRITE, fn), 0);
	assert_int_equal(watch_add(&b.watch, poller, pair[1], WATCH_WRITE, fn), 0);
}

static void test_removed_watch_is_not_called(void **state)
{
	add_two(remove_victim);
	assert_int_equal(poller_run(poller, 0), 0);
	assert_int_equal(a.calls + b.calls, 1);
}

static void test_watch_paused_in_the_same_turn_is_not_called(void **state)
{
	add_two(pause_victim);
	assert_int_equal(poller_run(poller, 0), 0);
	assert_int_equal(a.calls + b.calls, 1);
}

static void test_a_watch_may_free_itself_and_be_added_again(void **state)
{
	struct probe *probe = calloc(1, sizeof(*probe));

	assert_non_null(probe);
	assert_int_equal(watch_add(&probe->watch, poller, pair[0], WATCH_WRITE, remove_itself), 0);
	assert_int_equal(poller_run(poller, 0), 0);
	assert_int_equal(poller_run(poller, 0), 0);
	assert_int_equal(probe->calls, 1);

	assert_int_equal(watch_add(&probe->watch, poller, pair[0], WATCH_WRITE, remove_itself), 0);
	assert_int_equal(poller_run(poller, 0), 0);
	assert_int_equal(probe->calls, 2);
	watch_remove(&probe->watch);
	free(probe);
}

static void test_one_descriptor_has_one_watch(void **state)
{
	assert_int_equal(watch_add(&a.watch, poller, pair[0], WATCH_READ, count), 0);
	assert_int_equal(watch_add(&b.watch, poller, pair[0], WATCH_READ, count), -EEXIST);
	assert_null(b.watch.poller);
	watch_remove(&b.watch);
}

static void test_many_watches_are_called_once_a_turn(void **state)
{
	enum { N = 100 };
	static struct probe many[N];
	int fds[N];

	memset(many, 0, sizeof(many));
	for (int i = 0; i < N; i++) {
		fds[i] = fcntl(pair[0], F_DUPFD_CLOEXEC, 3);
		assert_true(fds[i] >= 0);
		assert_int_equal(watch_add(&many[i].watch, poller, fds[i], WATCH_WRITE, count), 0);
	}

	assert_int_equal(poller_run(poller, 0), 0);
	for (int i = 0; i < N; i++)
		assert_int_equal(many[i].calls, 1);

	for (int i = 0; i < N; i += 2)
		watch_remove(&many[i].watch);
	assert_int_equal(poller_run(poller, 0), 0);
	for (int i = 0; i < N; i++) {
		assert_int_equal(many[i].calls, 1 + i % 2);
		close(fds[i]);
	}
}

enum { FLOCK = 600 }; /* more than one wait of epoll reports */

static struct probe flock[FLOCK];
static int flock_fds[FLOCK];

static void gather_flock(void)
{
	memset(flock, 0, sizeof(flock));
	for (int i = 0; i < FLOCK; i++) {
		flock_fds[i] = fcntl(pair[0], F_DUPFD_CLOEXEC, 3);
		assert_true(flock_fds[i] >= 0);
		assert_int_equal(
			watch_add(&flock[i].watch, poller, flock_fds[i], WATCH_WRITE, count), 0);
	}
}

static void scatter_flock(void)
{
	for (int i = 0; i < FLOCK; i++) {
		watch_remove(&flock[i].watch);
		close(flock_fds[i]);
	}
}

/* All are ready all the time, as the listeners of flooded services are. */
static void test_each_of_many_that_are_always_ready_has_its_turn(void **state)
{
	int turns = 0;

	gather_flock();
	for (int rounds = 1; rounds <= 5; rounds++) {
		int least = 0, most;

		while (least < rounds) {
			assert_int_equal(poller_run(poller, 0), 0);
			turns++;
			least = most = flock[0].calls;
			for (int i = 1; i < FLOCK; i++) {
				least = flock[i].calls < least ? flock[i].calls : least;
				most = flock[i].calls > most ? flock[i].calls : most;
			}
			assert_true(most - least <= 1);
		}
	}
	assert_true(turns <= 5 * (FLOCK / 256 + 1));
	scatter_flock();
}

static void test_a_turn_of_one_lets_others_that_became_ready_be_next(void **state)
{
	int more[2];

	gather_flock();
	assert_int_equal(poller_run(poller, 0), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, more), 0);
	assert_int_equal(watch_add(&a.watch, poller, more[0], WATCH_WRITE, count), 0);
	for (int turn = 0; turn < FLOCK / 256 + 1; turn++)
		assert_int_equal(poller_run(poller, 0), 0);
	assert_true(a.calls > 0);
	watch_remove(&a.watch);
	close(more[0]);
	close(more[1]);
	scatter_flock();
}

static void test_auto_moves_to_epoll_when_a_turn_of_select_would_be_slow(void **state)
{
	gather_flock();
	assert_string_equal(poller_name(poller), "epoll");
	assert_int_equal(poller_run(poller, 0), 0);
	for (int i = 0; i < 256; i++)
		assert_int_equal(flock[i].calls, 1);
	scatter_flock();
}

static int high_descriptor(void)
{
	struct rlimit limit;
	int fd;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	fd = fcntl(pair[1], F_DUPFD_CLOEXEC, FD_SETSIZE);
	if (fd < 0)
		skip();
	return fd;
}

static void test_select_refuses_what_it_cannot_hold(void **state)
{
	int fd = high_descriptor();

	assert_string_equal(poller_name(poller), "select");
	assert_int_equal(watch_add(&a.watch, poller, fd, WATCH_READ, count), -ERANGE);
	assert_null(a.watch.poller);
	close(fd);
}

static void test_auto_moves_all_watches_to_epoll_once(void **state)
{
	int fd = high_descriptor();

	assert_string_equal(poller_name(poller), "select");
	assert_int_equal(watch_add(&a.watch, poller, pair[0], WATCH_WRITE, count), 0);
	assert_int_equal(poller_run(poller, 0), 0);
	assert_string_equal(poller_name(poller), "select");

	assert_int_equal(watch_add(&b.watch, poller, fd, WATCH_WRITE, count), 0);
	assert_string_equal(poller_name(poller), "epoll");
	assert_int_equal(poller_run(poller, 0), 0);
	assert_int_equal(a.calls, 2);
	assert_int_equal(b.calls, 1);

	watch_remove(&b.watch);
	close(fd);
	assert_string_equal(poller_name(poller), "epoll");
}

static int high_fd;

static void add_high(struct watch *watch)
{
	struct probe *probe = container_of(watch, struct probe, watch);

	count(watch);
	if (!probe->victim->watch.poller)
		assert_int_equal(
			watch_add(&probe->victim->watch, poller, high_fd, WATCH_WRITE, count), 0);
}

/* Who is ready already when others make it move has its turn all the same, once. */
static void test_auto_moves_in_the_middle_of_a_turn(void **state)
{
	struct probe other = { 0 };

	high_fd = high_descriptor();
	a.victim = other.victim = &b;
	assert_int_equal(watch_add(&a.watch, poller, pair[0], WATCH_WRITE, add_high), 0);
	assert_int_equal(watch_add(&other.watch, poller, pair[1], WATCH_WRITE, add_high), 0);
	assert_int_equal(poller_run(poller, 0), 0);
	assert_string_equal(poller_name(poller), "epoll");
	assert_int_equal(a.calls, 1);
	assert_int_equal(other.calls, 1);
	assert_int_equal(b.calls, 0);

	assert_int_equal(poller_run(poller, 0), 0);
	assert_int_equal(a.calls + other.calls, 4);
	assert_int_equal(b.calls, 1);
	watch_remove(&other.watch);
	watch_remove(&b.watch);
	close(high_fd);
}

#define FOR_KIND(test, kind) cmocka_unit_test_prestate_setup_teardown(test, set_up, tear_down, kind)
#define FOR_EACH_KIND(test)                                             \
	{ #test "_by_select", test, set_up, tear_down, &select_kind },  \
	{                                                               \
#test "_by_epoll", test, set_up, tear_down, &epoll_kind \
	}

int main(void)
{
	static enum poller_kind auto_kind = POLLER_AUTO;
	static enum poller_kind select_kind = POLLER_SELECT;
	static enum poller_kind epoll_kind = POLLER_EPOLL;
	const struct CMUnitTest tests[] = {
		FOR_EACH_KIND(test_readiness_is_reported_until_it_is_gone),
		FOR_EACH_KIND(test_both_directions_are_one_call),
		FOR_EACH_KIND(test_only_what_is_wanted_is_reported),
		FOR_EACH_KIND(test_a_paused_watch_is_silent_even_at_a_hang_up),
		FOR_EACH_KIND(test_removed_watch_is_not_called),
		FOR_EACH_KIND(test_watch_paused_in_the_same_turn_is_not_called),
		FOR_EACH_KIND(test_a_watch_may_free_itself_and_be_added_again),
		FOR_EACH_KIND(test_one_descriptor_has_one_watch),
		FOR_EACH_KIND(test_many_watches_are_called_once_a_turn),
		FOR_EACH_KIND(test_each_of_many_that_are_always_ready_has_its_turn),
		FOR_EACH_KIND(test_a_turn_of_one_lets_others_that_became_ready_be_next),
		FOR_KIND(test_auto_moves_to_epoll_when_a_turn_of_select_would_be_slow, &auto_kind),
		FOR_KIND(test_select_refuses_what_it_cannot_hold, &select_kind),
		FOR_KIND(test_auto_moves_all_watches_to_epoll_once, &auto_kind),
		FOR_KIND(test_auto_moves_in_the_middle_of_a_turn, &auto_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
