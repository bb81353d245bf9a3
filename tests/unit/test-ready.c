#include "keeper/pool/ready.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static struct poller *poller;
static struct ready_socket ready;
static unsigned n_ready;
static pid_t last_writer;

static void on_ready(struct ready_socket *socket, pid_t writer)
{
	n_ready++;
	last_writer = writer;
}

static int set_up(void **state)
{
	n_ready = 0;
	last_writer = 0;
	if (poller_new(&poller, POLLER_EPOLL) < 0)
		return -1;
	ready_init(&ready, on_ready);
	return ready_open(&ready, poller);
}

static int tear_down(void **state)
{
	ready_close(&ready);
	poller_free(poller);
	return 0;
}

/* As sd_notify(3) does. Returns how often the owner was told. */
static unsigned send_text(const char *text)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t n = strlen(ready.name);
	unsigned before = n_ready;

	assert_true(n > 1 && ready.name[0] == '@');
	memcpy(un.sun_path + 1, ready.name + 1, n - 1);
	assert_int_equal(sendto(fd, text, strlen(text), 0, (const struct sockaddr *)&un,
				(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
			 strlen(text));
	close(fd);
	assert_int_equal(poller_run(poller, 1000), 0);
	return n_ready - before;
}

static void test_a_whole_line_says_it(void **state)
{
	static const char *const good[] = { "READY=1", "READY=1\n", "STATUS=up\nREADY=1",
					    "READY=1\nMAINPID=5\n", "\nREADY=1" };
	static const char *const bad[] = { "",         "READY=0",       "READY=10",
					   "READY=1 ", "NOT_READY=1",   "READY",
					   "ready=1",  "STATUS=READY=1" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (send_text(good[i]) != 1)
			fail_msg("'%s'", good[i]);
	assert_int_equal(last_writer, getpid());
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (send_text(bad[i]) != 0)
			fail_msg("'%s'", bad[i]);
}

static void test_it_is_opened_once(void **state)
{
	int fd = ready.fd;

	assert_int_equal(ready_open(&ready, poller), 0);
	assert_int_equal(ready.fd, fd);
	assert_int_equal(send_text("READY=1"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_whole_line_says_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_it_is_opened_once, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("ready", tests, NULL, NULL);
}
