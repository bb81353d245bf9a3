#include "keeper/listen/socket-record.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/socket-options.h"

/* The largest are the options of IPv4. */
#define VALUE_MAX 40

/* clang-format off */
/* With a value by which the kernel forgets what was set. */
#define HAS(level, name, unset) { level, name, "its option " #name " was changed", true, unset }
#define IS(level, name) { level, name, "its option " #name " was changed", false, 0 }

/*
 * The sizes of the buffers are locked when they are set, so SO_BUF_LOCK comes after them. SO_LINGER is
 * for whoever undoes it always: its time stays when it is off.
 */
static const struct {
	int level;
	int name;
	const char *changed;
	bool has_unset;
	int unset;
} options[] = {
	IS(SOL_SOCKET, SO_BROADCAST),
	IS(SOL_SOCKET, SO_BUSY_POLL),
	IS(SOL_SOCKET, SO_DEBUG),
	IS(SOL_SOCKET, SO_DONTROUTE),
	IS(SOL_SOCKET, SO_KEEPALIVE),
	IS(SOL_SOCKET, SO_MARK),
	IS(SOL_SOCKET, SO_MAX_PACING_RATE),
	IS(SOL_SOCKET, SO_NO_CHECK),
	IS(SOL_SOCKET, SO_OOBINLINE),
	IS(SOL_SOCKET, SO_PASSCRED),
	IS(SOL_SOCKET, SO_PASSRIGHTS),
	IS(SOL_SOCKET, SO_PASSSEC),
	IS(SOL_SOCKET, SO_PEEK_OFF),
	IS(SOL_SOCKET, SO_PRIORITY),
	IS(SOL_SOCKET, SO_RCVLOWAT),
	IS(SOL_SOCKET, SO_RCVTIMEO),
	IS(SOL_SOCKET, SO_REUSEADDR),
	IS(SOL_SOCKET, SO_RXQ_OVFL),
	IS(SOL_SOCKET, SO_SELECT_ERR_QUEUE),
	IS(SOL_SOCKET, SO_SNDTIMEO),
	IS(SOL_SOCKET, SO_TIMESTAMP),
	IS(SOL_SOCKET, SO_TIMESTAMPING),
	IS(SOL_SOCKET, SO_TIMESTAMPNS),
	IS(SOL_SOCKET, SO_TXTIME),
	IS(SOL_SOCKET, SO_ZEROCOPY),
	IS(SOL_SOCKET, SO_RCVBUF),
	IS(SOL_SOCKET, SO_SNDBUF),
	IS(SOL_SOCKET, SO_BUF_LOCK),
	IS(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT),
	IS(IPPROTO_IP, IP_CHECKSUM),
	IS(IPPROTO_IP, IP_FREEBIND),
	IS(IPPROTO_IP, IP_MINTTL),
	IS(IPPROTO_IP, IP_MTU_DISCOVER),
	IS(IPPROTO_IP, IP_MULTICAST_ALL),
	IS(IPPROTO_IP, IP_MULTICAST_IF),
	IS(IPPROTO_IP, IP_MULTICAST_LOOP),
	IS(IPPROTO_IP, IP_MULTICAST_TTL),
	IS(IPPROTO_IP, IP_NODEFRAG),
	IS(IPPROTO_IP, IP_OPTIONS),
	IS(IPPROTO_IP, IP_PKTINFO),
	IS(IPPROTO_IP, IP_RECVERR),
	IS(IPPROTO_IP, IP_RECVFRAGSIZE),
	IS(IPPROTO_IP, IP_RECVOPTS),
	IS(IPPROTO_IP, IP_RECVORIGDSTADDR),
	IS(IPPROTO_IP, IP_RECVTOS),
	IS(IPPROTO_IP, IP_RECVTTL),
	IS(IPPROTO_IP, IP_RETOPTS),
	IS(IPPROTO_IP, IP_TOS),
	IS(IPPROTO_IP, IP_TRANSPARENT),
	HAS(IPPROTO_IP, IP_TTL, -1),
	IS(IPPROTO_IP, IP_UNICAST_IF),
	IS(IPPROTO_IPV6, IPV6_ADDR_PREFERENCES),
	IS(IPPROTO_IPV6, IPV6_AUTOFLOWLABEL),
	IS(IPPROTO_IPV6, IPV6_DONTFRAG),
	IS(IPPROTO_IPV6, IPV6_FREEBIND),
	IS(IPPROTO_IPV6, IPV6_MINHOPCOUNT),
	IS(IPPROTO_IPV6, IPV6_MTU_DISCOVER),
	IS(IPPROTO_IPV6, IPV6_MULTICAST_ALL),
	HAS(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, -1),
	IS(IPPROTO_IPV6, IPV6_MULTICAST_IF),
	IS(IPPROTO_IPV6, IPV6_MULTICAST_LOOP),
	IS(IPPROTO_IPV6, IPV6_RECVDSTOPTS),
	IS(IPPROTO_IPV6, IPV6_RECVERR),
	IS(IPPROTO_IPV6, IPV6_RECVFRAGSIZE),
	IS(IPPROTO_IPV6, IPV6_RECVHOPLIMIT),
	IS(IPPROTO_IPV6, IPV6_RECVHOPOPTS),
	IS(IPPROTO_IPV6, IPV6_RECVORIGDSTADDR),
	IS(IPPROTO_IPV6, IPV6_RECVPATHMTU),
	IS(IPPROTO_IPV6, IPV6_RECVPKTINFO),
	IS(IPPROTO_IPV6, IPV6_RECVRTHDR),
	IS(IPPROTO_IPV6, IPV6_RECVTCLASS),
	IS(IPPROTO_IPV6, IPV6_TCLASS),
	IS(IPPROTO_IPV6, IPV6_TRANSPARENT),
	HAS(IPPROTO_IPV6, IPV6_UNICAST_HOPS, -1),
	IS(IPPROTO_IPV6, IPV6_UNICAST_IF),
	IS(IPPROTO_TCP, TCP_CONGESTION),
	IS(IPPROTO_TCP, TCP_CORK),
	IS(IPPROTO_TCP, TCP_DEFER_ACCEPT),
	IS(IPPROTO_TCP, TCP_FASTOPEN),
	IS(IPPROTO_TCP, TCP_INQ),
	IS(IPPROTO_TCP, TCP_KEEPCNT),
	IS(IPPROTO_TCP, TCP_KEEPIDLE),
	IS(IPPROTO_TCP, TCP_KEEPINTVL),
	HAS(IPPROTO_TCP, TCP_LINGER2, 0),
	HAS(IPPROTO_TCP, TCP_MAXSEG, 0),
	IS(IPPROTO_TCP, TCP_NODELAY),
	IS(IPPROTO_TCP, TCP_NOTSENT_LOWAT),
	IS(IPPROTO_TCP, TCP_SAVE_SYN),
	IS(IPPROTO_TCP, TCP_SYNCNT),
	IS(IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS),
	IS(IPPROTO_TCP, TCP_TX_DELAY),
	IS(IPPROTO_TCP, TCP_USER_TIMEOUT),
	IS(IPPROTO_TCP, TCP_WINDOW_CLAMP),
	IS(IPPROTO_UDP, UDP_CORK),
	IS(IPPROTO_UDP, UDP_GRO),
	IS(IPPROTO_UDP, UDP_SEGMENT),
};

/* clang-format on */

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

/* Without a value the socket does not have the option. */
struct value {
	bool is_there;
	unsigned char length;
	unsigned char bytes[VALUE_MAX];
};

struct socket_record {
	struct value values[N_OPTIONS];
};

static struct value look(int fd, size_t i)
{
	struct value value = { 0 };
	socklen_t length = sizeof(value.bytes);

	value.is_there = getsockopt(fd, options[i].level, options[i].name, value.bytes, &length) ==
			 0;
	value.length = (unsigned char)length;
	return value;
}

static bool is_same(const struct value *a, const struct value *b)
{
	return a->is_there == b->is_there &&
	       (!a->is_there ||
		(a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0));
}

int socket_record_renew(struct socket_record **record, int fd)
{
	if (!*record)
		*record = calloc(1, sizeof(**record));
	if (!*record)
		return -ENOMEM;
	for (size_t i = 0; i < N_OPTIONS; i++)
		(*record)->values[i] = look(fd, i);
	return 0;
}

void socket_record_free(struct socket_record *record)
{
	free(record);
}

void socket_record_follow(struct socket_record *record, const struct socket_record *before, int fd)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		struct value now = look(fd, i);

		if (!is_same(&now, &before->values[i]))
			record->values[i] = now;
	}
}

/* The kernel reports twice of what was set, and lets only root exceed the limits. */
static void set_size(int fd, int name, const struct value *value)
{
	int force = name == SO_RCVBUF ? SO_RCVBUFFORCE : SO_SNDBUFFORCE;
	int size;

	memcpy(&size, value->bytes, sizeof(size));
	if (socket_option_set(fd, SOL_SOCKET, force, size / 2) < 0)
		(void)socket_option_set(fd, SOL_SOCKET, name, size / 2);
}

static void set(int fd, size_t i, const struct value *value)
{
	if (options[i].level == SOL_SOCKET &&
	    (options[i].name == SO_RCVBUF || options[i].name == SO_SNDBUF))
		set_size(fd, options[i].name, value);
	else
		(void)setsockopt(fd, options[i].level, options[i].name, value->bytes,
				 value->length);
}

static bool is_as_recorded(const struct socket_record *record, int fd, size_t i)
{
	struct value now = look(fd, i);

	return !record->values[i].is_there || is_same(&now, &record->values[i]);
}

static void restore(const struct socket_record *record, int fd, size_t i)
{
	if (options[i].has_unset)
		(void)socket_option_set(fd, options[i].level, options[i].name, options[i].unset);
	if (!is_as_recorded(record, fd, i))
		set(fd, i, &record->values[i]);
}

/* Some change others that were before them: IP_TOS sets SO_PRIORITY. */
const char *socket_record_restore(const struct socket_record *record, int fd)
{
	const char *changed = NULL;

	for (size_t i = 0; i < 2 * N_OPTIONS; i++)
		if (!is_as_recorded(record, fd, i % N_OPTIONS))
			restore(record, fd, i % N_OPTIONS);
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (!is_as_recorded(record, fd, i))
			changed = options[i].changed;
	return changed;
}
