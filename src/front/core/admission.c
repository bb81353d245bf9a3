#include "front/core/admission.h"

#include <limits.h>

#include "config/settings.h"

uint64_t admission_used(const struct admission_counters *counters)
{
	return counters->children + counters->sessions + counters->older;
}

enum refusal admission_obstacle(const struct service *service,
				const struct admission_counters *counters)
{
	if (service->instances != UINT_MAX && admission_used(counters) >= service->instances)
		return REFUSAL_INSTANCES;
	return counters->wait_ns > 0 ? REFUSAL_CPS : REFUSAL_NONE;
}

enum admission admission_decide(const struct service *service,
				const struct admission_counters *counters)
{
	if (admission_obstacle(service, counters) == REFUSAL_NONE)
		return ADMISSION_ADMIT;
	return service->overflow == OVERFLOW_REFUSE ? ADMISSION_REFUSE : ADMISSION_HOLD;
}

bool admission_is_open(const struct service *service)
{
	return !service->only_from.is_set && !service->no_access.is_set && !service->access_times;
}

bool admission_needs_credentials(const struct service *service)
{
	return client_list_has_ids(&service->only_from) || client_list_has_ids(&service->no_access);
}

static bool is_time(const struct service *service, time_t now)
{
	struct tm local;

	return !service->access_times ||
	       (localtime_r(&now, &local) && access_times_contain(service->access_times, &local));
}

enum refusal admission_judge(const struct service *service, const struct candidate *candidate,
			     struct client_match *out_match)
{
	struct client_match listed;
	bool is_listed = client_list_find(&service->only_from, candidate->peer,
					  &candidate->credentials, &listed);

	if (!is_time(service, candidate->now))
		return REFUSAL_ACCESS_TIMES;
	if (service->only_from.is_set && !is_listed)
		return REFUSAL_ONLY_FROM;
	if (!client_list_find(&service->no_access, candidate->peer, &candidate->credentials,
			      out_match))
		return REFUSAL_NONE;
	return is_listed && listed.width < out_match->width ? REFUSAL_NONE : REFUSAL_NO_ACCESS;
}
