#include "net/address-set.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/number.h"
#include "net/address.h"

#define NOTHING UINT32_MAX

/* One family. Piece i goes from starts[i] to the next one, and belongs to matches[owners[i]]. */
struct pieces {
	address_number *starts;
	uint32_t *owners; /* or NOTHING */
	size_t n;
};

struct address_set {
	struct pieces families[2]; /* IPv4 and IPv6 */
	struct address_match *matches;
};

/* Numbers */

static address_number number_of_ipv4(const struct in_addr *address)
{
	return ntohl(address->s_addr);
}

static address_number number_of_ipv6(const struct in6_addr *address)
{
	address_number number = 0;

	for (size_t i = 0; i < sizeof(address->s6_addr); i++)
		number = number << 8 | address->s6_addr[i];
	return number;
}

static address_number width_of(const struct address_range *range)
{
	return range->last - range->first;
}

/* Text */

static bool refuse(char out_why[static ADDRESS_RANGE_HINT_MAX], const char *why)
{
	(void)snprintf(out_why, ADDRESS_RANGE_HINT_MAX, "%s", why);
	return false;
}

/* Reads one address as the range of itself. */
static bool parse_address(const char *text, struct address_range *out)
{
	struct in6_addr in6;
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) == 1)
		out->first = number_of_ipv4(&in);
	else if (inet_pton(AF_INET6, text, &in6) == 1)
		out->first = number_of_ipv6(&in6);
	else
		return false;
	out->is_ipv6 = strchr(text, ':');
	out->last = out->first;
	return true;
}

/* Turns what is inside ::ffff:0:0/96 into IPv4. */
static void unmap(struct address_range *range)
{
	const address_number mapped = (address_number)0xffff << 32;

	if (!range->is_ipv6 || range->first < mapped || range->last > (mapped | UINT32_MAX))
		return;
	range->is_ipv6 = false;
	range->first -= mapped;
	range->last -= mapped;
}

/* "192.0.2.0/24", for the prefix in which @address is. */
static void say_prefix(char out_why[static ADDRESS_RANGE_HINT_MAX], address_number address,
		       bool is_ipv6, int64_t length)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	size_t size = is_ipv6 ? 16 : 4;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(address >> (8 * (size - 1 - i)));
	(void)inet_ntop(is_ipv6 ? AF_INET6 : AF_INET, bytes, text, sizeof(text));
	(void)snprintf(out_why, ADDRESS_RANGE_HINT_MAX,
		       "it has bits behind its prefix; write '%s/%d'", text, (int)length);
}

static bool parse_prefix(const char *text, const char *length_text, struct address_range *out,
			 char out_why[static ADDRESS_RANGE_HINT_MAX])
{
	address_number hosts;
	int64_t length;
	int bits;

	if (!parse_address(text, out))
		return refuse(out_why, "an address stands before the '/'");
	bits = out->is_ipv6 ? 128 : 32;
	if (number_parse(length_text, 0, bits, &length) < 0)
		return refuse(out_why, out->is_ipv6
					       ? "behind the '/' stands a length from 0 to 128"
					       : "behind the '/' stands a length from 0 to 32");
	hosts = length == 0 ? ~(address_number)0 : ((address_number)1 << (bits - length)) - 1;
	if (!out->is_ipv6)
		hosts &= UINT32_MAX;
	if (out->first & hosts) {
		say_prefix(out_why, out->first & ~hosts, out->is_ipv6, length);
		return false;
	}
	out->last = out->first | hosts;
	return true;
}

static bool parse_range(const char *first, const char *last, struct address_range *out,
			char out_why[static ADDRESS_RANGE_HINT_MAX])
{
	struct address_range end;

	if (!parse_address(first, out) || !parse_address(last, &end))
		return refuse(out_why, "an address stands on both sides of the '-'");
	if (out->is_ipv6 != end.is_ipv6)
		return refuse(out_why, "both ends of a range are IPv4 or both are IPv6");
	if (end.first < out->first)
		return refuse(out_why, "the smaller end of a range comes first");
	out->last = end.first;
	return true;
}

bool address_range_parse(const char *text, struct address_range *out,
			 char out_why[static ADDRESS_RANGE_HINT_MAX])
{
	char copy[2 * INET6_ADDRSTRLEN + 2];
	size_t separator = strcspn(text, "/-");
	char kind = text[separator];
	bool good;

	*out = (struct address_range){ 0 };
	if (strlen(text) >= sizeof(copy))
		return refuse(out_why, "it is too long");
	(void)strcpy(copy, text);
	copy[separator] = '\0';
	if (kind == '/')
		good = parse_prefix(copy, copy + separator + 1, out, out_why);
	else if (kind == '-')
		good = parse_range(copy, copy + separator + 1, out, out_why);
	else
		good = parse_address(copy, out) ||
		       refuse(out_why, "an address is written as 192.0.2.1 or 2001:db8::1");
	if (good)
		unmap(out);
	return good;
}

/*
 * Making the pieces
 *
 * A pointer goes over all first addresses, and over all that follow a last address. Between two
 * such points the same ranges are open. A heap has them, the smallest on top; ranges that are over
 * are taken off when they come to the top.
 */

struct heap {
	const struct address_range *ranges;
	uint32_t *list;
	size_t n;
};

/* Ranges are sorted, so of equal ones the first has the smaller index. */
static bool is_smaller(const struct heap *heap, uint32_t a, uint32_t b)
{
	address_number width_a = width_of(&heap->ranges[a]);
	address_number width_b = width_of(&heap->ranges[b]);

	return width_a != width_b ? width_a < width_b : a < b;
}

static void swap(struct heap *heap, size_t a, size_t b)
{
	uint32_t index = heap->list[a];

	heap->list[a] = heap->list[b];
	heap->list[b] = index;
}

static void heap_push(struct heap *heap, uint32_t index)
{
	size_t at = heap->n++;

	heap->list[at] = index;
	while (at > 0 && is_smaller(heap, heap->list[at], heap->list[(at - 1) / 2])) {
		swap(heap, at, (at - 1) / 2);
		at = (at - 1) / 2;
	}
}

static void heap_pop(struct heap *heap)
{
	size_t at = 0;

	heap->list[0] = heap->list[--heap->n];
	for (;;) {
		size_t least = at;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < heap->n; child++)
			if (is_smaller(heap, heap->list[child], heap->list[least]))
				least = child;
		if (least == at)
			return;
		swap(heap, at, least);
		at = least;
	}
}

static int compare_ranges(const void *a, const void *b)
{
	const struct address_range *left = a;
	const struct address_range *right = b;

	if (left->is_ipv6 != right->is_ipv6)
		return left->is_ipv6 ? 1 : -1;
	if (left->first != right->first)
		return left->first < right->first ? -1 : 1;
	if (left->last != right->last)
		return left->last < right->last ? -1 : 1;
	return left->place < right->place ? -1 : left->place > right->place;
}

static int compare_numbers(const void *a, const void *b)
{
	const address_number *left = a;
	const address_number *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* Returns how many points there are. */
static size_t find_points(const struct address_range *ranges, size_t n, address_number *points)
{
	size_t found = 0;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		points[found++] = ranges[i].first;
		/* Behind the last address of IPv6 there is nothing. */
		if (ranges[i].last < ~(address_number)0)
			points[found++] = ranges[i].last + 1;
	}
	qsort(points, found, sizeof(*points), compare_numbers);
	for (size_t i = 0; i < found; i++)
		if (i == 0 || points[i] != points[kept - 1])
			points[kept++] = points[i];
	return kept;
}

/* @before is the number of ranges of the other family, which come before these. */
static void cut(struct pieces *pieces, struct heap *heap, size_t n, size_t before)
{
	size_t n_points = find_points(heap->ranges, n, pieces->starts);
	uint32_t next = 0;

	for (size_t i = 0; i < n_points; i++) {
		address_number point = pieces->starts[i];
		uint32_t owner = NOTHING;

		while (next < n && heap->ranges[next].first == point)
			heap_push(heap, next++);
		while (heap->n > 0 && heap->ranges[heap->list[0]].last < point)
			heap_pop(heap);
		if (heap->n > 0)
			owner = heap->list[0] + (uint32_t)before;
		/* The piece before goes on, behind one that was inside a larger range. */
		if (pieces->n > 0 && pieces->owners[pieces->n - 1] == owner)
			continue;
		pieces->starts[pieces->n] = point;
		pieces->owners[pieces->n++] = owner;
	}
}

static int make_pieces(struct pieces *pieces, const struct address_range *ranges, size_t n,
		       size_t before)
{
	AUTO(auto_free) uint32_t *room = NULL;
	struct heap heap = { .ranges = ranges };

	if (n == 0)
		return 0;
	pieces->starts = reallocarray(NULL, 2 * n, sizeof(*pieces->starts));
	pieces->owners = reallocarray(NULL, 2 * n, sizeof(*pieces->owners));
	heap.list = room = reallocarray(NULL, n, sizeof(*room));
	if (!pieces->starts || !pieces->owners || !room)
		return -ENOMEM;
	cut(pieces, &heap, n, before);
	return 0;
}

static int fill(struct address_set *set, const struct address_range *ranges, size_t n)
{
	size_t n_ipv4 = 0;
	int r;

	set->matches = reallocarray(NULL, n ? n : 1, sizeof(*set->matches));
	if (!set->matches)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		set->matches[i] = (struct address_match){ width_of(&ranges[i]), ranges[i].place };
		n_ipv4 += !ranges[i].is_ipv6;
	}
	r = make_pieces(&set->families[0], ranges, n_ipv4, 0);
	if (r == 0)
		r = make_pieces(&set->families[1], ranges + n_ipv4, n - n_ipv4, n_ipv4);
	return r;
}

int address_set_new(struct address_set **out, struct address_range *ranges, size_t n)
{
	struct address_set *set = calloc(1, sizeof(*set));
	int r;

	if (!set)
		return -ENOMEM;
	if (n > 0)
		qsort(ranges, n, sizeof(*ranges), compare_ranges);
	r = n < NOTHING ? fill(set, ranges, n) : -ENOMEM;
	if (r < 0)
		address_set_free(set);
	else
		*out = set;
	return r;
}

void address_set_free(struct address_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < 2; i++) {
		free(set->families[i].starts);
		free(set->families[i].owners);
	}
	free(set->matches);
	free(set);
}

/* Searching */

/* Returns the piece with @number, or @pieces->n if there is none. */
static size_t find_piece(const struct pieces *pieces, address_number number)
{
	size_t low = 0;
	size_t high = pieces->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (pieces->starts[middle] <= number)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? low - 1 : pieces->n;
}

bool address_set_find(const struct address_set *set, const struct address *address,
		      struct address_match *out)
{
	struct address plain = *address;
	const struct pieces *pieces;
	address_number number;
	size_t piece;

	address_unmap(&plain);
	if (plain.any.sa_family == AF_INET)
		number = number_of_ipv4(&plain.in.sin_addr);
	else if (plain.any.sa_family == AF_INET6)
		number = number_of_ipv6(&plain.in6.sin6_addr);
	else
		return false;
	pieces = &set->families[plain.any.sa_family == AF_INET6];
	piece = find_piece(pieces, number);
	if (piece == pieces->n || pieces->owners[piece] == NOTHING)
		return false;
	*out = set->matches[pieces->owners[piece]];
	return true;
}
