/*
 * Answers questions about sets of addresses, for the test that compares the answers with those of
 * another implementation. A line "set RANGE..." makes a set; "ADDRESS" prints the range of it that
 * contains the address, as a number from 0, or "-".
 */

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/address-set.h"
#include "net/address.h"

#define RANGES_MAX 1000

static struct address_set *read_set(char *texts)
{
	static struct address_range ranges[RANGES_MAX];
	char why[ADDRESS_RANGE_HINT_MAX];
	struct address_set *set;
	size_t n = 0;

	for (char *text = strtok(texts, " \n"); text && n < RANGES_MAX;
	     text = strtok(NULL, " \n")) {
		if (!address_range_parse(text, &ranges[n], why)) {
			fprintf(stderr, "%s: %s\n", text, why);
			exit(1);
		}
		ranges[n].place = (uint32_t)n;
		n++;
	}
	return address_set_new(&set, ranges, n) == 0 ? set : NULL;
}

static struct address read_address(const char *text)
{
	struct address address = { .length = sizeof(address.in6) };

	if (inet_pton(AF_INET, text, &address.in.sin_addr) == 1)
		address.in.sin_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &address.in6.sin6_addr) == 1)
		address.in6.sin6_family = AF_INET6;
	return address;
}

int main(void)
{
	struct address_set *set = NULL;
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, stdin) > 0) {
		struct address_match match;
		struct address address;

		if (strncmp(line, "set ", 4) == 0) {
			address_set_free(set);
			set = read_set(line + 4);
			continue;
		}
		line[strcspn(line, "\n")] = '\0';
		address = read_address(line);
		if (set && address_set_find(set, &address, &match))
			printf("%u\n", match.place);
		else
			puts("-");
	}
	address_set_free(set);
	free(line);
	return 0;
}
