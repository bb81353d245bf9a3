#include "front/confinement.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "build-config.h"
#include "channel/channel.h"
#include "config/settings.h"
#include "front/allowed-calls.h"
#include "front/call-filter.h"

/* Sanitizers and the counters of coverage open files, and have threads and signals. */
#define IS_CONFINED (sizeof(SUPERD_NOT_CONFINED) == 1)

/* The largest file is a datagram for a program. */
static const struct {
	const char *name;
	int resource;
	rlim_t most;
} limits[] = {
	{ "RLIMIT_CORE", RLIMIT_CORE, 0 },
	{ "RLIMIT_FSIZE", RLIMIT_FSIZE, CHANNEL_DATAGRAM_MAX },
	{ "RLIMIT_NPROC", RLIMIT_NPROC, 0 },
};

/* A Unix datagram is answered at the path that the client is bound to. */
static bool needs_files(const struct settings *settings)
{
	for (size_t i = 0; i < settings->n_services; i++) {
		const struct service *service = &settings->services[i];

		for (size_t j = 0; j < service->n_endpoints; j++)
			if (service->dispatch == DISPATCH_SESSION &&
			    service->endpoints[j].type == SOCK_DGRAM &&
			    address_is_unix(&service->endpoints[j].address))
				return true;
	}
	return false;
}

/* In a directory that was removed nothing can be made. Returns a descriptor of it. */
static int removed_directory(void)
{
	static const char *const places[] = { "/run", "/tmp", "/" };
	int r = -ENOENT;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char path[sizeof("/run/superd-XXXXXX")];
		int fd;

		(void)snprintf(path, sizeof(path), "%s/superd-XXXXXX", places[i]);
		if (!mkdtemp(path)) {
			r = -errno;
			continue;
		}
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = fd < 0 ? -errno : fd;
		(void)rmdir(path);
		break;
	}
	return r;
}

static int enter_empty_root(void)
{
	AUTO(auto_close) int fd = removed_directory();

	if (fd < 0)
		return fd;
	if (fchdir(fd) < 0 || chroot(".") < 0)
		return -errno;
	return 0;
}

void confinement_leave_files(const struct settings *settings)
{
	int r;

	if (!IS_CONFINED || !settings->front.user.change || needs_files(settings))
		return;
	r = enter_empty_root();
	if (r < 0)
		log_warning(r, "cannot give the front an empty root, so it keeps that of superd");
}

/* Where standard error is a file, lines of log are written to it. Another log is no file. */
static bool writes_to_file(void)
{
	enum log_target target;
	struct stat status;

	return log_descriptor(&target) < 0 && fstat(STDERR_FILENO, &status) == 0 &&
	       S_ISREG(status.st_mode);
}

static int set_limits(void)
{
	bool of_files = !writes_to_file();

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const struct rlimit limit = { limits[i].most, limits[i].most };

		if (limits[i].resource == RLIMIT_FSIZE && !of_files)
			continue;
		if (setrlimit(limits[i].resource, &limit) < 0)
			return -errno;
	}
	return 0;
}

int confinement_enter(const struct settings *settings)
{
	int r = 0;

	if (!IS_CONFINED)
		return 0;
	/* An ordinary user's programs can trace the keeper too, so there this is of no use. */
	if (settings->front.user.change && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		r = -errno;
	if (r == 0)
		r = set_limits();
	if (r < 0)
		return log_error(r, "cannot limit the front");

	if (!call_filter_is_built || settings->front.seccomp == FRONT_SECCOMP_OFF)
		return 0;
	r = call_filter_install(settings->front.seccomp);
	return r == 0 ? 0
		      : log_error(r, "cannot filter the system calls of the front; "
				     "'front_seccomp = off' serves without that");
}

const char *confinement_missing(void)
{
	if (!IS_CONFINED)
		return "the front is not confined: " SUPERD_NOT_CONFINED;
	return call_filter_is_built
		       ? NULL
		       : "the system calls of the front are not filtered: built without libseccomp";
}

static void describe_call(const struct allowed_call *call)
{
	printf("    %s", call->name);
	for (size_t i = 0; i < CALL_CONDITIONS_MAX && call->conditions[i].text; i++)
		printf("%s%s", i ? ", " : ": ", call->conditions[i].text);
	putchar('\n');
}

void confinement_describe(void)
{
	if (confinement_missing())
		printf("In this build %s.\n\n", confinement_missing());

	puts("The front is the process that faces the network. It may make these system calls, "
	     "and\n"
	     "any other ends it (front_seccomp = kill):\n");
	for (const struct allowed_call *at = allowed_calls; at->name; at++)
		if (call_filter_knows(at->name))
			describe_call(at);

	puts("\nThese find no file: the answer is \"Permission denied\", as libraries make them "
	     "unasked\n"
	     "(with front_seccomp = strict they end it, too):\n");
	for (const char *const *at = file_calls; *at; at++)
		if (call_filter_knows(*at))
			printf("    %s\n", *at);

	puts("\nIts limits:\n");
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		printf("    %s %llu\n", limits[i].name, (unsigned long long)limits[i].most);

	puts("\nFiles have no limit where the log is standard error, and that is a file.");
	puts("\nStarted by root, it is the user of front_user without groups or capabilities. Its "
	     "root\n"
	     "is an empty directory that was removed, unless a built-in service answers datagrams\n"
	     "on a Unix socket, for which it needs the path of the client.");
}
