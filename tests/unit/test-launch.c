#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "keeper/exec/launch.h"

static void wait_for(atomic_int *word)
{
	while (atomic_load(word) != 0)
		(void)syscall(SYS_futex, word, FUTEX_WAIT, 1, NULL, NULL, 0);
}

/* Launches a program and waits until that is over. Returns as launch_begin() does. */
static pid_t spawn(const struct spawn_plan *plan, const struct spawn_descriptors *descriptors,
		   struct spawn_failure *out_failure)
{
	static struct launch *launch;
	int status;
	pid_t pid;

	if (!launch)
		launch = launch_new(1);
	assert_non_null(launch);
	pid = launch_begin(launch, plan, descriptors);
	assert_true(pid > 0);
	wait_for(&launch->busy);
	*out_failure = launch_failure(launch, -1);
	if (out_failure->step == SPAWN_NONE)
		return pid;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 127);
	return -out_failure->error;
}

static char *no_environment[] = { "PATH=/usr/bin:/bin", NULL };

static struct spawn_plan shell(char **argv, const char *script)
{
	argv[0] = "/bin/sh";
	argv[1] = "-c";
	argv[2] = (char *)script;
	argv[3] = NULL;
	return (struct spawn_plan){ .path = argv[0],
				    .argv = argv,
				    .envp = no_environment,
				    .directory = "/",
				    .umask = 022,
				    .descriptors = { 64, 64 } };
}

/* Runs @script with a socket on 0, 1 and 2 and returns what it wrote there. */
static const char *answer(const char *script)
{
	static char text[4096];
	struct spawn_descriptors descriptors = { 0 };
	struct spawn_failure failure;
	struct spawn_plan program;
	char *argv[4];
	size_t n = 0;
	ssize_t got;
	int pair[2];
	pid_t pid;

	program = shell(argv, script);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	descriptors.in = descriptors.out = descriptors.err = pair[1];
	pid = spawn(&program, &descriptors, &failure);
	assert_true(pid > 0);
	close(pair[1]);
	while ((got = read(pair[0], text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	close(pair[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return text;
}

/* As a filter of system calls can do. */
static void deny_ambient_capabilities(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_CAP_AMBIENT, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0), 0);
}

static void test_program_does_not_run_if_capabilities_cannot_be_dropped(void **state)
{
	struct spawn_descriptors descriptors = { 0 };
	struct spawn_failure failure = { 0 };
	struct spawn_plan program;
	char *argv[4];
	int status;
	pid_t pid;

	program = shell(argv, "exit 0");
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		deny_ambient_capabilities();
		_exit(spawn(&program, &descriptors, &failure) < 0 &&
				      failure.step == SPAWN_CAPABILITIES && failure.error == EPERM
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_program_has_its_client_and_no_other_descriptor(void **state)
{
	/* One below the client's, one above. */
	int first = fcntl(0, F_DUPFD, 3), stray = fcntl(0, F_DUPFD, 50);

	assert_string_equal(answer("cd /proc/self/fd; echo *"), "0 1 2 3\n");
	assert_string_equal(answer("test -S /dev/stdin && test -S /dev/stderr && echo yes"),
			    "yes\n");
	close(first);
	close(stray);
}

static void test_program_is_a_session_of_its_own_with_clean_signals(void **state)
{
	sigset_t all, old;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	assert_string_equal(
		answer("grep -E 'Sig(Blk|Ign)' /proc/self/status | cut -f2 | uniq; "
		       "umask; pwd; test \"$(ps -o sid= -p $$ | tr -d ' ')\" = $$ && echo leads"),
		"0000000000000000\n0022\n/\nleads\n");
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void test_limit_of_descriptors_is_given_back(void **state)
{
	assert_string_equal(answer("ulimit -n"), "64\n");
}

static void test_step_that_failed_is_told_and_leaves_no_process(void **state)
{
	struct spawn_descriptors descriptors = { .out = 1, .err = 2 };
	struct spawn_failure failure;
	struct spawn_plan program;
	char *argv[4];

	program = shell(argv, "true");
	program.path = "/nonexistent/program";
	assert_int_equal(spawn(&program, &descriptors, &failure), -ENOENT);
	assert_int_equal(failure.step, SPAWN_EXEC);
	assert_false(spawn_may_retry(&failure));

	program = shell(argv, "true");
	program.directory = "/nonexistent";
	assert_int_equal(spawn(&program, &descriptors, &failure), -ENOENT);
	assert_int_equal(failure.step, SPAWN_DIRECTORY);
	assert_int_equal(waitpid(-1, NULL, 0), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_low_descriptors_may_come_in_any_order(void **state)
{
	struct spawn_descriptors descriptors = { 0 };
	int in[2], out[2], saved = fcntl(0, F_DUPFD_CLOEXEC, 100);
	struct spawn_failure failure;
	struct spawn_plan program;
	char *argv[4], text[8] = "";
	pid_t pid;

	program = shell(argv, "cat");
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(dup2(out[1], 0), 0);
	descriptors.in = in[0];
	descriptors.out = 0;
	descriptors.err = 0;
	assert_int_equal(write(in[1], "hello", 5), 5);
	pid = spawn(&program, &descriptors, &failure);
	assert_true(pid > 0);
	close(in[1]);
	assert_int_equal(read(out[0], text, sizeof(text)), 5);
	assert_string_equal(text, "hello");
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	dup2(saved, 0);
	close(saved);
	close(in[0]);
	close(out[0]);
	close(out[1]);
}

static void test_others_follow_the_standard_three(void **state)
{
	int pair[2], others[2], given;
	struct spawn_descriptors descriptors = { .others = others, .n_others = 2 };
	struct spawn_failure failure;
	struct spawn_plan program;
	char *argv[4], text[8] = "";
	pid_t pid;

	program =
		shell(argv, "echo a >&3; echo b >&4; test -e /proc/self/fd/5 && echo c >&4; true");
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	descriptors.in = descriptors.out = descriptors.err = others[1] = pair[1];
	/* Lies where another one is to go. */
	others[0] = given = fcntl(pair[1], F_DUPFD_CLOEXEC, 4);
	pid = spawn(&program, &descriptors, &failure);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(read(pair[0], text, sizeof(text)), 4);
	assert_string_equal(text, "a\nb\n");
	close(given);
	close(pair[0]);
	close(pair[1]);
}

/* The keeper of this test: starts a program that stays, and waits until it is killed. */
static void run_keeper(int client)
{
	struct spawn_descriptors descriptors = { .in = client, .out = client, .err = client };
	struct spawn_failure failure;
	struct spawn_plan program;
	char *argv[4];

	program = shell(argv, "echo up; exec cat");
	program.death_signal = SIGTERM;
	program.change_user = geteuid() == 0;
	program.uid = program.gid = 65534;
	if (spawn(&program, &descriptors, &failure) < 0)
		_exit(1);
	close(client);
	for (;;)
		pause();
}

static void test_program_ends_with_a_keeper_that_is_killed(void **state)
{
	char text[8] = "";
	int pair[2];
	pid_t keeper;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	keeper = fork();
	if (keeper == 0)
		run_keeper(pair[1]);
	close(pair[1]);
	assert_int_equal(read(pair[0], text, sizeof(text)), 3);
	assert_int_equal(kill(keeper, SIGKILL), 0);
	assert_int_equal(waitpid(keeper, NULL, 0), keeper);
	assert_int_equal(read(pair[0], text, sizeof(text)), 0);
	close(pair[0]);
}

/* As the keeper does at its start: whoever runs the tests may ignore some. */
static int reset_dispositions(void **state)
{
	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_DFL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_program_does_not_run_if_capabilities_cannot_be_dropped),
		cmocka_unit_test(test_program_has_its_client_and_no_other_descriptor),
		cmocka_unit_test(test_program_is_a_session_of_its_own_with_clean_signals),
		cmocka_unit_test(test_limit_of_descriptors_is_given_back),
		cmocka_unit_test(test_step_that_failed_is_told_and_leaves_no_process),
		cmocka_unit_test(test_low_descriptors_may_come_in_any_order),
		cmocka_unit_test(test_others_follow_the_standard_three),
		cmocka_unit_test(test_program_ends_with_a_keeper_that_is_killed),
	};

	return cmocka_run_group_tests_name("launch", tests, reset_dispositions, NULL);
}
