#pragma once

/* The processes that have asked for a reload and wait for its end. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Further ones get no answer before they ask again. */
#define RELOAD_ASKERS_MAX 16

/* Zeroed: none. */
struct reload_askers {
	struct {
		pid_t pid;
		bool is_early; /* it asked during another reload, whose end is not the answer */
	} list[RELOAD_ASKERS_MAX];
	size_t n;
};

/* @under_way: another reload is, and the one that is asked for comes after it. */
void reload_askers_add(struct reload_askers *askers, pid_t pid, bool under_way);

/* Whether @pid waits for an answer. */
bool reload_askers_have(const struct reload_askers *askers, pid_t pid);

/* A reload has ended. Answers those who wait for it. */
void reload_askers_answer(struct reload_askers *askers, bool failed);
