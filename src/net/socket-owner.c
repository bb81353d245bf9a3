#include "net/socket-owner.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "net/endpoint.h"

#define LISTENS 0x0a /* a TCP socket, in the words of the kernel */
#define NAME_MAX_LENGTH 16

/* A socket of the lists in /proc/net. */
struct found {
	struct endpoint endpoint;
	unsigned state;
	unsigned long inode;
};

static void auto_fclose(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

static void auto_closedir(DIR **directory)
{
	if (*directory)
		(void)closedir(*directory);
}

/* The words of an address are written as this machine reads them. */
static bool read_words(const char *hex, uint32_t *out, size_t n)
{
	if (strlen(hex) != 8 * n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (sscanf(hex + 8 * i, "%8x", &out[i]) != 1)
			return false;
	return true;
}

static bool read_inet(const char *line, int family, struct found *out)
{
	struct address *address = &out->endpoint.address;
	char hex[33];
	unsigned port;

	if (sscanf(line, " %*u: %32[0-9A-F]:%4x %*s %2x %*s %*s %*s %*s %*s %lu", hex, &port,
		   &out->state, &out->inode) != 4)
		return false;
	*address = (struct address){ .length = sizeof(address->in6) };
	address->any.sa_family = (sa_family_t)family;
	if (!read_words(hex,
			family == AF_INET ? &address->in.sin_addr.s_addr
					  : address->in6.sin6_addr.s6_addr32,
			family == AF_INET ? 1 : 4))
		return false;
	address_unmap(address);
	address_set_port(address, port);
	return true;
}

static unsigned long find_inet(const struct endpoint *endpoint, int family)
{
	bool is_udp = endpoint->type == SOCK_DGRAM;
	struct found found = { .endpoint.type = endpoint->type };
	AUTO(auto_fclose) FILE *list = NULL;
	char path[32], line[512];

	(void)snprintf(path, sizeof(path), "/proc/self/net/%s%s", is_udp ? "udp" : "tcp",
		       family == AF_INET ? "" : "6");
	list = fopen(path, "re");
	/* TCP sockets that listen come first, so the others are not read. */
	while (list && fgets(line, sizeof(line), list))
		if (read_inet(line, family, &found)) {
			if (!is_udp && found.state != LISTENS)
				break;
			if (found.inode && endpoint_collides(&found.endpoint, endpoint))
				return found.inode;
		}
	return 0;
}

static bool is_name(const struct address *address, const char *name)
{
	const char *path = address->un.sun_path;

	if (path[0])
		return strcmp(path, name) == 0;
	return name[0] == '@' && strncmp(path + 1, name + 1, sizeof(address->un.sun_path) - 1) == 0;
}

static unsigned long find_unix(const struct endpoint *endpoint)
{
	AUTO(auto_fclose) FILE *list = fopen("/proc/self/net/unix", "re");
	char line[512], name[256];
	unsigned long inode;

	while (list && fgets(line, sizeof(line), list))
		if (sscanf(line, "%*[^:]: %*x %*x %*x %*x %*x %lu %255[^\n]", &inode, name) == 2 &&
		    is_name(&endpoint->address, name))
			return inode;
	return 0;
}

static unsigned long find_socket(const struct endpoint *endpoint)
{
	int family = endpoint->address.any.sa_family;
	unsigned long inode;

	if (address_is_unix(&endpoint->address))
		return find_unix(endpoint);
	inode = find_inet(endpoint, family);
	return inode ? inode : find_inet(endpoint, family == AF_INET ? AF_INET6 : AF_INET);
}

static bool has_socket(int processes, const char *pid, const char *socket)
{
	AUTO(auto_closedir) DIR *directory = NULL;
	const struct dirent *entry;
	char path[64], target[64];
	int fd;

	(void)snprintf(path, sizeof(path), "%.16s/fd", pid);
	fd = openat(processes, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	directory = fd < 0 ? NULL : fdopendir(fd);
	if (!directory) {
		auto_close(&fd);
		return false;
	}
	while ((entry = readdir(directory))) {
		ssize_t n = readlinkat(fd, entry->d_name, target, sizeof(target) - 1);

		if (n <= 0)
			continue;
		target[n] = '\0';
		if (strcmp(target, socket) == 0)
			return true;
	}
	return false;
}

/* The name that a process has may be any bytes. */
static void read_name(int processes, const char *pid, struct socket_owner *out)
{
	AUTO(auto_close) int fd = -1;
	char path[64], name[NAME_MAX_LENGTH];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%.16s/comm", pid);
	fd = openat(processes, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, name, sizeof(name));
	if (n > 0 && name[n - 1] == '\n')
		n--;
	text_escape(out->name, sizeof(out->name), name, n > 0 ? (size_t)n : 0);
}

int socket_owner_find(const struct endpoint *endpoint, int64_t until_ms, struct socket_owner *out)
{
	AUTO(auto_closedir) DIR *processes = NULL;
	const struct dirent *entry;
	unsigned long inode;
	char socket[64];

	if (clock_ms() >= until_ms)
		return -ENOENT;
	inode = find_socket(endpoint);
	processes = inode ? opendir("/proc") : NULL;
	if (!processes)
		return -ENOENT;

	(void)snprintf(socket, sizeof(socket), "socket:[%lu]", inode);
	while ((entry = readdir(processes)) && clock_ms() < until_ms) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !has_socket(dirfd(processes), entry->d_name, socket))
			continue;
		out->pid = (pid_t)strtol(entry->d_name, NULL, 10);
		read_name(dirfd(processes), entry->d_name, out);
		return 0;
	}
	return -ENOENT;
}
