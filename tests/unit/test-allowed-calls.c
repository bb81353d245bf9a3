#include "front/allowed-calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The mask of an int. The kernel does not look at the rest of the argument. */
#define INT UINT32_MAX

static bool is_allowed(const char *name)
{
	for (const struct allowed_call *at = allowed_calls; at->name; at++)
		if (strcmp(at->name, name) == 0)
			return true;
	return false;
}

static void test_the_calls_are_in_the_order_of_their_names(void **state)
{
	for (const struct allowed_call *at = allowed_calls; at[1].name; at++)
		assert_true(strcmp(at[0].name, at[1].name) <= 0);
}

/* Each would be a way out of the process. */
static void test_what_the_front_must_never_do_is_not_among_them(void **state)
{
	static const char *const denied[] = {
		"bind",        "bpf",       "clone",
		"clone3",      "connect",   "creat",
		"dup",         "dup2",      "dup3",
		"execve",      "fork",      "io_uring_enter",
		"kill",        "listen",    "memfd_secret",
		"mount",       "open",      "openat",
		"pidfd_open",  "prctl",     "process_vm_readv",
		"ptrace",      "rename",    "seccomp",
		"setns",       "setrlimit", "setuid",
		"sigaltstack", "socket",    "socketcall",
		"socketpair",  "tkill",     "unlink",
		"unshare",     "vfork",
	};

	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		if (is_allowed(denied[i]))
			fail_msg("%s is allowed", denied[i]);
}

static void test_calls_about_files_are_in_order_and_not_allowed(void **state)
{
	for (const char *const *at = file_calls; *at; at++) {
		if (is_allowed(*at))
			fail_msg("%s is allowed", *at);
		assert_true(!at[1] || strcmp(at[0], at[1]) < 0);
	}
}

/* Those that take commands or options are allowed with some of them. */
static void test_calls_with_many_meanings_have_conditions(void **state)
{
	static const char *const many[] = { "fcntl",      "getsockopt", "ioctl",    "mmap",
					    "mprotect",   "prlimit64",  "sendmsg",  "sendto",
					    "setsockopt", "shutdown",   "sendmmsg", "tgkill" };

	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++)
		for (const struct allowed_call *at = allowed_calls; at->name; at++)
			if (strcmp(at->name, many[i]) == 0)
				assert_non_null(at->conditions[0].text);
}

static void test_options_are_compared_as_the_kernel_reads_them(void **state)
{
	for (const struct allowed_call *at = allowed_calls; at->name; at++) {
		if (strcmp(at->name, "setsockopt") != 0)
			continue;
		assert_int_equal(at->conditions[0].argument, 1);
		assert_int_equal(at->conditions[1].argument, 2);
		assert_int_equal(at->conditions[0].mask, INT);
		assert_int_equal(at->conditions[1].mask, INT);
	}
}

static void test_a_signal_is_for_the_own_process(void **state)
{
	for (const struct allowed_call *at = allowed_calls; at->name; at++)
		if (strcmp(at->name, "tgkill") == 0)
			assert_int_equal(call_condition_value(&at->conditions[0]), getpid());
	assert_true(is_allowed("tgkill"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_calls_are_in_the_order_of_their_names),
		cmocka_unit_test(test_what_the_front_must_never_do_is_not_among_them),
		cmocka_unit_test(test_calls_about_files_are_in_order_and_not_allowed),
		cmocka_unit_test(test_calls_with_many_meanings_have_conditions),
		cmocka_unit_test(test_options_are_compared_as_the_kernel_reads_them),
		cmocka_unit_test(test_a_signal_is_for_the_own_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
