#include "front/core/credentials.h"

#include <sys/socket.h>

/* The limit of the kernel. */
#define GROUPS_MAX 65536

struct credentials credentials_ask(int fd)
{
	static gid_t groups[GROUPS_MAX];
	socklen_t groups_size = sizeof(groups);
	struct ucred ids;
	socklen_t size = sizeof(ids);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &ids, &size) < 0)
		return (struct credentials){ .known = false };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &groups_size) < 0)
		groups_size = 0;
	return (struct credentials){
		.known = true,
		.uid = ids.uid,
		.gid = ids.gid,
		.groups = groups,
		.n_groups = groups_size / sizeof(groups[0]),
	};
}
