#include "keeper/fronts/reserve-fd.h"

#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "net/closer.h"

void reserve_fd_init(struct reserve_fd *reserve, int template)
{
	*reserve = (struct reserve_fd){ .number = -1, .template = template };
	(void)reserve_fd_restore(reserve);
}

/* The limit may be lower than the number by now, which an open descriptor does not show. */
static bool is_within_limit(int number)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) < 0 || (rlim_t)number < limit.rlim_cur;
}

bool reserve_fd_release(struct reserve_fd *reserve)
{
	bool usable = reserve_fd_is_held(reserve) && is_within_limit(reserve->number);

	reserve_fd_fini(reserve);
	return usable;
}

bool reserve_fd_restore(struct reserve_fd *reserve)
{
	if (!reserve_fd_is_held(reserve) && !reserve->withheld)
		reserve->number = fd_duplicate(reserve->template);
	return reserve_fd_is_held(reserve);
}

void reserve_fd_take_over(struct reserve_fd *reserve, int fd)
{
	int number = reserve->number;
	bool wanted = reserve_fd_is_held(reserve) ? fd < number : !reserve->withheld;

	if (!wanted) {
		closer_release(fd);
		return;
	}
	if (!closer_replace(fd, reserve->template))
		return;
	reserve->number = fd;
	if (number >= 0)
		close(number);
}

void reserve_fd_fini(struct reserve_fd *reserve)
{
	if (reserve_fd_is_held(reserve))
		close(take_fd(reserve->number));
}
