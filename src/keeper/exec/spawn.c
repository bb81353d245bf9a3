#include "keeper/exec/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_NOT_STARTED 127

#define N_STANDARD 3

static int highest(const int *fds, int n, int so_far)
{
	for (int i = 0; i < n; i++)
		if (fds[i] > so_far)
			so_far = fds[i];
	return so_far;
}

static int move_up(int *fds, int n, int limit)
{
	for (int i = 0; i < n; i++) {
		if (fds[i] >= limit)
			continue;
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, limit);
		if (fds[i] < 0)
			return -1;
	}
	return 0;
}

static int place(const int *fds, int n, int first)
{
	for (int i = 0; i < n; i++)
		if (dup2(fds[i], first + i) < 0)
			return -1;
	return 0;
}

/*
 * Until here the child shares the keeper's table of descriptors. It takes a copy
 * only up to the last that the program needs: copying the listeners of a thousand
 * services would cost more than starting the program.
 *
 * dup2() also clears the close-on-exec flag. A source below @count would be
 * overwritten: it moves.
 */
static int place_descriptors(const struct spawn_descriptors *descriptors)
{
	int standard[] = { descriptors->in, descriptors->out, descriptors->err };
	int count = N_STANDARD + descriptors->n_others;
	int last = highest(standard, N_STANDARD, STDERR_FILENO);

	last = highest(descriptors->others, descriptors->n_others, last);
	if (close_range(last + 1, ~0U, CLOSE_RANGE_UNSHARE) < 0)
		return -1;

	if (move_up(standard, N_STANDARD, count) < 0 ||
	    move_up(descriptors->others, descriptors->n_others, count) < 0)
		return -1;
	if (place(standard, N_STANDARD, 0) < 0 ||
	    place(descriptors->others, descriptors->n_others, N_STANDARD) < 0)
		return -1;
	return close_range(count, ~0U, 0);
}

/* The groups come before the user, which may not change them any more. */
static int become_group(const struct spawn_plan *program)
{
	if (!program->change_user)
		return 0;
	if (setgroups(program->n_groups, program->groups) < 0)
		return -1;
	return setresgid(program->gid, program->gid, program->gid);
}

/* Otherwise the program would inherit capabilities that superd was given, such as for low ports. */
static int drop_ambient(void)
{
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

/* Sets all three ids, so that a program that is not root cannot become root again. */
static int become_user(const struct spawn_plan *program)
{
	if (!program->change_user)
		return 0;
	if (setresuid(program->uid, program->uid, program->uid) < 0)
		return -1;
	if (program->uid != 0 && setuid(0) == 0) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

/*
 * The kernel forgets the signal when the ids change, so this comes after them. A keeper that has
 * ended in the meantime is the parent no more.
 */
static int end_with(pid_t keeper, const struct spawn_plan *program)
{
	if (!program->death_signal)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, program->death_signal, 0, 0, 0) < 0)
		return -1;
	if (getppid() == keeper)
		return 0;
	errno = ESRCH;
	return -1;
}

static int enter_root(const struct spawn_plan *program)
{
	if (!program->chroot)
		return 0;
	if (chroot(program->chroot) < 0)
		return -1;
	return chdir("/");
}

static int set_priority(const struct spawn_plan *program)
{
	return program->nice ? setpriority(PRIO_PROCESS, 0, program->nice) : 0;
}

static int connect_client(const struct address *to)
{
	return to ? connect(STDOUT_FILENO, &to->any, to->length) : 0;
}

/* The hard limit of the keeper may have been lowered since the start; then that is the limit. */
static int restore_descriptor_limit(const struct spawn_plan *program)
{
	struct rlimit limit;

	if (setrlimit(RLIMIT_NOFILE, &program->descriptors) == 0)
		return 0;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -1;
	if (limit.rlim_cur > program->descriptors.rlim_cur)
		limit.rlim_cur = program->descriptors.rlim_cur;
	return setrlimit(RLIMIT_NOFILE, &limit);
}

/* The keeper has the default dispositions, so only the mask must be reset. */
static int reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL);
}

static void write_pid(char *at)
{
	char digits[16];
	int n = 0;
	pid_t pid = getpid();

	do
		digits[n++] = (char)('0' + pid % 10);
	while (pid /= 10);
	while (n > 0)
		*at++ = digits[--n];
	*at = '\0';
}

static enum spawn_step run_child(const struct spawn_plan *program,
				 const struct spawn_descriptors *descriptors, pid_t keeper)
{
	if (setsid() < 0)
		return SPAWN_SESSION;
	if (place_descriptors(descriptors) < 0)
		return SPAWN_DESCRIPTORS;
	if (set_priority(program) < 0)
		return SPAWN_PRIORITY;
	if (restore_descriptor_limit(program) < 0)
		return SPAWN_LIMITS;
	if (enter_root(program) < 0)
		return SPAWN_CHROOT;
	if (become_group(program) < 0)
		return SPAWN_GROUPS;
	if (become_user(program) < 0)
		return SPAWN_USER;
	if (drop_ambient() < 0)
		return SPAWN_CAPABILITIES;
	if (end_with(keeper, program) < 0)
		return SPAWN_DEATH_SIGNAL;
	if (chdir(program->directory) < 0)
		return SPAWN_DIRECTORY;
	if (connect_client(descriptors->connect_to) < 0)
		return SPAWN_CONNECT;
	if (reset_signals() < 0)
		return SPAWN_SIGNALS;

	umask(program->umask);
	if (program->listen_pid)
		write_pid(program->listen_pid);
	execve(program->path, program->argv, program->envp);
	return SPAWN_EXEC;
}

struct start {
	const struct spawn_plan *program;
	const struct spawn_descriptors *descriptors;
	pid_t keeper;
	struct spawn_failure failure;
};

/* The stack of the child, because it shares the keeper's memory. The keeper waits meanwhile. */
static char child_stack[64 * 1024] __attribute__((__aligned__(16)));

/* Returns the exit status of the child. */
static int begin_child(void *argument)
{
	struct start *start = argument;

	start->failure.step = run_child(start->program, start->descriptors, start->keeper);
	start->failure.error = errno;
	return EXIT_NOT_STARTED;
}

/* Like vfork(2), but the child shares the table of descriptors until it copies what it needs. */
static pid_t share_and_fork(struct start *start)
{
	return clone(begin_child, child_stack + sizeof(child_stack),
		     CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, start);
}

pid_t spawn(const struct spawn_plan *program, const struct spawn_descriptors *descriptors,
	    struct spawn_failure *out_failure)
{
	struct start start = { program, descriptors, getpid(), { 0 } };
	pid_t pid;

	pid = share_and_fork(&start);
	if (pid < 0)
		start.failure = (struct spawn_failure){ SPAWN_PROCESS, errno };
	*out_failure = start.failure;
	if (out_failure->step == SPAWN_NONE)
		return pid;

	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	return -out_failure->error;
}

const char *spawn_step_text(enum spawn_step step)
{
	static const char *const texts[] = {
		[SPAWN_NONE] = "nothing failed",
		[SPAWN_PROCESS] = "cannot create a process",
		[SPAWN_SESSION] = "cannot start a session",
		[SPAWN_DESCRIPTORS] = "cannot place the descriptors",
		[SPAWN_PRIORITY] = "cannot set 'nice'",
		[SPAWN_LIMITS] = "cannot set the limit of descriptors",
		[SPAWN_CHROOT] = "cannot change the root directory",
		[SPAWN_GROUPS] = "cannot set the groups",
		[SPAWN_USER] = "cannot change the user",
		[SPAWN_CAPABILITIES] = "cannot drop the capabilities",
		[SPAWN_DEATH_SIGNAL] = "cannot be told of the end of superd",
		[SPAWN_DIRECTORY] = "cannot enter the directory",
		[SPAWN_CONNECT] = "cannot connect to the sender",
		[SPAWN_SIGNALS] = "cannot reset the signals",
		[SPAWN_EXEC] = "cannot execute",
		[SPAWN_INSTANCES] = "as many run as 'instances' allows",
	};

	return texts[step];
}

bool spawn_may_retry(const struct spawn_failure *failure)
{
	switch (failure->step) {
	case SPAWN_PROCESS:
	case SPAWN_DESCRIPTORS:
	case SPAWN_CONNECT:
		return failure->error == EAGAIN || failure->error == ENOMEM ||
		       failure->error == EMFILE || failure->error == ENFILE;
	case SPAWN_EXEC:
		return failure->error == EAGAIN || failure->error == ENOMEM;
	default:
		return false;
	}
}
