/* The groups come before the user, which may not change them any more. */

#include "base/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int drop_bounding_set(void)
{
	for (unsigned long capability = 0;; capability++) {
		int held = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);

		if (held < 0)
			return 0; /* this kernel has no more capabilities */
		if (held && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
			return -errno;
	}
}

static int change_user(const struct privileges_user *user)
{
	if (setgroups(0, NULL) < 0)
		return -errno;
	if (setresgid(user->gid, user->gid, user->gid) < 0)
		return -errno;
	if (setresuid(user->uid, user->uid, user->uid) < 0)
		return -errno;
	return 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	memset(data, 0, sizeof(data));
	if (syscall(SYS_capset, &header, data) < 0)
		return -errno;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static bool has_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return true;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if (data[i].effective || data[i].permitted || data[i].inheritable)
			return true;
	return false;
}

static bool is_user(const struct privileges_user *user)
{
	uid_t uid[3];
	gid_t gid[3];

	if (getresuid(&uid[0], &uid[1], &uid[2]) < 0 || getresgid(&gid[0], &gid[1], &gid[2]) < 0)
		return false;
	for (int i = 0; i < 3; i++)
		if (uid[i] != user->uid || gid[i] != user->gid)
			return false;
	return getgroups(0, NULL) == 0;
}

int privileges_drop(const struct privileges_user *user, enum privileges_step *out_step)
{
	int r = 0;

	*out_step = PRIVILEGES_BOUNDING_SET;
	if (user->change)
		r = drop_bounding_set();
	if (r < 0)
		return r;
	*out_step = PRIVILEGES_USER;
	if (user->change)
		r = change_user(user);
	if (r < 0)
		return r;
	*out_step = PRIVILEGES_CAPABILITIES;
	r = drop_capabilities();
	if (r < 0)
		return r;
	*out_step = PRIVILEGES_ARE_GONE;
	if (has_capabilities() || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ||
	    (user->change && !is_user(user)))
		return -EPERM;
	return 0;
}
