#pragma once

/*
 * A service of dispatch `pass` without a front: its table, its counts, a poller and timers, and the
 * programs' ends of the sockets, which are the test's.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "channel/pass-table.h"
#include "front/core/service.h"
#include "front/pass/process.h"

#define N_PROCESSES 3
#define N_CLIENTS 2 /* of each process */
#define FIRST_PID 1000

static struct stage {
	struct service settings;
	struct context context;
	struct front_service service;
	struct service_stats stats;
	_Atomic uint32_t sessions;
	struct pass_table *table;
	int programs[N_PROCESSES]; /* or -1 */
} stage;

static inline void stage_set_up(unsigned n_clients)
{
	stage = (struct stage){
		.settings = { .name = (char *)"x",
			      .pool = { .min = N_PROCESSES, .max = N_PROCESSES } },
		.context = { .mode = MODE_SERVING },
		.service = { .settings = &stage.settings,
			     .context = &stage.context,
			     .stats = &stage.stats,
			     .sessions = &stage.sessions },
	};
	assert_int_equal(poller_new(&stage.context.poller, POLLER_EPOLL), 0);
	assert_int_equal(timers_new(&stage.context.timers), 0);
	stage.table = pass_table_new(N_PROCESSES, n_clients);
	assert_non_null(stage.table);
	for (int i = 0; i < N_PROCESSES; i++)
		stage.programs[i] = -1;
}

static inline void stage_tear_down(void)
{
	for (int i = 0; i < N_PROCESSES; i++)
		if (stage.programs[i] >= 0)
			close(stage.programs[i]);
	pass_table_free(stage.table);
	timers_free(stage.context.timers);
	poller_free(stage.context.poller);
}

/* Returns the front's end of the socket of a new process. */
static inline int stage_socket(int process)
{
	int pair[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	if (stage.programs[process] >= 0)
		close(stage.programs[process]);
	stage.programs[process] = pair[0];
	return pair[1];
}

/* Calls whoever has something to read or room to write. */
static inline void stage_turn(void)
{
	assert_true(poller_run(stage.context.poller, 0) >= 0);
}

static inline struct pass_client stage_client(void)
{
	const struct address nobody = { .length = sizeof(sa_family_t), .any.sa_family = AF_UNIX };
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return (struct pass_client){ fd, SOCK_STREAM, nobody, nobody };
}

/* Returns the index of a client that the program finds on its socket, or -1. */
static inline int stage_receive(int process)
{
	char text[4096], control[CMSG_SPACE(sizeof(int))];
	struct iovec part = { text, sizeof(text) };
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control) };
	unsigned client_index;
	int fd;

	if (recvmsg(stage.programs[process], &header, MSG_CMSG_CLOEXEC) < 0)
		return -1;
	assert_int_equal(sscanf(text, "SUPERD_CLIENT=%u", &client_index), 1);
	assert_non_null(CMSG_FIRSTHDR(&header));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof(fd));
	close(fd);
	return (int)client_index;
}

static inline void stage_say(int process, const char *text)
{
	assert_int_equal(send(stage.programs[process], text, strlen(text), MSG_NOSIGNAL),
			 strlen(text));
}

/* The program has finished with the client, and the front hears of it. */
static inline void stage_finish(int process, int client_index)
{
	char text[32];

	snprintf(text, sizeof(text), "DONE=%d", client_index);
	stage_say(process, text);
	stage_turn();
}
