#pragma once

/* Whether the children that one configuration has started suit the next one. Pure. */

#include <stdbool.h>

struct service;

/*
 * Whether a child would find the same program, identity and surroundings under @a as
 * under @b. Endpoints are not looked at, nor what may change while children run: how many
 * there are at least, when surplus ones end, what is logged.
 */
bool pool_suits(const struct service *a, const struct service *b);
