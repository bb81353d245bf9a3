#include "config/user-access.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/executable.h"
#include "config/settings.h"

/* The groups of superd, to return to. */
struct saved {
	gid_t *groups;
	int n;
};

static bool save_groups(struct saved *saved)
{
	saved->n = getgroups(0, NULL);
	saved->groups = calloc(saved->n > 0 ? saved->n : 1, sizeof(*saved->groups));
	return saved->groups && saved->n >= 0 && getgroups(saved->n, saved->groups) == saved->n;
}

/* Both calls return the old id, and say nothing of a failure. */
static void set_ids(uid_t uid, gid_t gid)
{
	(void)setfsgid(gid);
	(void)setfsuid(uid);
}

static bool has_ids(uid_t uid, gid_t gid)
{
	return (uid_t)setfsuid((uid_t)-1) == uid && (gid_t)setfsgid((gid_t)-1) == gid;
}

static bool may(int fd, int mode)
{
	return syscall(SYS_faccessat2, fd, "", mode, AT_EMPTY_PATH | AT_EACCESS) == 0 ||
	       errno != EACCES;
}

static enum user_access ask(int top, const char *path, bool is_script)
{
	AUTO(auto_close) int fd = executable_open(top, path, O_PATH);

	if (fd == -EACCES)
		return USER_ACCESS_REACH;
	if (fd < 0)
		return USER_ACCESS_YES;
	if (!may(fd, X_OK))
		return USER_ACCESS_EXECUTE;
	return is_script && !may(fd, R_OK) ? USER_ACCESS_READ : USER_ACCESS_YES;
}

enum user_access user_access(const struct identity *identity, const char *root, const char *path,
			     bool is_script)
{
	AUTO(auto_close) int top = open(root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	enum user_access access = USER_ACCESS_YES;
	struct saved saved = { 0 };

	if (top < 0)
		return access;
	if (!identity->change)
		return ask(top, path, is_script);

	if (save_groups(&saved) && setgroups(identity->n_groups, identity->groups) == 0) {
		set_ids(identity->uid, identity->gid);
		if (has_ids(identity->uid, identity->gid))
			access = ask(top, path, is_script);
		set_ids(geteuid(), getegid());
		(void)setgroups(saved.n, saved.groups);
	}
	free(saved.groups);
	return access;
}
