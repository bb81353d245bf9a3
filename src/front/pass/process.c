/* One process of a pool of dispatch `pass`: its socket, its clients, and what is said there. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "channel/pass-table.h"
#include "front/core/client-log.h"
#include "front/pass/balancer.h"
#include "front/pass/message.h"
#include "front/state.h"
#include "net/client-variables.h"

#define ANSWERS_MAX 32 /* a turn */

struct pass_process *pass_process_new(struct balancer *pool, unsigned process_index, pid_t pid,
				      int fd)
{
	struct pass_process *process;

	process = calloc(1, sizeof(*process) + (size_t)pool->table->n_clients *
						       sizeof(process->free_clients[0]));
	if (!process) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	process->watch.fd = fd;
	process->pool = pool;
	process->process_index = process_index;
	process->pid = pid;
	process->idle_since_ms = clock_ms();
	pool->service->front->n_processes++;
	return process;
}

static void close_socket(struct pass_process *process)
{
	list_unlink(&process->rank);
	if (process->watch.fd < 0)
		return;
	watch_remove(&process->watch);
	close(take_fd(process->watch.fd));
}

void pass_process_free(struct pass_process *process)
{
	if (!process)
		return;
	close_socket(process);
	if (!process->dismissed)
		process->pool->service->front->n_processes--;
	list_unlink(&process->link);
	free(process);
}

unsigned pass_process_clients(const struct pass_process *process)
{
	return process->pool->table->n_clients - process->n_free;
}

static struct pass_table_entry *entry_of(const struct pass_process *process, unsigned client_index)
{
	return pass_table_entry(process->pool->table, process->process_index, client_index);
}

/* The lowest numbers are given first, so that few pages of the table are ever touched. */
static void read_clients(struct pass_process *process)
{
	process->n_free = 0;
	for (unsigned client_index = process->pool->table->n_clients; client_index-- > 0;)
		if (!atomic_load_explicit(&entry_of(process, client_index)->taken,
					  memory_order_relaxed))
			process->free_clients[process->n_free++] = client_index;
}

static int64_t empty_entry(struct pass_process *process, unsigned client_index)
{
	struct pass_table_entry *at = entry_of(process, client_index);

	atomic_store_explicit(&at->taken, false, memory_order_release);
	process->free_clients[process->n_free++] = client_index;
	return clock_us() - at->started_us;
}

static void end_client(struct pass_process *process, unsigned client_index, const int *status)
{
	const struct front_service *service = process->pool->service;
	struct address peer = entry_of(process, client_index)->peer;
	int64_t lived_us = empty_entry(process, client_index);

	balancer_count(process->pool, -1);
	atomic_fetch_add_explicit(&service->stats->ended, 1, memory_order_relaxed);
	log_pass_ended(service->settings, &peer, process->pid, lived_us, status);
}

static void reproach(struct pass_process *process)
{
	if (process->reproached)
		return;
	process->reproached = true;
	log_service(LOG_WARNING, process->pool->service->settings->name, 0,
		    "its program (pid %ld) sent an answer that is none, ignoring",
		    (long)process->pid);
}

static void take_answer(struct pass_process *process, const char *text, size_t n)
{
	int client_index = pass_message_read_answer(text, n, process->pool->table->n_clients);

	if (client_index >= 0 &&
	    atomic_load_explicit(&entry_of(process, (unsigned)client_index)->taken,
				 memory_order_relaxed))
		end_client(process, (unsigned)client_index, NULL);
	else
		reproach(process);
}

/* Returns how many came, ANSWERS_MAX when there may be more, or -EPIPE at the end. */
static int take_answers(struct pass_process *process)
{
	static char texts[ANSWERS_MAX][PASS_ANSWER_MAX];
	struct iovec parts[ANSWERS_MAX];
	struct mmsghdr headers[ANSWERS_MAX];
	int n;

	for (int i = 0; i < ANSWERS_MAX; i++) {
		parts[i] = (struct iovec){ texts[i], sizeof(texts[i]) };
		headers[i] =
			(struct mmsghdr){ .msg_hdr = { .msg_iov = &parts[i], .msg_iovlen = 1 } };
	}
	n = recvmmsg(process->watch.fd, headers, ANSWERS_MAX, MSG_DONTWAIT, NULL);
	if (n < 0)
		return errno == ECONNRESET || errno == EPIPE ? -EPIPE : 0;

	for (int i = 0; i < n; i++) {
		/* An empty message reads as the end, and who sends one means as much. */
		if (headers[i].msg_len == 0)
			return -EPIPE;
		take_answer(process, texts[i], headers[i].msg_len);
	}
	return n;
}

static void on_ready(struct watch *watch)
{
	struct pass_process *process = container_of(watch, struct pass_process, watch);
	bool has_room = watch->ready & WATCH_WRITE;

	if (watch->ready & WATCH_READ && take_answers(process) < 0) {
		close_socket(process);
		process->closed = true;
		has_room = false;
	}
	if (has_room)
		(void)watch_change(watch, WATCH_READ);
	balancer_settle(process);
}

int pass_process_engage(struct pass_process *process)
{
	int r;

	if (process->engaged)
		return 0;
	read_clients(process);
	r = watch_add(&process->watch, process->pool->service->context->poller, process->watch.fd,
		      WATCH_READ, on_ready);
	if (r < 0)
		return r;
	process->engaged = true;
	balancer_count(process->pool, (int)pass_process_clients(process));
	balancer_rank(process);
	return 0;
}

void pass_process_disengage(struct pass_process *process)
{
	if (!process->engaged)
		return;
	process->engaged = false;
	watch_remove(&process->watch);
	list_unlink(&process->rank);
	balancer_count(process->pool, -(int)pass_process_clients(process));
}

static int send_client(const struct pass_process *process, unsigned client_index,
		       const struct pass_client *client)
{
	char text[PASS_MESSAGE_MAX];
	struct iovec part = { .iov_base = text };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
	struct client_text words;

	client_text_init(&words, process->pool->service->settings->name, client->type,
			 &client->peer, &client->local);
	part.iov_len = pass_message_write(text, client_index, &words);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &client->fd, sizeof(client->fd));
	return sendmsg(process->watch.fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/*
 * Before the client is sent: the program may well run, and this front be killed, before
 * sendmsg() returns.
 */
static unsigned take_entry(struct pass_process *process, const struct pass_client *client)
{
	unsigned number = process->free_clients[--process->n_free];
	struct pass_table_entry *entry = entry_of(process, number);

	entry->started_us = clock_us();
	entry->peer = client->peer;
	atomic_store_explicit(&entry->taken, true, memory_order_release);
	return number;
}

int pass_process_give(struct pass_process *process, const struct pass_client *client)
{
	unsigned client_index = take_entry(process, client);
	int r;

	r = send_client(process, client_index, client);
	if (r == 0) {
		log_passed(process->pool->service->settings, &client->peer, process->pid);
		balancer_rank(process);
		return 0;
	}

	(void)empty_entry(process, client_index);
	if (r == -EAGAIN) {
		list_unlink(&process->rank);
		(void)watch_change(&process->watch, WATCH_READ | WATCH_WRITE);
	} else if (r == -EPIPE || r == -ECONNRESET) {
		/* Its end is read where its last answers are. */
		list_unlink(&process->rank);
		r = -EPIPE;
	}
	return r;
}

void pass_process_bury(struct pass_process *process, const int *status)
{
	if (!process->engaged)
		return;

	while (process->watch.fd >= 0 && take_answers(process) == ANSWERS_MAX)
		;
	for (unsigned client_index = 0; client_index < process->pool->table->n_clients;
	     client_index++)
		if (atomic_load_explicit(&entry_of(process, client_index)->taken,
					 memory_order_relaxed))
			end_client(process, client_index, status);
}
