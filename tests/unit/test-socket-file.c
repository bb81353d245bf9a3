/* The file of a Unix socket, as listeners make it, find it and leave it. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "listener-directory.h"
#include "listener-text.h"
#include "net/socket-file.h"

static void test_a_socket_file_has_its_mode_and_goes_with_us(void **state)
{
	struct listener_options opened = options;
	struct listener *listener;
	struct stat status;
	mode_t mask = umask(077);
	int client;

	listener = make_open(path_text);
	assert_int_equal(umask(mask), 077);
	assert_int_equal(lstat(path, &status), 0);
	assert_int_equal(status.st_mode, S_IFSOCK | 0640);

	client = connect_to(listener);
	assert_true(client >= 0);
	close(client);

	opened.mode = 0666;
	assert_int_equal(listener_apply(listener, &opened), 0);
	assert_int_equal(lstat(path, &status), 0);
	assert_int_equal(status.st_mode, S_IFSOCK | 0666);

	listener_free(listener);
	assert_int_equal(lstat(path, &status), -1);
}

static void assert_name(const struct listener *listener)
{
	struct address name = { .length = sizeof(name.un) };

	assert_int_equal(getsockname(listener->fd, &name.any, &name.length), 0);
	assert_string_equal(name.un.sun_path, path);
}

static void test_a_socket_has_the_name_of_its_file(void **state)
{
	struct listener *listener = make_open(path_text);

	assert_name(listener);
	listener_free(listener);
}

static void test_a_stale_socket_is_replaced(void **state)
{
	struct listener *stale = make_open(path_text), *listener;
	int client;

	listener_close(stale);
	listener_free(stale);
	assert_int_equal(access(path, F_OK), 0);

	listener = make_open(path_text);
	assert_name(listener);
	client = connect_to(listener);
	assert_true(client >= 0);
	close(client);
	listener_free(listener);
	assert_int_equal(access(path, F_OK), -1);
}

struct rival {
	pthread_barrier_t *barrier;
	struct listener *listener;
	int result;
};

static void *open_at_once(void *arg)
{
	struct rival *rival = arg;

	pthread_barrier_wait(rival->barrier);
	rival->result = listener_open(rival->listener, &options);
	return NULL;
}

/* Both may find that nobody serves it before either has replaced it. */
static void test_a_stale_socket_is_replaced_by_one_of_two(void **state)
{
	mode_t mask = umask(022);
	pthread_barrier_t barrier;

	assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
	for (int round = 0; round < 200; round++) {
		struct listener *stale = make_open(path_text);
		struct rival rivals[2] = { { .barrier = &barrier }, { .barrier = &barrier } };
		pthread_t threads[2];
		int winner;

		listener_close(stale);
		listener_free(stale);
		for (int i = 0; i < 2; i++) {
			rivals[i].listener = make_listener(path_text);
			assert_int_equal(
				pthread_create(&threads[i], NULL, open_at_once, &rivals[i]), 0);
		}
		for (int i = 0; i < 2; i++)
			assert_int_equal(pthread_join(threads[i], NULL), 0);

		winner = rivals[0].result == 0 ? 0 : 1;
		assert_int_equal(rivals[winner].result, 0);
		assert_int_equal(rivals[!winner].result, -EADDRINUSE);
		assert_name(rivals[winner].listener);
		assert_true(socket_file_is(path, rivals[winner].listener->file_device,
					   rivals[winner].listener->file_inode));
		for (int i = 0; i < 2; i++)
			listener_free(rivals[i].listener);
	}
	pthread_barrier_destroy(&barrier);
	umask(mask);
}

static void test_a_path_without_room_for_another_name_is_replaced_too(void **state)
{
	char deep[sizeof(((struct sockaddr_un *)0)->sun_path)], text[sizeof(deep) + 16];
	struct listener *stale;

	(void)snprintf(deep, sizeof(deep), "%s/%0*d", directory, (int)(100 - strlen(directory)), 0);
	assert_int_equal(mkdir(deep, 0700), 0);
	(void)snprintf(text, sizeof(text), "unix:%s/s", deep);

	stale = make_open(text);
	listener_close(stale);
	listener_free(stale);
	listener_free(make_open(text));
	assert_int_equal(rmdir(deep), 0);
}

static void test_a_served_socket_is_left(void **state)
{
	struct listener *served = make_open(path_text), *listener = make_listener(path_text);
	struct address peer;

	assert_int_equal(listener_open(listener, &options), -EADDRINUSE);
	listener_free(listener);
	assert_int_equal(access(path, F_OK), 0);

	/* Nor is its owner bothered with a connection. */
	assert_int_equal(listener_accept(served, 0, &peer), -EAGAIN);
	listener_free(served);
}

static void test_a_file_that_is_no_socket_is_left(void **state)
{
	struct listener *listener = make_listener(path_text);
	struct stat status;

	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_int_equal(listener_open(listener, &options), -EEXIST);
	assert_true(listener_may_retry(-EEXIST));
	listener_free(listener);
	assert_int_equal(lstat(path, &status), 0);
	assert_true(S_ISREG(status.st_mode));
	(void)unlink(path);
}

static void test_a_file_that_somebody_replaced_is_left(void **state)
{
	struct listener *old = make_open(path_text), *new;

	assert_int_equal(unlink(path), 0);
	new = make_open(path_text);
	listener_free(old);
	assert_int_equal(access(path, F_OK), 0);
	listener_free(new);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_a_socket_file_has_its_mode_and_goes_with_us,
					  clean_directory),
		cmocka_unit_test_teardown(test_a_socket_has_the_name_of_its_file, clean_directory),
		cmocka_unit_test_teardown(test_a_stale_socket_is_replaced, clean_directory),
		cmocka_unit_test_teardown(test_a_stale_socket_is_replaced_by_one_of_two,
					  clean_directory),
		cmocka_unit_test_teardown(test_a_path_without_room_for_another_name_is_replaced_too,
					  clean_directory),
		cmocka_unit_test_teardown(test_a_served_socket_is_left, clean_directory),
		cmocka_unit_test_teardown(test_a_file_that_is_no_socket_is_left, clean_directory),
		cmocka_unit_test_teardown(test_a_file_that_somebody_replaced_is_left,
					  clean_directory),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
