#include "config/entry-hint.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_everybody(const char *text)
{
	return strcasecmp(text, "all") == 0 || strcasecmp(text, "any") == 0 ||
	       strcmp(text, "*") == 0;
}

/* The length of a prefix for 255.255.0.0, or -1. */
static int length_of_mask(const char *text)
{
	struct in_addr address;
	uint32_t mask;

	if (inet_pton(AF_INET, text, &address) != 1)
		return -1;
	mask = ntohl(address.s_addr);
	return (~mask & (~mask + 1)) == 0 ? __builtin_popcount(mask) : -1;
}

static bool hint_mask(const char *text, char *out, size_t size)
{
	const char *slash = strchr(text, '/');
	int n = slash ? (int)(slash - text) : 0;
	int length = slash ? length_of_mask(slash + 1) : -1;

	if (length < 0)
		return false;
	(void)snprintf(out, size, "write '%.*s/%d'", n, text, length);
	return true;
}

/* As in 10.0.*, 10.0. and 10.0: the last numbers are left out. */
static bool hint_part(const char *text, char *out, size_t size)
{
	unsigned numbers[4] = { 0 };
	const char *at = text;
	int n = 0;

	while (n < 4 && *at >= '0' && *at <= '9') {
		while (*at >= '0' && *at <= '9' && numbers[n] < 1000)
			numbers[n] = numbers[n] * 10 + (unsigned)(*at++ - '0');
		if (numbers[n++] > 255)
			return false;
		if (*at == '.')
			at++;
	}
	if (n == 0 || n == 4 || at[strspn(at, ".*")])
		return false;
	(void)snprintf(out, size, "write '%u.%u.%u.%u/%d'", numbers[0], numbers[1], numbers[2],
		       numbers[3], 8 * n);
	return true;
}

/* As in 192.0.2.1:80, [2001:db8::1] and [2001:db8::1]:80. */
static bool hint_port(const char *text, char *out, size_t size)
{
	bool bracketed = *text == '[';
	const char *end = strchr(text + bracketed, bracketed ? ']' : ':');
	int n = end ? (int)(end - text) - bracketed : 0;
	unsigned char address[16];
	char copy[INET6_ADDRSTRLEN];

	if (n == 0 || n >= (int)sizeof(copy))
		return false;
	memcpy(copy, text + bracketed, (size_t)n);
	copy[n] = '\0';
	if (inet_pton(bracketed ? AF_INET6 : AF_INET, copy, address) != 1)
		return false;
	(void)snprintf(out, size, "an address stands here without brackets and port: write '%s'",
		       copy);
	return true;
}

bool entry_hint(const char *text, char *out, size_t size)
{
	if (is_everybody(text)) {
		(void)snprintf(out, size, "everybody is written as \"0.0.0.0/0\", \"::/0\"");
		return true;
	}
	if (*text == '!') {
		(void)snprintf(out, size, "'no_access' lists who may not come");
		return true;
	}
	return hint_mask(text, out, size) || hint_part(text, out, size) ||
	       hint_port(text, out, size);
}

bool entry_network(const char *text, char *out, size_t size)
{
	struct in_addr address;
	uint32_t number;
	int length = 32;

	if (inet_pton(AF_INET, text, &address) != 1)
		return false;
	number = ntohl(address.s_addr);
	while (length > 0 && (number & 0xff) == 0) {
		number >>= 8;
		length -= 8;
	}
	(void)snprintf(out, size, "%s/%d", text, length);
	return length < 32;
}
