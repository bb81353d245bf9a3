/*
 * A program that tells its client in what state it was started: descriptors,
 * signals, ids, limits, environment. Tests compare what it says with golden
 * files, as a whole, so that nothing can be inherited unnoticed.
 *
 * It serves one client, however it was started: connected, waiting or by datagram.
 */

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

static int option_of(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	(void)getsockopt(fd, level, name, &value, &size);
	return value;
}

static int option(int fd, int name)
{
	return option_of(fd, SOL_SOCKET, name);
}

static const char *family_name(int family)
{
	switch (family) {
	case AF_INET:
		return "IPv4";
	case AF_INET6:
		return "IPv6";
	case AF_UNIX:
		return "Unix";
	}
	return "unknown";
}

static const char *type_name(int type)
{
	switch (type) {
	case SOCK_STREAM:
		return "stream";
	case SOCK_DGRAM:
		return "datagram";
	case SOCK_SEQPACKET:
		return "seqpacket";
	}
	return "unknown";
}

/* Those that are off unless somebody sets them, and are set here. */
static void print_options(FILE *out, int fd)
{
	static const struct {
		int level, name;
		const char *text;
	} options[] = {
		{ SOL_SOCKET, SO_BROADCAST, "broadcast" },
		{ SOL_SOCKET, SO_DEBUG, "debug" },
		{ SOL_SOCKET, SO_DONTROUTE, "dontroute" },
		{ SOL_SOCKET, SO_KEEPALIVE, "keepalive" },
		{ SOL_SOCKET, SO_LINGER, "linger" },
		{ SOL_SOCKET, SO_OOBINLINE, "oobinline" },
		{ SOL_SOCKET, SO_PASSCRED, "passcred" },
		{ SOL_SOCKET, SO_REUSEADDR, "reuseaddr" },
		{ SOL_SOCKET, SO_REUSEPORT, "reuseport" },
		{ SOL_SOCKET, SO_RXQ_OVFL, "rxq_ovfl" },
		{ SOL_SOCKET, SO_TIMESTAMP, "timestamp" },
		{ SOL_SOCKET, SO_TIMESTAMPNS, "timestampns" },
		{ IPPROTO_IP, IP_FREEBIND, "freebind" },
		{ IPPROTO_IP, IP_PKTINFO, "pktinfo" },
		{ IPPROTO_IPV6, IPV6_RECVPKTINFO, "recvpktinfo" },
		{ IPPROTO_TCP, TCP_DEFER_ACCEPT, "defer_accept" },
		{ IPPROTO_TCP, TCP_NODELAY, "nodelay" },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (option_of(fd, options[i].level, options[i].name) > 0)
			fprintf(out, ", %s", options[i].text);
}

static void print_kind(FILE *out, int fd, const struct stat *st)
{
	char link[64], path[256];
	ssize_t n;

	if (S_ISSOCK(st->st_mode)) {
		fprintf(out, "%s %s socket%s", family_name(option(fd, SO_DOMAIN)),
			type_name(option(fd, SO_TYPE)),
			option(fd, SO_ACCEPTCONN) == 1 ? ", listening" : "");
		print_options(out, fd);
		return;
	}
	if (S_ISFIFO(st->st_mode)) {
		fputs("pipe", out);
		return;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n < 0 ? 0 : n] = '\0';
	fputs(path, out);
}

static void print_descriptor(FILE *out, int fd)
{
	struct stat st, other;

	if (fstat(fd, &st) < 0)
		return;

	fprintf(out, "descriptor %d: ", fd);
	for (int i = 0; i < fd; i++)
		if (fstat(i, &other) == 0 && other.st_dev == st.st_dev &&
		    other.st_ino == st.st_ino) {
			fprintf(out, "as %d\n", i);
			return;
		}
	print_kind(out, fd, &st);
	fprintf(out, ", %s\n", fcntl(fd, F_GETFL) & O_NONBLOCK ? "non-blocking" : "blocking");
}

static void print_descriptors(FILE *out)
{
	DIR *directory = opendir("/proc/self/fd");
	bool open[1024] = { false };
	struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd != dirfd(directory) && fd < 1024)
			open[fd] = true;
	}
	if (directory)
		closedir(directory);
	for (int fd = 0; fd < 1024; fd++)
		if (open[fd])
			print_descriptor(out, fd);
}

static void print_peer(FILE *out)
{
	union address peer = { 0 };
	socklen_t size = sizeof(peer);
	char text[INET6_ADDRSTRLEN] = "";

	if (getpeername(1, &peer.any, &size) < 0) {
		fputs("peer: none\n", out);
		return;
	}
	switch (peer.any.sa_family) {
	case AF_INET:
		inet_ntop(AF_INET, &peer.in.sin_addr, text, sizeof(text));
		fprintf(out, "peer: %s port %d\n", text, ntohs(peer.in.sin_port));
		return;
	case AF_INET6:
		inet_ntop(AF_INET6, &peer.in6.sin6_addr, text, sizeof(text));
		fprintf(out, "peer: %s port %d\n", text, ntohs(peer.in6.sin6_port));
		return;
	}
	fprintf(out, "peer: %s\n", family_name(peer.any.sa_family));
}

/* What /proc/self/status knows, in its own words. */
static void print_status(FILE *out)
{
	static const char *const wanted[] = {
		"Umask:",  "Uid:",    "Gid:",    "Groups:", "NoNewPrivs:", "CapInh:", "CapPrm:",
		"CapEff:", "CapAmb:", "SigPnd:", "ShdPnd:", "SigBlk:",     "SigIgn:", "SigCgt:"
	};
	FILE *status = fopen("/proc/self/status", "re");
	char line[4096];

	while (status && fgets(line, sizeof(line), status))
		for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
			if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
				fputs(line, out);
	if (status)
		fclose(status);
}

static void print_process(FILE *out)
{
	struct rlimit files;
	char *directory = getcwd(NULL, 0);
	int terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
	int signal_of_parent = 0;

	getrlimit(RLIMIT_NOFILE, &files);
	prctl(PR_GET_PDEATHSIG, &signal_of_parent);
	fprintf(out, "directory: %s\n", directory ? directory : "none");
	fprintf(out, "session: %s\n", getsid(0) == getpid() ? "own" : "inherited");
	fprintf(out, "process group: %s\n", getpgid(0) == getpid() ? "own" : "inherited");
	fprintf(out, "terminal: %s\n", terminal < 0 ? "none" : "yes");
	fprintf(out, "nice: %d\n", getpriority(PRIO_PROCESS, 0));
	fprintf(out, "descriptors: %lu\n", (unsigned long)files.rlim_cur);
	fprintf(out, "signal when the parent dies: %d\n", signal_of_parent);
	free(directory);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_environment(FILE *out)
{
	size_t n = 0;

	while (environ[n])
		n++;
	qsort(environ, n, sizeof(*environ), compare);
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], "LISTEN_PID=", 11) == 0)
			fprintf(out, "LISTEN_PID=%s\n",
				atoi(environ[i] + 11) == getpid() ? "own" : "wrong");
		else
			fprintf(out, "%s\n", environ[i]);
}

/* A `wait` program finds the listener: it takes one client from it. */
static void answer(const char *text, size_t size)
{
	union address peer = { 0 };
	socklen_t length = sizeof(peer);
	int client = 1;
	char request[65536];

	if (option(0, SO_ACCEPTCONN) == 1)
		client = accept(0, NULL, NULL);
	else if (option(0, SO_TYPE) == SOCK_DGRAM && getpeername(0, &peer.any, &length) < 0) {
		length = sizeof(peer);
		if (recvfrom(0, request, sizeof(request), 0, &peer.any, &length) >= 0)
			(void)sendto(0, text, size, 0, &peer.any, length);
		return;
	}
	(void)!write(client, text, size);
}

int main(int argc, char **argv)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return 1;
	for (int i = 0; i < argc; i++)
		fprintf(out, "argument: %s\n", argv[i]);
	print_descriptors(out);
	print_peer(out);
	print_status(out);
	print_process(out);
	print_environment(out);
	if (fclose(out) != 0)
		return 1;
	answer(text, size);
	free(text);
	return 0;
}
