#include "front/core/admission.h"

#include <limits.h>

#include "config/settings.h"

uint64_t admission_used(const struct admission_counters *counters)
{
	return counters->children + counters->sessions + counters->older;
}

enum admission admission_decide(const struct service *service,
				const struct admission_counters *counters)
{
	if (service->instances == UINT_MAX || admission_used(counters) < service->instances)
		return ADMISSION_ADMIT;
	return service->overflow == OVERFLOW_REFUSE ? ADMISSION_REFUSE : ADMISSION_HOLD;
}
