#include "channel/refusal.h"

/* clang-format off */
static const char *const words[REFUSAL_COUNT] = {
	[REFUSAL_NONE] = "none",
	[REFUSAL_INSTANCES] = "instances",
	[REFUSAL_CPS] = "cps",
	[REFUSAL_ONLY_FROM] = "only_from",
	[REFUSAL_NO_ACCESS] = "no_access",
	[REFUSAL_ACCESS_TIMES] = "access_times",
};
/* clang-format on */

const char *refusal_word(enum refusal refusal)
{
	return words[refusal];
}
