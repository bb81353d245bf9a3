#include "front/pass/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "channel/client-log.h"
#include "channel/pass-table.h"
#include "front/core/client-log.h"
#include "front/core/service.h"
#include "front/pass/message.h"
#include "net/client-variables.h"

#define ANSWERS_MAX 32 /* a turn */

struct pass_process *pass_process_new(struct pass_common *common, unsigned index, pid_t pid, int fd)
{
	struct pass_process *process;

	process = calloc(1, sizeof(*process) + (size_t)common->table->n_clients *
						       sizeof(process->free_entries[0]));
	if (!process) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	process->watch.fd = fd;
	process->common = common;
	process->index = index;
	process->pid = pid;
	process->idle_since_ms = clock_ms();
	return process;
}

static void close_socket(struct pass_process *process)
{
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
	free(process);
}

unsigned pass_process_clients(const struct pass_process *process)
{
	return process->common->table->n_clients - process->n_free;
}

bool pass_process_is_writable(const struct pass_process *process)
{
	return process->active && !pass_process_is_closed(process) &&
	       !(process->watch.wanted & WATCH_WRITE);
}

static struct pass_table_entry *entry_of(const struct pass_process *process, unsigned client_index)
{
	return pass_table_entry(process->common->table, process->index, client_index);
}

static bool is_taken(const struct pass_table_entry *entry)
{
	return atomic_load_explicit(&entry->taken, memory_order_relaxed);
}

/* The lowest indices are used first, so that few pages of the table take memory. */
static void find_free_entries(struct pass_process *process)
{
	process->n_free = 0;
	for (unsigned i = process->common->table->n_clients; i-- > 0;)
		if (!is_taken(entry_of(process, i)))
			process->free_entries[process->n_free++] = i;
}

/*
 * Called before the client is sent. Before sendmsg() returns, the program may already serve the
 * client, and this front may be killed.
 */
static unsigned take_entry(struct pass_process *process, const struct pass_client *client)
{
	unsigned client_index = process->free_entries[--process->n_free];
	struct pass_table_entry *entry = entry_of(process, client_index);

	entry->started_us = clock_us();
	entry->peer = client->peer;
	entry->local = client->local;
	atomic_store_explicit(&entry->taken, true, memory_order_release);
	return client_index;
}

static void return_entry(struct pass_process *process, unsigned client_index)
{
	atomic_store_explicit(&entry_of(process, client_index)->taken, false, memory_order_release);
	process->free_entries[process->n_free++] = client_index;
}

static void note_end(const struct front_service *service, const struct pass_table_entry *entry,
		     pid_t pid, const int *status)
{
	atomic_fetch_add_explicit(&service->stats->ended, 1, memory_order_relaxed);
	log_ended(service->settings, &entry->peer, &entry->local, pid,
		  &(struct client_end){ .lived_us = clock_since_us(entry->started_us),
					.status = status,
					.program = service->settings->program.path,
					.reason = status ? NULL : "closed" });
}

static void end_client(struct pass_process *process, unsigned client_index, const int *status)
{
	service_count_sessions(process->common->service, -1);
	note_end(process->common->service, entry_of(process, client_index), process->pid, status);
	return_entry(process, client_index);
}

static void warn_once(struct pass_process *process)
{
	if (process->warned)
		return;
	process->warned = true;
	log_service(LOG_WARNING, process->common->service->settings->name, 0,
		    "its program (pid %ld) sent an invalid answer, ignoring", (long)process->pid);
}

static void take_answer(struct pass_process *process, const char *text, size_t n)
{
	int client_index = pass_message_read_answer(text, n, process->common->table->n_clients);

	if (client_index >= 0 && is_taken(entry_of(process, (unsigned)client_index)))
		end_client(process, (unsigned)client_index, NULL);
	else
		warn_once(process);
}

/* Returns how many answers came; ANSWERS_MAX means that there may be more. -EPIPE: the end. */
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
		/* An empty message looks like the end of file, and is treated as that. */
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

	if (watch->ready & WATCH_READ && take_answers(process) < 0)
		close_socket(process);
	else if (has_room)
		(void)watch_change(watch, WATCH_READ);
	process->common->on_change(process);
}

int pass_process_activate(struct pass_process *process)
{
	int r;

	if (process->active)
		return 0;
	find_free_entries(process);
	r = watch_add(&process->watch, process->common->service->context->poller, process->watch.fd,
		      WATCH_READ, on_ready);
	if (r < 0)
		return r;
	process->active = true;
	service_count_sessions(process->common->service, (int)pass_process_clients(process));
	return 0;
}

void pass_process_deactivate(struct pass_process *process)
{
	if (!process->active)
		return;
	process->active = false;
	watch_remove(&process->watch);
	service_count_sessions(process->common->service, -(int)pass_process_clients(process));
}

static int send_message(const struct pass_process *process, unsigned client_index,
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

	client_text_init(&words, process->common->service->settings->name, client->type,
			 &client->peer, &client->local);
	part.iov_len = pass_message_write(text, client_index, &words);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &client->fd, sizeof(client->fd));
	return sendmsg(process->watch.fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int pass_process_send(struct pass_process *process, const struct pass_client *client)
{
	unsigned client_index = take_entry(process, client);
	int r;

	r = send_message(process, client_index, client);
	if (r == 0) {
		log_accepted(process->common->service->settings, &client->peer, process->pid);
		return 0;
	}

	return_entry(process, client_index);
	if (r == -EAGAIN)
		(void)watch_change(&process->watch, WATCH_READ | WATCH_WRITE);
	/* The end of the socket is noticed later, after its last answers. */
	return r == -ECONNRESET ? -EPIPE : r;
}

void pass_process_end_clients(struct pass_process *process, const int *status)
{
	if (!process->active)
		return;

	while (!pass_process_is_closed(process) && take_answers(process) == ANSWERS_MAX)
		;
	for (unsigned i = 0; i < process->common->table->n_clients; i++)
		if (is_taken(entry_of(process, i)))
			end_client(process, i, status);
}

void pass_process_end_orphans(const struct pass_common *common, unsigned index)
{
	for (unsigned i = 0; i < common->table->n_clients; i++) {
		struct pass_table_entry *entry = pass_table_entry(common->table, index, i);

		if (!is_taken(entry))
			continue;
		note_end(common->service, entry, 0, NULL);
		atomic_store_explicit(&entry->taken, false, memory_order_relaxed);
	}
}
