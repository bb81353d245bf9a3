#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
	int value;
	struct list link;
};

static void test_entries_come_in_the_order_they_were_added(void **state)
{
	struct item items[3] = { { .value = 1 }, { .value = 2 }, { .value = 3 } };
	struct list head;
	int seen = 0;

	list_init(&head);
	for (int i = 0; i < 3; i++)
		list_add_before(&head, &items[i].link);

	list_for_each(at, following, &head)
		seen = seen * 10 + container_of(at, struct item, link)->value;
	assert_int_equal(seen, 123);
}

static void test_body_of_a_loop_may_unlink_its_entry(void **state)
{
	struct item items[3] = { 0 };
	struct list head;
	int n = 0;

	list_init(&head);
	for (int i = 0; i < 3; i++)
		list_add_before(&head, &items[i].link);

	list_for_each(at, following, &head) {
		list_unlink(at);
		n++;
	}
	assert_int_equal(n, 3);
	assert_false(list_is_linked(&head));
}

static void test_unlinking_twice_or_never_linked_is_harmless(void **state)
{
	struct item item = { 0 }, other = { 0 };
	struct list head;

	list_unlink(&item.link);
	assert_false(list_is_linked(&item.link));

	list_init(&head);
	list_add_before(&head, &item.link);
	list_add_before(&head, &other.link);
	list_unlink(&item.link);
	list_unlink(&item.link);
	assert_false(list_is_linked(&item.link));
	assert_ptr_equal(head.next, &other.link);
	assert_ptr_equal(head.previous, &other.link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries_come_in_the_order_they_were_added),
		cmocka_unit_test(test_body_of_a_loop_may_unlink_its_entry),
		cmocka_unit_test(test_unlinking_twice_or_never_linked_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
