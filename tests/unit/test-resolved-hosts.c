/* The addresses that a rehearsal has found. The lookup itself is the system's. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/resolved-hosts.h"

static const struct endpoint_text text = {
	.host = "127.0.0.1",
	.family = AF_INET,
	.type = SOCK_STREAM,
};

#define NO_MEMORY 99

/* Returns how many addresses a process that is forked now adds, or NO_MEMORY. */
static int add_in_a_child(struct resolved_hosts *hosts)
{
	struct address found[RESOLVED_ADDRESSES_MAX];
	pid_t pid = fork();
	unsigned char page;
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(mincore(hosts, 1, &page) < 0 ? NO_MEMORY
						   : resolved_hosts_add(hosts, &text, found));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_only_the_rehearsal_shares_what_it_finds(void **state)
{
	struct address found[RESOLVED_ADDRESSES_MAX];
	struct resolved_hosts *hosts;

	assert_int_equal(resolved_hosts_new(&hosts), 0);
	assert_int_equal(resolved_hosts_find(hosts, &text, found), -ENOENT);
	assert_int_equal(add_in_a_child(hosts), 1);
	resolved_hosts_hide(hosts);
	assert_int_equal(add_in_a_child(hosts), NO_MEMORY);
	assert_int_equal(resolved_hosts_find(hosts, &text, found), 1);
	resolved_hosts_free(hosts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_the_rehearsal_shares_what_it_finds),
	};

	return cmocka_run_group_tests_name("resolved-hosts", tests, NULL, NULL);
}
