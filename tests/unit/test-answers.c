/* What the rehearsal was answered, and what of that the keeper takes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/answers.h"

static struct answers *answers;

static int open_answers(void **state)
{
	return answers_new(&answers);
}

static int close_answers(void **state)
{
	answers_end();
	answers_free(answers);
	return 0;
}

static void keep(char kind, const char *key, int answer)
{
	answers_record(answers);
	answers_keep(kind, key, &answer, sizeof(answer));
	answers_end();
}

/* Returns the answer, 1000 if it is to be asked, or a negative errno. */
static int take(char kind, const char *key)
{
	int answer = 0;
	int r = answers_take_fixed(kind, key, &answer, sizeof(answer));

	return r == 0 ? answer : r == 1 ? 1000 : r;
}

static void test_without_a_rehearsal_everything_is_asked(void **state)
{
	int answer = 7;

	answers_keep('u', "root", &answer, sizeof(answer));
	assert_int_equal(take('u', "root"), 1000);
}

static void test_a_child_is_answered_for_its_parent(void **state)
{
	pid_t pid = fork();

	if (pid == 0) {
		keep('u', "root", 7);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	answers_replay(answers);
	assert_int_equal(take('u', "root"), 7);
}

static void test_answers_come_in_the_order_of_the_questions(void **state)
{
	keep('u', "root", 1);
	keep('g', "root", 2);
	keep('s', "for a warning", 3);
	keep('u', "root", 4);
	answers_replay(answers);
	assert_int_equal(take('u', "root"), 1);
	assert_int_equal(take('g', "root"), 2);
	assert_int_equal(take('u', "root"), 4);
	assert_int_equal(take('u', "root"), -EIO);
	answers_replay(answers);
	assert_int_equal(take('u', "root"), 1);
}

static void test_what_was_not_asked_is_an_error(void **state)
{
	answers_replay(answers);
	assert_int_equal(take('u', "root"), -EIO);
	keep('u', "root", 1);
	answers_replay(answers);
	assert_int_equal(take('u', "roo"), -EIO);
	assert_int_equal(take('v', "root"), -EIO);
}

static void test_an_answer_of_another_size_is_an_error(void **state)
{
	answers_record(answers);
	answers_keep('u', "root", "x", 1);
	answers_replay(answers);
	assert_int_equal(take('u', "root"), -EIO);
}

static void test_what_has_no_room_is_missing(void **state)
{
	const size_t size = 60 << 20;
	char *large = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const void *answer;
	size_t found;

	assert_ptr_not_equal(large, MAP_FAILED);
	answers_record(answers);
	for (int i = 0; i < 3; i++)
		answers_keep('c', "", large, size);
	answers_replay(answers);
	assert_int_equal(answers_take('c', "", &answer, &found), 0);
	assert_int_equal(answers_take('c', "", &answer, &found), 0);
	assert_int_equal(found, size);
	assert_int_equal(answers_take('c', "", &answer, &found), -EIO);
	munmap(large, size);
}

/* The child may have been taken over by the files that it has parsed. */
static void test_numbers_that_cannot_be_are_no_answers(void **state)
{
	uint32_t *words = (uint32_t *)answers;
	const uint32_t numbers[] = { 0, 1, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff };
	const size_t n = sizeof(numbers) / sizeof(numbers[0]);

	for (size_t i = 0; i < 8 * n * n; i++) {
		keep('u', "root", 1);
		words[i % 8] = numbers[i / 8 % n];
		words[(i / 3) % 8] = numbers[i / 8 / n];
		answers_replay(answers);
		(void)take('u', "root");
		(void)take('x', "none");
		memset(answers, 0, 4096);
	}
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, open_answers, close_answers)
	const struct CMUnitTest tests[] = {
		CASE(test_without_a_rehearsal_everything_is_asked),
		CASE(test_a_child_is_answered_for_its_parent),
		CASE(test_answers_come_in_the_order_of_the_questions),
		CASE(test_what_was_not_asked_is_an_error),
		CASE(test_an_answer_of_another_size_is_an_error),
		CASE(test_what_has_no_room_is_missing),
		CASE(test_numbers_that_cannot_be_are_no_answers),
	};

	return cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
