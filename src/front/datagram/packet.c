#include "front/datagram/packet.h"

#include <netinet/in.h>
#include <string.h>

static struct cmsghdr *find(const struct msghdr *message, int level, int type)
{
	struct msghdr *header = (struct msghdr *)message;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c))
		if (c->cmsg_level == level && c->cmsg_type == type)
			return c;
	return NULL;
}

static bool find_in(const struct msghdr *message, struct in_pktinfo *out)
{
	struct cmsghdr *c = find(message, IPPROTO_IP, IP_PKTINFO);

	if (c)
		memcpy(out, CMSG_DATA(c), sizeof(*out));
	return c != NULL;
}

static bool find_in6(const struct msghdr *message, struct in6_pktinfo *out)
{
	struct cmsghdr *c = find(message, IPPROTO_IPV6, IPV6_PKTINFO);

	if (c)
		memcpy(out, CMSG_DATA(c), sizeof(*out));
	return c != NULL;
}

void packet_local(const struct msghdr *received, struct address *local)
{
	unsigned port = address_port(local);
	struct in6_pktinfo in6;
	struct in_pktinfo in;

	if (find_in(received, &in)) {
		*local = (struct address){ .length = sizeof(local->in) };
		local->in.sin_family = AF_INET;
		local->in.sin_addr = in.ipi_spec_dst;
	} else if (find_in6(received, &in6) && !IN6_IS_ADDR_MULTICAST(&in6.ipi6_addr)) {
		*local = (struct address){ .length = sizeof(local->in6) };
		local->in6.sin6_family = AF_INET6;
		local->in6.sin6_addr = in6.ipi6_addr;
		if (IN6_IS_ADDR_LINKLOCAL(&in6.ipi6_addr))
			local->in6.sin6_scope_id = in6.ipi6_ifindex;
	} else {
		return;
	}
	address_set_port(local, port);
	address_unmap(local);
}

bool packet_drops(const struct msghdr *received, uint32_t *out)
{
	struct cmsghdr *c = find(received, SOL_SOCKET, SO_RXQ_OVFL);

	if (c)
		memcpy(out, CMSG_DATA(c), sizeof(*out));
	return c != NULL;
}

/* A unicast IPv4 datagram has the same address in both fields. */
bool packet_is_to_many(const struct msghdr *received)
{
	struct in6_pktinfo in6;
	struct in_pktinfo in;

	if (find_in(received, &in))
		return in.ipi_addr.s_addr != in.ipi_spec_dst.s_addr;
	return find_in6(received, &in6) && IN6_IS_ADDR_MULTICAST(&in6.ipi6_addr);
}

static void set_control(struct msghdr *message, int level, int type, const void *data, size_t n)
{
	struct cmsghdr *c = message->msg_control;

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(c), data, n);
	message->msg_controllen = CMSG_SPACE(n);
}

/*
 * The route chooses the interface of the answer, except for a link-local address, which needs its
 * own interface. A multicast address cannot be the source of an answer.
 */
void packet_make_reply(struct msghdr *message)
{
	struct in6_pktinfo in6;
	struct in_pktinfo in;

	if (find_in(message, &in)) {
		in.ipi_ifindex = 0;
		set_control(message, IPPROTO_IP, IP_PKTINFO, &in, sizeof(in));
	} else if (find_in6(message, &in6) && !IN6_IS_ADDR_MULTICAST(&in6.ipi6_addr)) {
		if (!IN6_IS_ADDR_LINKLOCAL(&in6.ipi6_addr))
			in6.ipi6_ifindex = 0;
		set_control(message, IPPROTO_IPV6, IPV6_PKTINFO, &in6, sizeof(in6));
	} else {
		message->msg_control = NULL;
		message->msg_controllen = 0;
	}
}
