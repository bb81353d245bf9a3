#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/endpoint-conflicts.h"

/* Adds the first address of each text in turn; "+" where it is free, "-" where it is taken. */
static void assert_uses(const char *const *texts, const char *expected)
{
	struct endpoint endpoints[8] = { 0 };
	char found[9] = "";
	struct endpoint_conflicts conflicts = { 0 };

	for (size_t i = 0; texts[i]; i++) {
		struct endpoint *endpoint = &endpoints[i];
		struct endpoint_text text;
		struct endpoint_use use = { .endpoint = endpoint, .service = texts[i] };
		struct endpoint_use owner;
		const char *why;

		assert_int_equal(endpoint_parse(&text, texts[i], &why), 0);
		endpoint->type = text.type;
		if (text.family == AF_UNIX)
			endpoint->address = text.path;
		else
			assert_true(endpoint_lookup(&text, &endpoint->address, 1) > 0);
		if (text.family != AF_UNIX)
			address_set_port(&endpoint->address, text.port_first);
		found[i] = endpoint_conflicts_add(&conflicts, &use, &owner) == 0 ? '+' : '-';
	}
	assert_string_equal(found, expected);
	endpoint_conflicts_fini(&conflicts);
}

static void test_same_address_is_taken(void **state)
{
	assert_uses((const char *[]){ "tcp:127.0.0.1:1", "tcp:127.0.0.2:1", "udp:127.0.0.1:1",
				      "tcp:127.0.0.1:2", "tcp:127.0.0.1:1", NULL },
		    "++++-");
}

static void test_wildcard_takes_every_address_of_its_port(void **state)
{
	assert_uses((const char *[]){ "tcp4:1", "tcp:127.0.0.1:1", "tcp:127.0.0.1:2", "tcp4:2",
				      "tcp4:1", NULL },
		    "+-+--");
}

static void test_path_is_taken_whatever_the_type(void **state)
{
	assert_uses((const char *[]){ "unix:/a", "unix:/b", "unix-dgram:/a", "unix:/a", NULL },
		    "++--");
}

static void test_port_that_the_system_chooses_is_free(void **state)
{
	assert_uses((const char *[]){ "tcp4:0", "tcp4:0", "tcp:127.0.0.1:0", NULL }, "+++");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_address_is_taken),
		cmocka_unit_test(test_wildcard_takes_every_address_of_its_port),
		cmocka_unit_test(test_path_is_taken_whatever_the_type),
		cmocka_unit_test(test_port_that_the_system_chooses_is_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
