/* What a front that was taken over may write to the table that it shares with the keeper. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "channel/pass-table.h"

#define PROCESSES 5
#define CLIENTS 7

/* In a process of its own, as a front is. */
static void write_everywhere(struct pass_table *table)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		memset(table->entries, 0xff, sizeof(*table->entries) * PROCESSES * CLIENTS);
		table->n_processes = 1u << 20;
		table->n_clients = 0;
		table->entries = NULL;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_clients_are_seen_by_the_next_front(void **state)
{
	struct pass_table *table = pass_table_new(PROCESSES, CLIENTS);

	assert_non_null(table);
	assert_int_equal(pass_table_count(table, PROCESSES - 1), 0);
	pass_table_entry(table, PROCESSES - 1, CLIENTS - 1)->taken = true;
	assert_int_equal(pass_table_count(table, PROCESSES - 1), 1);
	assert_int_equal(pass_table_count(table, 0), 0);
	pass_table_free(table);
}

static void test_a_front_changes_no_size_that_another_process_uses(void **state)
{
	struct pass_table *table = pass_table_new(PROCESSES, CLIENTS);

	assert_non_null(table);
	write_everywhere(table);
	assert_int_equal(table->n_processes, PROCESSES);
	assert_int_equal(table->n_clients, CLIENTS);
	for (unsigned i = 0; i < PROCESSES; i++)
		assert_int_equal(pass_table_count(table, i), CLIENTS);
	pass_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clients_are_seen_by_the_next_front),
		cmocka_unit_test(test_a_front_changes_no_size_that_another_process_uses),
	};

	return cmocka_run_group_tests_name("pass-table", tests, NULL, NULL);
}
