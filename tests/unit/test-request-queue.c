/* Who is launched next. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "keeper/child/request-queue.h"
#include "keeper/child/request.h"
#include "keeper/exec/launches.h"
#include "keeper/fronts/fronts.h"
#include "keeper/service/generation.h"

#define MANY 400

enum { ONE, TWO, SERVICES };

static struct service_record records[SERVICES];
static struct service_record *by_number[SERVICES] = { &records[ONE], &records[TWO] };
static struct generation generation = { .records = by_number };
static struct launches launches;
static struct fronts fronts;
static struct request_queue queue;
static struct request requests[MANY];
static size_t n;

static int set_up(void **state)
{
	launches = (struct launches){ 0 };
	fronts = (struct fronts){ 0 };
	list_init(&fronts.list);
	for (size_t i = 0; i < SERVICES; i++) {
		records[i] = (struct service_record){ 0 };
		list_init(&records[i].waiting);
	}
	request_queue_init(&queue, &launches, &fronts);
	n = 0;
	return 0;
}

static struct request *next_of(size_t service)
{
	requests[n] = (struct request){ .generation = &generation, .service = service, .fd = -1 };
	return &requests[n++];
}

static void add(size_t service, size_t how_many)
{
	for (size_t i = 0; i < how_many; i++)
		request_queue_add(&queue, next_of(service));
}

static void make_slow(size_t service)
{
	records[service].launches.slow = 100;
}

static void assert_next(size_t number)
{
	assert_ptr_equal(request_queue_take(&queue), &requests[number]);
}

static void test_services_take_turns_and_each_keeps_its_order(void **state)
{
	add(ONE, 3);
	add(TWO, 2);
	assert_next(0);
	assert_next(3);
	assert_next(1);
	assert_next(4);
	assert_next(2);
	assert_null(request_queue_take(&queue));
	assert_int_equal(queue.n, 0);
}

static void test_nobody_waits_behind_a_slow_service(void **state)
{
	add(ONE, 2);
	add(TWO, 1);
	make_slow(ONE);
	assert_next(2);
	assert_null(request_queue_take(&queue));
	records[ONE].launches.slow = 0;
	assert_next(0);
	assert_next(1);
}

static void test_too_many_behind_a_slow_service_are_turned_away(void **state)
{
	make_slow(ONE);
	for (size_t i = 0; i < 256; i++) {
		struct request *request = next_of(ONE);

		assert_false(request_queue_is_full(&queue, request));
		request_queue_add(&queue, request);
	}
	assert_true(request_queue_is_full(&queue, next_of(ONE)));
	assert_false(request_queue_is_full(&queue, next_of(TWO)));
	assert_false(fronts.held);
}

static void take(size_t how_many)
{
	while (how_many > 0 && request_queue_take(&queue))
		how_many--;
	request_queue_hold_back(&queue);
}

static void test_fronts_keep_what_is_too_much_for_now(void **state)
{
	add(ONE, 63);
	assert_false(fronts.held);
	add(TWO, 1);
	assert_true(fronts.held);
	take(32);
	assert_true(fronts.held);
	take(1);
	assert_false(fronts.held);

	/* Those of a service that becomes slow do not count. */
	add(ONE, 100);
	assert_true(fronts.held);
	make_slow(ONE);
	take(MANY);
	assert_false(fronts.held);
}

/* They have an answer to an order that must be read in time. */
static void test_fronts_that_pause_are_read(void **state)
{
	add(ONE, 100);
	assert_true(fronts.held);
	fronts.paused = true;
	take(0);
	assert_false(fronts.held);
	add(ONE, 1);
	assert_false(fronts.held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_services_take_turns_and_each_keeps_its_order, set_up),
		cmocka_unit_test_setup(test_nobody_waits_behind_a_slow_service, set_up),
		cmocka_unit_test_setup(test_too_many_behind_a_slow_service_are_turned_away, set_up),
		cmocka_unit_test_setup(test_fronts_keep_what_is_too_much_for_now, set_up),
		cmocka_unit_test_setup(test_fronts_that_pause_are_read, set_up),
	};

	return cmocka_run_group_tests_name("request-queue", tests, NULL, NULL);
}
