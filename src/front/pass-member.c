/* One member of a crew of dispatch `pass`: its socket, its seats, and what is said there. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "channel/pass-table.h"
#include "front/client-log.h"
#include "front/pass-crew.h"
#include "front/pass-message.h"
#include "front/state.h"
#include "net/client-variables.h"

#define ANSWERS_MAX 32 /* a turn */

struct pass_member *pass_member_new(struct pass_crew *crew, unsigned place, pid_t pid, int fd)
{
	struct pass_member *member;

	member = calloc(1, sizeof(*member) +
				   (size_t)crew->table->n_seats * sizeof(member->free_seats[0]));
	if (!member) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	member->watch.fd = fd;
	member->crew = crew;
	member->place = place;
	member->pid = pid;
	member->idle_since_ms = clock_ms();
	crew->service->front->n_members++;
	return member;
}

static void close_socket(struct pass_member *member)
{
	list_unlink(&member->rank);
	if (member->watch.fd < 0)
		return;
	watch_remove(&member->watch);
	close(take_fd(member->watch.fd));
}

void pass_member_free(struct pass_member *member)
{
	if (!member)
		return;
	close_socket(member);
	if (!member->dismissed)
		member->crew->service->front->n_members--;
	list_unlink(&member->link);
	free(member);
}

unsigned pass_member_clients(const struct pass_member *member)
{
	return member->crew->table->n_seats - member->n_free;
}

static struct pass_seat *seat_of(const struct pass_member *member, unsigned seat)
{
	return pass_table_seat(member->crew->table, member->place, seat);
}

/* The lowest numbers are given first, so that few pages of the table are ever touched. */
static void read_seats(struct pass_member *member)
{
	member->n_free = 0;
	for (unsigned seat = member->crew->table->n_seats; seat-- > 0;)
		if (!atomic_load_explicit(&seat_of(member, seat)->taken, memory_order_relaxed))
			member->free_seats[member->n_free++] = seat;
}

static int64_t empty_seat(struct pass_member *member, unsigned seat)
{
	struct pass_seat *at = seat_of(member, seat);

	atomic_store_explicit(&at->taken, false, memory_order_release);
	member->free_seats[member->n_free++] = seat;
	return clock_us() - at->started_us;
}

static void end_client(struct pass_member *member, unsigned seat, const int *status)
{
	const struct front_service *service = member->crew->service;
	struct address peer = seat_of(member, seat)->peer;
	int64_t lived_us = empty_seat(member, seat);

	pass_crew_count(member->crew, -1);
	atomic_fetch_add_explicit(&front_board(service)->ended, 1, memory_order_relaxed);
	log_pass_ended(service->settings, &peer, member->pid, lived_us, status);
}

static void reproach(struct pass_member *member)
{
	if (member->reproached)
		return;
	member->reproached = true;
	log_service(LOG_WARNING, member->crew->service->settings->name, 0,
		    "its program (pid %ld) sent an answer that is none, ignoring",
		    (long)member->pid);
}

static void take_answer(struct pass_member *member, const char *text, size_t n)
{
	int seat = pass_message_read_answer(text, n, member->crew->table->n_seats);

	if (seat >= 0 &&
	    atomic_load_explicit(&seat_of(member, (unsigned)seat)->taken, memory_order_relaxed))
		end_client(member, (unsigned)seat, NULL);
	else
		reproach(member);
}

/* Returns how many came, ANSWERS_MAX when there may be more, or -EPIPE at the end. */
static int take_answers(struct pass_member *member)
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
	n = recvmmsg(member->watch.fd, headers, ANSWERS_MAX, MSG_DONTWAIT, NULL);
	if (n < 0)
		return errno == ECONNRESET || errno == EPIPE ? -EPIPE : 0;

	for (int i = 0; i < n; i++) {
		/* An empty message reads as the end, and who sends one means as much. */
		if (headers[i].msg_len == 0)
			return -EPIPE;
		take_answer(member, texts[i], headers[i].msg_len);
	}
	return n;
}

static void on_ready(struct watch *watch)
{
	struct pass_member *member = container_of(watch, struct pass_member, watch);
	bool has_room = watch->ready & WATCH_WRITE;

	if (watch->ready & WATCH_READ && take_answers(member) < 0) {
		close_socket(member);
		member->closed = true;
		has_room = false;
	}
	if (has_room)
		(void)watch_change(watch, WATCH_READ);
	pass_crew_settle(member);
}

int pass_member_engage(struct pass_member *member)
{
	int r;

	if (member->engaged)
		return 0;
	read_seats(member);
	r = watch_add(&member->watch, member->crew->service->front->poller, member->watch.fd,
		      WATCH_READ, on_ready);
	if (r < 0)
		return r;
	member->engaged = true;
	pass_crew_count(member->crew, (int)pass_member_clients(member));
	pass_crew_rank(member);
	return 0;
}

void pass_member_disengage(struct pass_member *member)
{
	if (!member->engaged)
		return;
	member->engaged = false;
	watch_remove(&member->watch);
	list_unlink(&member->rank);
	pass_crew_count(member->crew, -(int)pass_member_clients(member));
}

static int send_client(const struct pass_member *member, unsigned seat,
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

	client_text_init(&words, member->crew->service->settings->name, client->type, &client->peer,
			 &client->local);
	part.iov_len = pass_message_write(text, seat, &words);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &client->fd, sizeof(client->fd));
	return sendmsg(member->watch.fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/*
 * Before the client is sent: the program may well run, and this front be killed, before
 * sendmsg() returns.
 */
static unsigned take_seat(struct pass_member *member, const struct pass_client *client)
{
	unsigned number = member->free_seats[--member->n_free];
	struct pass_seat *seat = seat_of(member, number);

	seat->started_us = clock_us();
	seat->peer = client->peer;
	atomic_store_explicit(&seat->taken, true, memory_order_release);
	return number;
}

int pass_member_give(struct pass_member *member, const struct pass_client *client)
{
	unsigned seat = take_seat(member, client);
	int r;

	r = send_client(member, seat, client);
	if (r == 0) {
		log_passed(member->crew->service->settings, &client->peer, member->pid);
		pass_crew_rank(member);
		return 0;
	}

	(void)empty_seat(member, seat);
	if (r == -EAGAIN) {
		list_unlink(&member->rank);
		(void)watch_change(&member->watch, WATCH_READ | WATCH_WRITE);
	} else if (r == -EPIPE || r == -ECONNRESET) {
		/* Its end is read where its last answers are. */
		list_unlink(&member->rank);
		r = -EPIPE;
	}
	return r;
}

void pass_member_bury(struct pass_member *member, const int *status)
{
	if (!member->engaged)
		return;

	while (member->watch.fd >= 0 && take_answers(member) == ANSWERS_MAX)
		;
	for (unsigned seat = 0; seat < member->crew->table->n_seats; seat++)
		if (atomic_load_explicit(&seat_of(member, seat)->taken, memory_order_relaxed))
			end_client(member, seat, status);
}
