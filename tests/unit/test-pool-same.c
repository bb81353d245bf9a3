#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/settings.h"
#include "keeper/pool/pool-same.h"

static char *cat[] = { "/bin/cat", "-u", NULL };
static char *tac[] = { "/bin/tac", "-u", NULL };
static char *shorter[] = { "/bin/cat", NULL };
static char *env[] = { "A=b", NULL };
static char *other_env[] = { "A=c", NULL };
static gid_t group[] = { 7 };
static gid_t other_group[] = { 8 };

static struct service service(void)
{
	return (struct service){
		.name = "x",
		.dispatch = DISPATCH_POOL,
		.pool = { .min = 1, .max = 4, .idle_exit_ms = 1000 },
		.program = { .argv = cat,
			     .env = env,
			     .directory = "/",
			     .umask = 022,
			     .identity = { true, 5, 6, group, 1 } },
	};
}

static void test_what_may_change_while_children_run_changes_no_pool(void **state)
{
	struct service a = service(), b = service();

	assert_true(pool_suits(&a, &b));
	b.pool.min = 3;
	b.pool.idle_exit_ms = 5;
	b.pool.ready_timeout_ms = 5;
	b.instances = 9;
	b.socket.backlog = 9;
	b.log_on_success = RECORD_PID;
	assert_true(pool_suits(&a, &b));
}

#define CHANGED(change)                              \
	do {                                         \
		struct service a = service(), b = a; \
		b.change;                            \
		assert_false(pool_suits(&a, &b));    \
		assert_false(pool_suits(&b, &a));    \
	} while (0)

static void test_what_a_child_was_started_with_makes_another_pool(void **state)
{
	CHANGED(dispatch = DISPATCH_PASS);
	CHANGED(pool.max = 5);
	CHANGED(pool.clients_per_process = 2);
	CHANGED(pool.ready_notify = true);
	CHANGED(program.argv = tac);
	CHANGED(program.argv = shorter);
	CHANGED(program.env = other_env);
	CHANGED(program.directory = "/tmp");
	CHANGED(program.chroot = "/srv");
	CHANGED(program.umask = 077);
	CHANGED(program.nice = 5);
	CHANGED(program.stderr_to = STDERR_NULL);
	CHANGED(program.identity.change = false);
	CHANGED(program.identity.uid = 1);
	CHANGED(program.identity.gid = 1);
	CHANGED(program.identity.groups = other_group);
	CHANGED(program.identity.n_groups = 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_may_change_while_children_run_changes_no_pool),
		cmocka_unit_test(test_what_a_child_was_started_with_makes_another_pool),
	};

	return cmocka_run_group_tests_name("crew-same", tests, NULL, NULL);
}
