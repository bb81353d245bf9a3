#pragma once

/*
 * The system calls that the front makes while it serves. The filter is made of this table, and
 * --describe-front prints it. Whoever adds a call to the front adds it here.
 */

#include <stdint.h>

#define CALL_CONDITIONS_MAX 2

/* About an argument. All conditions of a row must be met. */
struct call_condition {
	const char *text; /* NULL: no condition */
	unsigned argument;
	uint64_t mask;
	uint64_t value; /* what (argument & mask) must be */
};

/* The calls have rows of their own for each combination of arguments. */
struct allowed_call {
	const char *name; /* some machines do not have it */
	struct call_condition conditions[CALL_CONDITIONS_MAX];
};

/* In the order of their names. The row after the last has no name. */
extern const struct allowed_call allowed_calls[];

/*
 * Calls that open files or look at them. They find none: they are answered with EACCES. Also in the
 * order of their names, and NULL after the last.
 */
extern const char *const file_calls[];

/* The value of a condition for the process that asks. The kernel looks at 32 bits of an int. */
uint64_t call_condition_value(const struct call_condition *condition);
