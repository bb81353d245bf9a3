/* The loops that start a program. */

#include "bare.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool.h"

static _Noreturn void run_child(int fd, char *const argv[])
{
	extern char **environ;

	for (int target = 0; target < 3; target++)
		if (dup2(fd, target) < 0)
			_exit(TOOL_FAILED);
	execve(argv[0], argv, environ);
	_exit(TOOL_FAILED);
}

void spawn_loop(int listener, char *program, bool copies_memory)
{
	char *argv[] = { program, NULL };

	for (;;) {
		int fd = accept_client(listener, 0);
		pid_t pid;

		if (fd < 0)
			continue;

		pid = copies_memory ? fork() : vfork();
		if (pid < 0)
			die("fork");
		if (pid == 0)
			run_child(fd, argv);

		close(fd);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
	}
}

static _Noreturn void run_member(int listener, char *const argv[])
{
	extern char **environ;

	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || dup2(listener, STDIN_FILENO) < 0)
		_exit(TOOL_FAILED);
	execve(argv[0], argv, environ);
	_exit(TOOL_FAILED);
}

void run_alone(int listener, char *program, unsigned n_processes)
{
	char *argv[] = { program, NULL };

	for (unsigned i = 0; i < n_processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0)
			run_member(listener, argv);
	}

	close(listener);
	for (;;)
		pause();
}
