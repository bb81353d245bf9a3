#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "front/datagram/queue-drops.h"
#include "front/datagram/packet.h"

static void test_each_drop_counts_once(void **state)
{
	uint32_t counted = 0;

	assert_int_equal(queue_drops_count(&counted, 0), 0);
	assert_int_equal(queue_drops_count(&counted, 5), 5);
	assert_int_equal(queue_drops_count(&counted, 5), 0);
	assert_int_equal(queue_drops_count(&counted, 12), 7);
	assert_int_equal(counted, 12);
}

static void test_what_waited_before_the_count_is_left(void **state)
{
	uint32_t counted = 12;

	assert_int_equal(queue_drops_count(&counted, 9), 0);
	assert_int_equal(counted, 12);
}

static void test_the_number_of_the_kernel_wraps(void **state)
{
	uint32_t counted = UINT32_MAX - 1;

	assert_int_equal(queue_drops_count(&counted, 3), 5);
	assert_int_equal(counted, 3);
	assert_int_equal(queue_drops_count(&counted, UINT32_MAX), 0);
}

/* A message as the kernel gives it, with one word about it. */
struct told {
	struct msghdr header;
	union {
		char bytes[PACKET_CONTROL_SIZE];
		struct cmsghdr align;
	} control;
};

static void tell(struct told *told, int level, int type, const void *data, size_t n)
{
	*told = (struct told){ .header = { .msg_control = &told->control } };
	told->header.msg_controllen = CMSG_SPACE(n);
	told->control.align.cmsg_level = level;
	told->control.align.cmsg_type = type;
	told->control.align.cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(&told->control.align), data, n);
}

static void test_the_drops_are_found_in_what_the_kernel_tells(void **state)
{
	const struct msghdr nothing = { 0 };
	uint32_t n = 77, drop_counts = 0;
	struct told told;

	assert_false(packet_drops(&nothing, &drop_counts));
	tell(&told, SOL_SOCKET, SO_RXQ_OVFL, &n, sizeof(n));
	assert_true(packet_drops(&told.header, &drop_counts));
	assert_int_equal(drop_counts, 77);
}

static void test_a_broadcast_went_to_another_address_than_ours(void **state)
{
	struct in_pktinfo in = { .ipi_spec_dst.s_addr = htonl(0x7f000001),
				 .ipi_addr.s_addr = htonl(0x7f000001) };
	const struct msghdr nothing = { 0 };
	struct told told;

	assert_false(packet_is_to_many(&nothing));
	tell(&told, IPPROTO_IP, IP_PKTINFO, &in, sizeof(in));
	assert_false(packet_is_to_many(&told.header));
	in.ipi_addr.s_addr = htonl(0x7fffffff);
	tell(&told, IPPROTO_IP, IP_PKTINFO, &in, sizeof(in));
	assert_true(packet_is_to_many(&told.header));
}

static void test_an_ipv6_multicast_is_for_many(void **state)
{
	struct in6_pktinfo in6 = { .ipi6_addr = IN6ADDR_LOOPBACK_INIT };
	struct told told;

	tell(&told, IPPROTO_IPV6, IPV6_PKTINFO, &in6, sizeof(in6));
	assert_false(packet_is_to_many(&told.header));
	in6.ipi6_addr.s6_addr[0] = 0xff;
	tell(&told, IPPROTO_IPV6, IPV6_PKTINFO, &in6, sizeof(in6));
	assert_true(packet_is_to_many(&told.header));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_drop_counts_once),
		cmocka_unit_test(test_what_waited_before_the_count_is_left),
		cmocka_unit_test(test_the_number_of_the_kernel_wraps),
		cmocka_unit_test(test_the_drops_are_found_in_what_the_kernel_tells),
		cmocka_unit_test(test_a_broadcast_went_to_another_address_than_ours),
		cmocka_unit_test(test_an_ipv6_multicast_is_for_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
