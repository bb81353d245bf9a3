#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "channel/channel.h"

struct ends {
	int keeper;
	int front;
};

static int open_ends(void **state)
{
	static struct ends ends;

	if (channel_pair(&ends.keeper, &ends.front) < 0)
		return -1;
	*state = &ends;
	return 0;
}

static int close_ends(void **state)
{
	struct ends *ends = *state;

	if (ends->keeper >= 0)
		close(ends->keeper);
	close(ends->front);
	return 0;
}

/* Sends what channel_send() never would: @n_fds copies of descriptor 0 with @size bytes. */
static void send_raw(int channel, const void *bytes, size_t size, size_t n_fds)
{
	struct iovec part = { .iov_base = (void *)bytes, .iov_len = size };
	char control[CMSG_SPACE(3 * sizeof(int))] = { 0 };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

	if (n_fds) {
		struct cmsghdr *rights;

		header.msg_control = control;
		header.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		rights = CMSG_FIRSTHDR(&header);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
	}
	assert_int_equal(sendmsg(channel, &header, 0), size);
}

static int lowest_free_descriptor(void)
{
	int fd = fcntl(0, F_DUPFD, 0);

	close(fd);
	return fd;
}

static void test_message_arrives_with_its_descriptor(void **state)
{
	struct channel_message sent = { .type = CHANNEL_SPAWN,
					.request = { .service = 3, .endpoint = 7 } };
	struct ends *ends = *state;
	struct channel_message got;
	int fd;

	sent.request.peer.length = sizeof(sent.request.peer.in);
	sent.request.peer.in.sin_family = AF_INET;
	assert_int_equal(channel_send(ends->front, &sent, 0), 0);
	assert_int_equal(channel_receive(ends->keeper, &got, &fd), 1);
	assert_int_equal(got.request.service, 3);
	assert_int_equal(got.request.endpoint, 7);
	assert_true(fd > 2);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	assert_int_equal(channel_receive(ends->keeper, &got, &fd), -EAGAIN);
}

static void test_message_of_bad_form_is_refused_and_leaks_nothing(void **state)
{
	struct channel_message bad_type = { .type = 99 }, no_fd = { .type = CHANNEL_SPAWN };
	struct channel_message with_fd = { .type = CHANNEL_READY };
	const struct {
		const struct channel_message *message;
		size_t size, n_fds;
	} cases[] = {
		{ &bad_type, sizeof(bad_type), 0 },
		{ &no_fd, sizeof(no_fd), 0 },
		{ &no_fd, sizeof(no_fd), 2 },
		{ &no_fd, sizeof(no_fd), 3 },
		{ &with_fd, sizeof(with_fd), 1 },
		{ &with_fd, 4, 0 },
		{ &with_fd, 1, 1 },
	};
	struct ends *ends = *state;
	int before = lowest_free_descriptor();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct channel_message got;
		int fd;

		send_raw(ends->front, cases[i].message, cases[i].size, cases[i].n_fds);
		assert_int_equal(channel_receive(ends->keeper, &got, &fd), -EBADMSG);
		assert_int_equal(fd >= 0, cases[i].n_fds > 0);
		if (fd >= 0)
			close(fd);
		/* It is still there. Who takes it away also drops what it carries. */
		assert_int_equal(channel_receive(ends->keeper, &got, &fd), -EBADMSG);
		if (fd >= 0)
			close(fd);
		channel_skip(ends->keeper);
		assert_int_equal(channel_receive(ends->keeper, &got, &fd), -EAGAIN);
	}
	assert_int_equal(lowest_free_descriptor(), before);
}

static const struct {
	sa_family_t family;
	socklen_t length;
	bool is_good;
} addresses[] = {
	{ AF_UNIX, 0, true },
	{ AF_UNIX, 1, false },
	{ AF_UNIX, sizeof(sa_family_t), true },
	{ AF_UNIX, sizeof(struct sockaddr_un), true },
	{ AF_UNIX, sizeof(struct sockaddr_un) + 1, false },
	{ AF_INET, sizeof(struct sockaddr_in) - 1, false },
	{ AF_INET, sizeof(struct sockaddr_in), true },
	{ AF_INET, sizeof(struct sockaddr_in) + 1, false },
	{ AF_INET6, sizeof(struct sockaddr_in6) - 1, false },
	{ AF_INET6, sizeof(struct sockaddr_in6), true },
	{ AF_INET6, sizeof(struct sockaddr_in6) + 1, false },
	{ AF_PACKET, sizeof(struct sockaddr_in), false },
};

static void assert_judged(const struct ends *ends, const struct channel_message *message,
			  bool is_good)
{
	struct channel_message got;
	int fd;

	send_raw(ends->front, message, sizeof(*message), 0);
	assert_int_equal(channel_receive(ends->keeper, &got, &fd), is_good ? 1 : -EBADMSG);
	if (!is_good)
		channel_skip(ends->keeper);
}

static void test_addresses_are_of_a_known_family_and_its_length(void **state)
{
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct address address = { .length = addresses[i].length };
		struct channel_message peer = { .type = CHANNEL_WAIT }, local = peer;

		address.any.sa_family = addresses[i].family;
		peer.request.peer = address;
		local.request.local = address;
		assert_judged(*state, &peer, addresses[i].is_good);
		assert_judged(*state, &local, addresses[i].is_good);
	}
}

static void test_every_type_has_a_name_and_a_sender(void **state)
{
	assert_null(channel_traits(0));
	assert_null(channel_traits(CHANNEL_TYPES));
	assert_null(channel_traits(UINT32_MAX));
	for (uint32_t type = CHANNEL_READY; type < CHANNEL_TYPES; type++) {
		const struct channel_traits *traits = channel_traits(type);

		assert_non_null(traits);
		assert_int_equal(traits->from_front, type < CHANNEL_HALT);
		assert_int_not_equal(traits->states, 0);
	}
}

static void test_full_channel_says_so(void **state)
{
	struct channel_message message = { .type = CHANNEL_ALIVE };
	struct ends *ends = *state;
	int r;

	do
		r = channel_send(ends->front, &message, -1);
	while (r == 0);
	assert_int_equal(r, -EAGAIN);
}

static void test_departed_keeper_reads_as_the_end(void **state)
{
	struct channel_message message = { .type = CHANNEL_ALIVE };
	struct ends *ends = *state;
	int fd;

	close(ends->keeper);
	ends->keeper = -1;
	assert_int_equal(channel_receive(ends->front, &message, &fd), 0);
	message.type = CHANNEL_ALIVE;
	assert_int_equal(channel_send(ends->front, &message, -1), -EPIPE);
}

/* A front that was killed may have left something unread, and something to read. */
static void test_messages_of_who_has_gone_are_read_to_the_end(void **state)
{
	struct channel_message message = { .type = CHANNEL_ALIVE };
	struct ends *ends = *state;
	int fd;

	assert_int_equal(channel_send(ends->keeper, &message, -1), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(channel_send(ends->front, &message, -1), 0);
	close(ends->front);
	for (int i = 0; i < 3; i++)
		assert_int_equal(channel_receive(ends->keeper, &message, &fd), 1);
	assert_int_equal(channel_receive(ends->keeper, &message, &fd), 0);
	ends->front = dup(0);
}

/* Otherwise what comes after it is closed with the channel, unseen. */
static void test_a_message_of_nothing_is_not_the_end(void **state)
{
	struct channel_message message;
	struct ends *ends = *state;
	int fd;

	send_raw(ends->front, "", 0, 0);
	send_raw(ends->front, "", 0, 1);
	assert_int_equal(shutdown(ends->front, SHUT_RDWR), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(channel_receive(ends->keeper, &message, &fd), -EBADMSG);
		assert_int_equal(fd >= 0, i > 0);
		if (fd >= 0)
			close(fd);
		channel_skip(ends->keeper);
	}
	assert_int_equal(channel_receive(ends->keeper, &message, &fd), 0);
}

static void test_descriptor_that_finds_no_number_is_not_lost(void **state)
{
	struct channel_message message = { .type = CHANNEL_SPAWN };
	struct ends *ends = *state;
	struct rlimit old, none;
	int fd, r;

	assert_int_equal(channel_send(ends->front, &message, 0), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	r = channel_receive(ends->keeper, &message, &fd);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(r, -EMFILE);
	assert_int_equal(fd, -1);
	assert_int_equal(channel_receive(ends->keeper, &message, &fd), 1);
	assert_true(fd >= 0);
	close(fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_ends, close_ends)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_message_arrives_with_its_descriptor),
		CASE(test_message_of_bad_form_is_refused_and_leaks_nothing),
		CASE(test_addresses_are_of_a_known_family_and_its_length),
		CASE(test_every_type_has_a_name_and_a_sender),
		CASE(test_full_channel_says_so),
		CASE(test_departed_keeper_reads_as_the_end),
		CASE(test_messages_of_who_has_gone_are_read_to_the_end),
		CASE(test_a_message_of_nothing_is_not_the_end),
		CASE(test_descriptor_that_finds_no_number_is_not_lost),
	};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
