#include "keeper/exec/launch-child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/prctl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "keeper/exec/raw-call.h"

#define EXIT_NOT_STARTED 127

#define N_STANDARD 3

/* The kernel's set of signals, which is smaller than that of the C library. */
#ifdef __mips__
#define SIGNALS_SIZE 16
#else
#define SIGNALS_SIZE 8
#endif

IN_CHILD static int highest(const int *fds, int n, int so_far)
{
	for (int i = 0; i < n; i++)
		if (fds[i] > so_far)
			so_far = fds[i];
	return so_far;
}

IN_CHILD static long close_range_from(int first, unsigned flags)
{
	return raw_call(SYS_close_range, first, ~0U, flags, 0, 0);
}

IN_CHILD static long move_up(int *fds, int n, int limit)
{
	for (int i = 0; i < n; i++) {
		long fd = fds[i];

		if (fd < limit)
			fd = raw_call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, limit, 0, 0);
		if (fd < 0)
			return fd;
		fds[i] = (int)fd;
	}
	return 0;
}

IN_CHILD static long place(const int *fds, int n, int first)
{
	for (int i = 0; i < n; i++) {
		long r = raw_call(SYS_dup3, fds[i], first + i, 0, 0, 0);

		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Until here the child shares the keeper's table of descriptors. It takes a copy only up to the
 * last that the program needs: copying the listeners of a thousand services would cost more than
 * starting the program.
 *
 * dup3() also clears the close-on-exec flag. A source below @count would be overwritten: it moves.
 */
IN_CHILD static long place_descriptors(struct spawn_descriptors *descriptors)
{
	int standard[] = { descriptors->in, descriptors->out, descriptors->err };
	int count = N_STANDARD + descriptors->n_others;
	int last = highest(standard, N_STANDARD, STDERR_FILENO);
	long r;

	last = highest(descriptors->others, descriptors->n_others, last);
	r = close_range_from(last + 1, CLOSE_RANGE_UNSHARE);
	if (r == 0)
		r = move_up(standard, N_STANDARD, count);
	if (r == 0)
		r = move_up(descriptors->others, descriptors->n_others, count);
	if (r == 0)
		r = place(standard, N_STANDARD, 0);
	if (r == 0)
		r = place(descriptors->others, descriptors->n_others, N_STANDARD);
	return r < 0 ? r : close_range_from(count, 0);
}

/* The groups come before the user, which may not change them any more. */
IN_CHILD static long become_group(const struct spawn_plan *plan)
{
	long r;

	if (!plan->change_user)
		return 0;
	r = raw_call(RAW_SETGROUPS, (long)plan->n_groups, raw_address(plan->groups), 0, 0, 0);
	return r < 0 ? r : raw_call(RAW_SETRESGID, plan->gid, plan->gid, plan->gid, 0, 0);
}

/* Otherwise the program would inherit capabilities that superd was given, such as for low ports. */
IN_CHILD static long drop_ambient(void)
{
	return raw_call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

/*
 * Sets all three ids, so that a program that is not root cannot become root again.
 *
 * From here on the user may send signals to the child, which has the keeper's memory. It may not
 * read it: for a process that has changed its user the kernel refuses to be traced, /proc/PID/mem
 * and dumps of its memory. That goes by the memory, so it holds for the keeper as well, and ends
 * for the program when it is executed.
 */
IN_CHILD static long become_user(const struct spawn_plan *plan)
{
	long r;

	if (!plan->change_user)
		return 0;
	r = raw_call(RAW_SETRESUID, plan->uid, plan->uid, plan->uid, 0, 0);
	if (r < 0)
		return r;
	return plan->uid != 0 && raw_call(RAW_SETUID, 0, 0, 0, 0, 0) == 0 ? -EPERM : 0;
}

/*
 * The kernel forgets the signal when the ids change, so this comes after them. A keeper that has
 * ended in the meantime is the parent no more.
 */
IN_CHILD static long end_with(pid_t keeper, const struct spawn_plan *plan)
{
	long r;

	if (!plan->death_signal)
		return 0;
	r = raw_call(SYS_prctl, PR_SET_PDEATHSIG, plan->death_signal, 0, 0, 0);
	if (r < 0)
		return r;
	return raw_call(SYS_getppid, 0, 0, 0, 0, 0) == keeper ? 0 : -ESRCH;
}

IN_CHILD static long enter_root(const struct spawn_plan *plan)
{
	long r;

	if (!plan->chroot)
		return 0;
	r = raw_call(SYS_chroot, raw_address(plan->chroot), 0, 0, 0, 0);
	return r < 0 ? r : raw_call(SYS_chdir, raw_address("/"), 0, 0, 0, 0);
}

/*
 * As the user, who must be allowed to enter it. To enter it as root before would gain nothing: the
 * keeper does not wait, and root would walk into file systems that belong to the user.
 */
IN_CHILD static long enter_directory(const struct spawn_plan *plan)
{
	return raw_call(SYS_chdir, raw_address(plan->directory), 0, 0, 0, 0);
}

IN_CHILD static long set_priority(const struct spawn_plan *plan)
{
	return plan->nice ? raw_call(SYS_setpriority, PRIO_PROCESS, 0, plan->nice, 0, 0) : 0;
}

IN_CHILD static long connect_client(const struct address *to)
{
	return to ? raw_call(SYS_connect, STDOUT_FILENO, raw_address(&to->any), to->length, 0, 0)
		  : 0;
}

IN_CHILD static long limit_descriptors(const struct rlimit64 *new, struct rlimit64 *old)
{
	return raw_call(SYS_prlimit64, 0, RLIMIT_NOFILE, raw_address(new), raw_address(old), 0);
}

/* The hard limit of the keeper may have been lowered since the start; then that is the limit. */
IN_CHILD static long restore_descriptor_limit(const struct spawn_plan *plan)
{
	struct rlimit64 limit = { plan->descriptors.rlim_cur, plan->descriptors.rlim_max };
	long r;

	if (limit_descriptors(&limit, NULL) == 0)
		return 0;
	r = limit_descriptors(NULL, &limit);
	if (r < 0)
		return r;
	if (limit.rlim_cur > plan->descriptors.rlim_cur)
		limit.rlim_cur = plan->descriptors.rlim_cur;
	return limit_descriptors(&limit, NULL);
}

/*
 * The keeper has the default dispositions but for one signal, whose handler does nothing, so only
 * the mask must be reset. What the user has sent meanwhile arrives now, and ends or stops this
 * process alone.
 */
IN_CHILD static long reset_signals(void)
{
	const uint64_t none[SIGNALS_SIZE / sizeof(uint64_t)] = { 0 };

	return raw_call(SYS_rt_sigprocmask, SIG_SETMASK, raw_address(none), 0, SIGNALS_SIZE, 0);
}

IN_CHILD static void write_pid(char *at)
{
	char digits[16];
	int n = 0;
	long pid = raw_call(SYS_getpid, 0, 0, 0, 0, 0);

	do
		digits[n++] = (char)('0' + pid % 10);
	while (pid /= 10);
	while (n > 0)
		*at++ = digits[--n];
	*at = '\0';
}

IN_CHILD static long execute(const struct spawn_plan *plan)
{
	(void)raw_call(SYS_umask, plan->umask, 0, 0, 0, 0);
	if (plan->listen_pid)
		write_pid(plan->listen_pid);
	return raw_call(SYS_execve, raw_address(plan->path), raw_address(plan->argv),
			raw_address(plan->envp), 0, 0);
}

/* For a script whose interpreter is missing the kernel says "No such file" too. */
IN_CHILD static bool is_there(const char *path)
{
	return raw_call(SYS_faccessat, AT_FDCWD, raw_address(path), F_OK, 0, 0) == 0;
}

IN_CHILD static long take_step(struct launch_child *child, enum spawn_step step)
{
	const struct spawn_plan *plan = child->plan;

	switch (step) {
	case SPAWN_SESSION:
		return raw_call(SYS_setsid, 0, 0, 0, 0, 0);
	case SPAWN_DESCRIPTORS:
		return place_descriptors(&child->descriptors);
	case SPAWN_PRIORITY:
		return set_priority(plan);
	case SPAWN_LIMITS:
		return restore_descriptor_limit(plan);
	case SPAWN_CHROOT:
		return enter_root(plan);
	case SPAWN_GROUPS:
		return become_group(plan);
	case SPAWN_USER:
		return become_user(plan);
	case SPAWN_CAPABILITIES:
		return drop_ambient();
	case SPAWN_DEATH_SIGNAL:
		return end_with(child->keeper, plan);
	case SPAWN_DIRECTORY:
		return enter_directory(plan);
	case SPAWN_CONNECT:
		return connect_client(child->descriptors.connect_to);
	case SPAWN_SIGNALS:
		return reset_signals();
	case SPAWN_EXEC:
		return execute(plan);
	default:
		return 0;
	}
}

/* The steps are in the order of their numbers. Only a failed one returns from that of execve(). */
IN_CHILD int launch_child(void *argument)
{
	struct launch_child *child = argument;
	int step = SPAWN_PROCESS;
	long r;

	do {
		step++;
		atomic_store_explicit(&child->step, (enum spawn_step)step, memory_order_relaxed);
		r = take_step(child, (enum spawn_step)step);
	} while (r >= 0);
	atomic_store_explicit(&child->error, (int)-r, memory_order_relaxed);
	/* The keeper, for which this is, would have to wait for the owner of the file system. */
	if (step == SPAWN_EXEC && r == -ENOENT && is_there(child->plan->path))
		atomic_store_explicit(&child->step, SPAWN_INTERPRETER, memory_order_relaxed);
	return EXIT_NOT_STARTED;
}
