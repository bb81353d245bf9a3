/* Listeners over reloads: which stay, which are closed, and which are tried again. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "keeper/listen/activation.h"
#include "keeper/listen/listener-table.h"
#include "settings-from-text.h"

#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS 60000
#define SOON_FIRST_MS 10
#define SOON_MAX_MS 320

static struct {
	struct timers *timers;
	struct listener_table table;
	struct bound_listener *told;
	int64_t now_ms;
	char name[32]; /* of an abstract socket, in no network but the test's own */
} scene;

int64_t __wrap_clock_ms(void);

int64_t __wrap_clock_ms(void)
{
	return scene.now_ms;
}

static void on_bound(struct bound_listener *bound)
{
	scene.told = bound;
}

static int open_scene(void **state)
{
	memset(&scene, 0, sizeof(scene));
	scene.now_ms = 1000000;
	(void)snprintf(scene.name, sizeof(scene.name), "unix:@superd-table-%ld", (long)getpid());
	if (timers_new(&scene.timers) < 0)
		return -1;
	listener_table_init(&scene.table, scene.timers, NULL, on_bound);
	return log_open(LOG_TO_FILE, "/dev/null");
}

static int close_scene(void **state)
{
	listener_table_sweep(&scene.table);
	timers_free(scene.timers);
	return scene.table.by_key ? -1 : 0;
}

/* Of a service that listens on @endpoint, with @rest. */
static struct settings *settings_for(const char *service, const char *endpoint, const char *rest)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "service %s { listen = \"%s\" builtin = echo %s }",
		       service, endpoint, rest);
	return settings_from_text(text);
}

static struct bound_listener *take(struct settings *settings)
{
	struct bound_listener *bound;

	assert_int_equal(listener_table_take(&scene.table, &settings->services[0], 0, &bound), 0);
	return bound;
}

static struct bound_listener *take_for(const char *service, const char *endpoint)
{
	struct settings *settings = settings_for(service, endpoint, "");
	struct bound_listener *bound = take(settings);

	settings_free(settings);
	return bound;
}

static void release(struct bound_listener *bound)
{
	listener_table_release(bound);
	listener_table_sweep(&scene.table);
}

/* Somebody else has the address. */
static int occupy(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *name = scene.name + strlen("unix:@");
	socklen_t length = (socklen_t)(sizeof(sa_family_t) + 1 + strlen(name));
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(address.sun_path + 1, name, strlen(name));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void pass_time(int64_t ms)
{
	scene.now_ms += ms;
	timers_run(scene.timers, scene.now_ms);
}

static void test_the_same_endpoint_is_the_same_open_file(void **state)
{
	struct bound_listener *before = take_for("old", scene.name);
	int fd = before->listener->fd;
	struct bound_listener *after = take_for("new", scene.name);

	assert_true(fd >= 0);
	assert_ptr_equal(after, before);
	assert_int_equal(after->listener->fd, fd);
	release(before);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	release(after);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

/* Of the program of a service that listens on `tcp:0` for both families. */
static struct settings *settings_for_pair(void)
{
	return settings_from_text("service x { listen = {\"tcp:0\", \"tcp:0\"} exec = /bin/cat }");
}

static void test_both_of_a_pair_have_one_free_port(void **state)
{
	struct settings *settings = settings_for_pair();
	const struct service *service = &settings->services[0];
	struct bound_listener *bound[4];

	if (service->n_endpoints != 4) {
		settings_free(settings);
		skip();
	}
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(listener_table_take(&scene.table, service, i, &bound[i]), 0);
		assert_true(bound[i]->listener->fd >= 0);
	}
	assert_int_not_equal(bound[0]->listener->port, 0);
	assert_int_equal(bound[0]->listener->port, bound[1]->listener->port);
	assert_int_equal(bound[2]->listener->port, bound[3]->listener->port);
	assert_int_not_equal(bound[0]->listener->port, bound[2]->listener->port);
	for (size_t i = 0; i < 4; i++)
		release(bound[i]);
	settings_free(settings);
}

static void test_any_free_port_is_another_one_for_each_service(void **state)
{
	struct bound_listener *a = take_for("a", "tcp:127.0.0.1:0");
	struct bound_listener *b = take_for("b", "tcp:127.0.0.1:0");

	assert_ptr_not_equal(a, b);
	assert_int_not_equal(a->listener->port, b->listener->port);
	release(a);
	release(b);
}

static void test_an_address_in_use_is_tried_again_after_growing_pauses(void **state)
{
	int other = occupy();
	struct bound_listener *bound = take_for("a", scene.name);

	assert_int_equal(listener_table_count_unbound(&scene.table), 1);
	for (int64_t pause_ms = PAUSE_FIRST_MS; pause_ms <= 2 * PAUSE_MAX_MS; pause_ms *= 2) {
		int64_t expected = pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS;

		assert_int_equal(timers_wait_ms(scene.timers, scene.now_ms), expected);
		pass_time(expected);
		assert_null(scene.told);
	}
	close(other);
	pass_time(PAUSE_MAX_MS);
	assert_ptr_equal(scene.told, bound);
	assert_int_equal(bound->error, 0);
	assert_int_equal(listener_table_count_unbound(&scene.table), 0);
	assert_int_equal(timers_wait_ms(scene.timers, scene.now_ms), -1);
	release(bound);
}

static void test_an_address_may_be_free_once_another_listener_is_closed(void **state)
{
	int other = occupy();
	struct bound_listener *bound = take_for("a", scene.name);

	release(take_for("b", "tcp:127.0.0.1:0"));
	for (int64_t pause_ms = SOON_FIRST_MS; pause_ms <= SOON_MAX_MS; pause_ms *= 2) {
		assert_int_equal(timers_wait_ms(scene.timers, scene.now_ms), pause_ms);
		pass_time(pause_ms);
	}
	assert_int_equal(timers_wait_ms(scene.timers, scene.now_ms), PAUSE_FIRST_MS);
	close(other);
	pass_time(PAUSE_FIRST_MS);
	assert_ptr_equal(scene.told, bound);
	release(bound);
}

static void test_sockets_that_the_next_settings_share_wait_for_a_front_to_read_them(void **state)
{
	struct settings *one = settings_for("a", "udp:127.0.0.1:0", "shards = 1");
	struct settings *three = settings_for("a", "udp:127.0.0.1:0", "shards = 3");
	struct bound_listener *bound = take(one);

	listener_table_settle(bound, true);
	listener_table_apply(bound, &three->services[0], 0);
	assert_int_equal(listener_n_sockets(bound->listener), 3);
	listener_table_settle(bound, false);
	assert_int_equal(listener_n_sockets(bound->listener), 1);
	listener_table_apply(bound, &three->services[0], 0);
	listener_table_settle(bound, true);
	assert_int_equal(listener_n_sockets(bound->listener), 3);
	release(bound);
	settings_free(one);
	settings_free(three);
}

static void test_another_process_keeps_only_what_it_is_to_have(void **state)
{
	struct bound_listener *kept = take_for("a", scene.name);
	struct bound_listener *other = take_for("b", "tcp:127.0.0.1:0");

	listener_table_abandon(&scene.table, &kept, 1);
	assert_true(kept->listener->fd >= 0);
	assert_int_equal(other->listener->fd, -1);
	release(kept);
	release(other);
}

static void test_a_passed_socket_is_used_by_one_listener_at_a_time(void **state)
{
	struct passed_socket passed = { .fd = occupy(), .name = (char *)"a" };
	struct activation activation = { .sockets = &passed, .n = 1 };
	struct bound_listener *bound;

	scene.table.activation = &activation;
	bound = take_for("a", scene.name);
	assert_int_equal(bound->error, 0);
	assert_true(bound->listener->adopted);
	assert_ptr_equal(passed.user, bound->listener);
	assert_null(activation_find(&activation, bound->listener, "a"));
	release(bound);
	assert_null(passed.user);
	assert_int_equal(fcntl(passed.fd, F_GETFD) >= 0, 1);
	close(passed.fd);
}

static void test_a_sound_listener_is_verified_without_a_word(void **state)
{
	struct bound_listener *bound = take_for("a", "tcp:127.0.0.1:0");
	int fd = bound->listener->fd;

	listener_table_verify(bound);
	assert_int_equal(bound->listener->fd, fd);
	assert_null(scene.told);
	release(bound);
}

static void test_a_listener_that_was_shut_down_is_opened_anew_and_told(void **state)
{
	struct bound_listener *bound = take_for("a", "tcp:127.0.0.1:0");
	unsigned port = bound->listener->port;

	assert_int_equal(shutdown(bound->listener->fd, SHUT_RDWR), 0);
	listener_table_verify(bound);
	assert_ptr_equal(scene.told, bound);
	assert_int_equal(bound->listener->port, port);
	release(bound);
}

/* A front may ruin it and ask for another, again and again. */
static void test_a_front_is_heard_once_a_second(void **state)
{
	struct bound_listener *bound = take_for("a", "tcp:127.0.0.1:0");

	for (unsigned i = 0; i < 3; i++) {
		(void)shutdown(bound->listener->fd, SHUT_RDWR);
		listener_table_verify_for_front(&scene.table);
		assert_ptr_equal(scene.told, bound);
		scene.told = NULL;
		(void)shutdown(bound->listener->fd, SHUT_RDWR);
		pass_time(999);
		listener_table_verify_for_front(&scene.table);
		assert_null(scene.told);
		pass_time(1);
	}
	release(bound);
}

/* Its program still has it. */
static void test_a_busy_listener_is_left_alone(void **state)
{
	struct bound_listener *bound = take_for("a", "tcp:127.0.0.1:0");

	bound->listener->busy = true;
	assert_int_equal(shutdown(bound->listener->fd, SHUT_RDWR), 0);
	listener_table_verify(bound);
	assert_null(scene.told);
	bound->listener->busy = false;
	release(bound);
}

/* An abstract name is free when the last process closes the old socket. */
static void test_a_name_that_another_process_has_is_tried_again(void **state)
{
	struct bound_listener *bound = take_for("a", scene.name);
	int copy = dup(bound->listener->fd);

	assert_int_equal(shutdown(copy, SHUT_RDWR), 0);
	listener_table_verify(bound);
	assert_null(scene.told);
	assert_int_equal(listener_table_count_unbound(&scene.table), 1);
	close(copy);
	pass_time(SOON_FIRST_MS);
	assert_ptr_equal(scene.told, bound);
	assert_int_equal(listener_table_count_unbound(&scene.table), 0);
	release(bound);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, open_scene, close_scene)
	const struct CMUnitTest tests[] = {
		CASE(test_the_same_endpoint_is_the_same_open_file),
		CASE(test_both_of_a_pair_have_one_free_port),
		CASE(test_any_free_port_is_another_one_for_each_service),
		CASE(test_an_address_in_use_is_tried_again_after_growing_pauses),
		CASE(test_an_address_may_be_free_once_another_listener_is_closed),
		CASE(test_sockets_that_the_next_settings_share_wait_for_a_front_to_read_them),
		CASE(test_another_process_keeps_only_what_it_is_to_have),
		CASE(test_a_passed_socket_is_used_by_one_listener_at_a_time),
		CASE(test_a_sound_listener_is_verified_without_a_word),
		CASE(test_a_listener_that_was_shut_down_is_opened_anew_and_told),
		CASE(test_a_front_is_heard_once_a_second),
		CASE(test_a_busy_listener_is_left_alone),
		CASE(test_a_name_that_another_process_has_is_tried_again),
	};

	return cmocka_run_group_tests_name("listener-table", tests, NULL, NULL);
}
