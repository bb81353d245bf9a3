#include "hostile-front.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#include "hostile-descriptor.h"
#include "keeper-stage.h"

#define FDS_MAX 3
#define N_LENGTHS 6 /* that are usual, and one that is as the fuzzer says */
#define N_ACTIONS (ACTION_LAST + 1 - ACTION_FIRST)

static enum hostile_kind kind_of(const struct step *step, size_t i)
{
	return (step->kind + i) % N_KINDS;
}

static bool is_of(uint32_t service, uint32_t one, uint32_t other)
{
	return service == one || service == other;
}

/* Messages */

static uint32_t number(uint8_t value)
{
	return value == UINT8_MAX ? UINT32_MAX : value % (N_SERVICES + 1);
}

static struct address make_address(const uint8_t bytes[28], uint8_t length)
{
	const socklen_t lengths[N_LENGTHS] = { 0,
					       sizeof(struct sockaddr_in),
					       sizeof(struct sockaddr_in6),
					       sizeof(struct sockaddr_un),
					       sizeof(sa_family_t),
					       length };
	struct address address = { .length = lengths[length % N_LENGTHS] };

	memcpy(&address.un, bytes, 28);
	return address;
}

static struct channel_request make_request(const struct step *step)
{
	return (struct channel_request){
		.service = number(step->service),
		.endpoint = number(step->endpoint),
		.peer = make_address(step->peer, step->peer_length),
		.local = make_address(step->local, step->local_length),
	};
}

static struct channel_message make_message(const struct step *step)
{
	struct channel_message message = { .type = step->type % (CHANNEL_TYPES + 1) };

	switch (message.type) {
	case CHANNEL_GROW:
		message.grow.service = number(step->service);
		break;
	case CHANNEL_DISMISS:
		message.dismiss = (struct channel_dismiss){ number(step->service),
							    number(step->index),
							    (int32_t)number(step->pid) };
		break;
	default:
		message.request = make_request(step);
	}
	return message;
}

/* Mostly nothing. */
static size_t lacking(const struct step *step)
{
	return step->lacking < 240 ? 0 : step->lacking;
}

static size_t count_fds(const struct step *step)
{
	return step->n_fds % (FDS_MAX + 1);
}

bool front_say(const struct stage *stage, const struct step *step)
{
	struct channel_message message = make_message(step);
	size_t n = count_fds(step);
	struct iovec part = { &message, sizeof(message) - lacking(step) };
	union {
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	const struct linger none = { 0 };
	int fds[FDS_MAX];
	ssize_t sent;

	for (size_t i = 0; i < n; i++)
		fds[i] = hostile_descriptor(stage, kind_of(step, i));
	if (n > 0) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(n * sizeof(int));
		*CMSG_FIRSTHDR(&header) = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
							    .cmsg_type = SCM_RIGHTS,
							    .cmsg_len = CMSG_LEN(n * sizeof(int)) };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&header)), fds, n * sizeof(int));
	}
	sent = sendmsg(stage->channel, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
	for (size_t i = 0; i < n; i++) {
		/* It is not for the test to wait for the last close. */
		if (sent < 0)
			(void)setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &none, sizeof(none));
		close(fds[i]);
	}
	return sent >= 0;
}

/* The judge */

static bool is_bad_address(const struct address *address)
{
	switch (address->any.sa_family) {
	case AF_INET:
		return address->length != 16 && address->length != 0;
	case AF_INET6:
		return address->length != 28 && address->length != 0;
	case AF_UNIX:
		return address->length == 1 || address->length > 110;
	default:
		return address->length != 0;
	}
}

static bool is_bad_request(const struct step *step, const struct channel_message *message)
{
	const struct channel_request *request = &message->request;
	uint32_t service = request->service;
	enum hostile_kind kind = kind_of(step, 0);

	if (is_bad_address(&request->peer) || is_bad_address(&request->local) ||
	    service >= N_SERVICES || request->endpoint != service)
		return true;
	switch (message->type) {
	case CHANNEL_SPAWN:
		if (kind == RESET || kind == BLOCKED)
			kind = TCP;
		return !is_of(service, TCP, STREAM) || kind != (enum hostile_kind)service;
	case CHANNEL_DATAGRAM:
		return !is_of(service, UDP, LOCAL) || kind != SEALED;
	default:
		return service != WAIT;
	}
}

bool front_may_not_say(const struct step *step)
{
	const struct channel_message message = make_message(step);
	const struct channel_traits *traits = channel_traits(message.type);

	if (lacking(step) > 0 || !traits || !traits->from_front ||
	    count_fds(step) != traits->has_descriptor)
		return true;
	switch (message.type) {
	case CHANNEL_READY:
		return true;
	case CHANNEL_GROW:
		return !is_of(message.grow.service, POOL, PASS);
	case CHANNEL_DISMISS:
		return message.dismiss.service != PASS || message.dismiss.index == UINT32_MAX;
	default:
		return traits->has_request && is_bad_request(step, &message);
	}
}

void front_check_ended(const struct step *step, bool has_ended)
{
	const struct channel_message message = make_message(step);
	const struct channel_traits *traits = channel_traits(message.type);

	if (has_ended || !front_may_not_say(step))
		return;
	(void)fprintf(stderr,
		      "The keeper believes type %u (%s) for service %u, endpoint %u, with %zu "
		      "descriptors from kind %u on, addresses of %u and %u bytes.\n",
		      message.type, traits ? traits->name : "none", message.request.service,
		      message.request.endpoint, count_fds(step), kind_of(step, 0),
		      message.request.peer.length, message.request.local.length);
	abort();
}

/* What the front of a keeper that is well says */

#define REQUEST(of, number) .type = CHANNEL_##of, .service = (number), .endpoint = (number)
#define PEER_IN .peer_length = 1, .peer = { AF_INET, 0, 0x7f, 0xff, 127, 0, 0, 1 }
#define PEER_IN6 .peer_length = 2, .peer = { AF_INET6, 0, 0x7f, 0xff, [23] = 1 }
#define LOCAL_IN6 .local_length = 2, .local = { AF_INET6, 0, 0x7f, 0xff, [23] = 1 }
#define PEER_UN .peer_length = 3, .peer = { AF_UNIX, 0, '/', 'x' }
#define LOCAL_UN .local_length = 3, .local = { AF_UNIX, 0, '/', 'y' }

static const struct step honest[] = {
	{ REQUEST(SPAWN, TCP), .n_fds = 1, .kind = TCP, PEER_IN },
	{ REQUEST(SPAWN, TCP), .n_fds = 1, .kind = BLOCKED, PEER_IN },
	{ REQUEST(SPAWN, STREAM), .n_fds = 1, .kind = STREAM, PEER_UN, LOCAL_UN },
	{ REQUEST(DATAGRAM, UDP), .n_fds = 1, .kind = SEALED, PEER_IN },
	{ REQUEST(DATAGRAM, UDP), .n_fds = 1, .kind = SEALED, PEER_IN6, LOCAL_IN6 },
	{ REQUEST(DATAGRAM, LOCAL), .n_fds = 1, .kind = SEALED, PEER_UN, LOCAL_UN },
	{ REQUEST(WAIT, WAIT) },
	{ REQUEST(GROW, POOL) },
	{ REQUEST(GROW, PASS) },
	{ REQUEST(DISMISS, PASS), .index = 0, .pid = 1 },
	{ .type = CHANNEL_HALTED },
	{ .type = CHANNEL_ALIVE },
	{ .type = CHANNEL_LOG_LOST },
};

/* What the keeper never reads is closed with the channel. */
static const struct step last_words[] = {
	{ .type = 0 },
	{ REQUEST(SPAWN, TCP), .n_fds = 1, .kind = BLOCKED, PEER_IN },
};

#define N_HONEST (sizeof(honest) / sizeof(honest[0]))

size_t front_honest_steps(const struct step **out)
{
	*out = honest;
	return N_HONEST;
}

/* The values of a field that differ in what they mean. */
static bool is_of_interest(size_t field, unsigned value)
{
	switch (field) {
	case offsetof(struct step, type):
		return value <= CHANNEL_TYPES;
	case offsetof(struct step, kind):
		return value < N_KINDS;
	case offsetof(struct step, n_fds):
		return value <= FDS_MAX;
	case offsetof(struct step, lacking):
		return value == 240 || value == UINT8_MAX;
	case offsetof(struct step, peer_length):
	case offsetof(struct step, local_length):
		return value < N_LENGTHS || value % N_LENGTHS == N_LENGTHS - 1;
	default:
		return value <= N_SERVICES || value == UINT8_MAX;
	}
}

static void change_field(const struct step *from, size_t field, front_say_fn *say)
{
	for (unsigned value = 0; value <= UINT8_MAX; value++) {
		struct step step = *from;

		if (!is_of_interest(field, value))
			continue;
		((uint8_t *)&step)[field] = (uint8_t)value;
		say(&step);
	}
}

void front_each_near_miss(front_say_fn *say)
{
	for (size_t i = 0; i < N_HONEST; i++)
		for (size_t field = offsetof(struct step, type);
		     field < offsetof(struct step, peer); field++)
			change_field(&honest[i], field, say);
}

/* Changes steps, where the fuzzer only knows bytes. Returns the new number of them. */
static size_t mutate(struct step *steps, size_t n, size_t n_max, unsigned *seed)
{
	size_t at = n > 0 ? (size_t)rand_r(seed) % n : 0;
	size_t field = (size_t)rand_r(seed) % offsetof(struct step, peer);

	if (n < n_max && (n == 0 || rand_r(seed) % 2)) {
		memmove(&steps[at + 1], &steps[at], (n - at) * sizeof(*steps));
		steps[at] = honest[(size_t)rand_r(seed) % N_HONEST];
		n++;
	}
	if (rand_r(seed) % 4 == 0)
		steps[at].action = (uint8_t)(ACTION_FIRST + rand_r(seed) % N_ACTIONS);
	else if (rand_r(seed) % 4)
		((uint8_t *)&steps[at])[field] = (uint8_t)rand_r(seed);
	return n;
}

static size_t mutate_steps(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	struct step steps[STEPS_MAX];
	size_t n = size / sizeof(steps[0]), n_max = max_size / sizeof(steps[0]);

	if (n > STEPS_MAX)
		n = STEPS_MAX;
	if (n_max > STEPS_MAX)
		n_max = STEPS_MAX;
	memcpy(steps, data, n * sizeof(steps[0]));
	n = mutate(steps, n, n_max, &seed);
	memcpy(data, steps, n * sizeof(steps[0]));
	return n * sizeof(steps[0]);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	return seed % 2 ? mutate_steps(data, size, max_size, seed)
			: LLVMFuzzerMutate(data, size, max_size);
}

void front_each_step(const uint8_t *data, size_t size, front_say_fn *take)
{
	for (int i = 0; i < STEPS_MAX && size >= sizeof(struct step); i++) {
		struct step step;

		memcpy(&step, data, sizeof(step));
		data += sizeof(step);
		size -= sizeof(step);
		take(&step);
	}
}

static void write_seed(const char *directory, const char *name, const void *bytes, size_t size)
{
	char path[4096];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		abort();
	close(fd);
}

static const char *find_corpus(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		DIR *found = argv[i][0] == '-' ? NULL : opendir(argv[i]);

		if (!found)
			continue;
		closedir(found);
		return argv[i];
	}
	return NULL;
}

static void write_seeds(const char *directory)
{
	char name[32];

	for (size_t i = 0; i < N_HONEST; i++) {
		(void)snprintf(name, sizeof(name), "honest-%zu", i);
		write_seed(directory, name, &honest[i], sizeof(honest[i]));
	}
	write_seed(directory, "honest", honest, sizeof(honest));
	write_seed(directory, "last-words", last_words, sizeof(last_words));
}

/* To name functions the sanitizer starts a program, whose pipes would look like a leak. */
static void add_option(int *argc, char ***argv, const char *option)
{
	char **longer = calloc((size_t)*argc + 2, sizeof(*longer));

	memcpy(longer, *argv, (size_t)*argc * sizeof(*longer));
	longer[(*argc)++] = strdup(option);
	*argv = longer;
}

/* As in superd, where all are. It would interrupt whatever waits too long. */
static void block_signal(int number)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, number);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
}

void front_begin_fuzz(int *argc, char ***argv)
{
	const char *corpus = find_corpus(*argc, *argv);

	block_signal(SIGVTALRM);
	if (corpus)
		write_seeds(corpus);
	add_option(argc, argv, "-print_funcs=0");
}
