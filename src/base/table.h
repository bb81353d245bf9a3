#pragma once

/*
 * uthash, set up for superd. Without memory an element is not added, and its hh.tbl is NULL; by
 * default uthash would exit. The hash function is one without a `case` that falls through.
 */

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION HASH_FNV
#include <uthash.h>
