#pragma once

/*
 * uthash as superd wants it: out of memory is an error like any other (the element
 * has no table then, uthash would exit otherwise), and a hash function without
 * branches that fall through.
 */

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION HASH_FNV
#include <uthash.h>
