#include "config/build-front.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "build-config.h"
#include "config/build-context.h"

/* The rest of FD_SETSIZE is for clients and for superd itself. */
#define SELECT_ENDPOINTS_MAX 900

#define NUMBER_ROOM 16

/*
 * UID or UID:GID. Nobody has to have the number: the front owns no file and has no name. Its group
 * is that of the user who has the number, or else the same number.
 */
static bool read_numbers(struct build_context *context, const char *text, struct account *out)
{
	const char *colon = strchrnul(text, ':');
	char uid_text[NUMBER_ROOM];
	const struct account *account;
	int64_t uid, gid;

	if ((size_t)(colon - text) >= sizeof(uid_text))
		return false;
	*(char *)mempcpy(uid_text, text, colon - text) = '\0';
	if (number_parse(uid_text, 0, ACCOUNT_ID_MAX, &uid) < 0)
		return false;

	gid = uid;
	if (*colon && number_parse(colon + 1, 0, ACCOUNT_ID_MAX, &gid) < 0)
		return false;
	if (!*colon && accounts_find_user(&context->accounts, text, &account) == 0)
		gid = account->gid;
	*out = (struct account){ .uid = (uid_t)uid, .gid = (gid_t)gid };
	return true;
}

/*
 * There is no second choice: any other user may have programs. After other errors the option may
 * stand where nothing could be read.
 */
static void complain_of_missing(struct build_context *context, const char *name)
{
	if (context->root->own[OPTION_FRONT_USER] && strchr(name, ':'))
		errors_add(context->errors, context->root->at[OPTION_FRONT_USER],
			   "'front_user' takes the name of a user, or numbers as in '65533' or "
			   "'65533:65533', not '%s'",
			   errors_quote(name));
	else if (context->root->own[OPTION_FRONT_USER])
		errors_add(context->errors, context->root->at[OPTION_FRONT_USER],
			   "'front_user': no user '%s'", errors_quote(name));
	else if (!errors_exist(context->errors))
		errors_add(context->errors, (struct location){ context->settings->path, 1 },
			   "there is no user '%s' for the process that faces the network; make one "
			   "with 'useradd --system --shell /usr/sbin/nologin %s', or set "
			   "'front_user' to a user or number that no program has",
			   name, name);
}

/* Returns whether @out has the front's user. */
static bool find_user(struct build_context *context, struct account *out)
{
	const char *name = context->root->front_user;
	const struct account *account;

	if (read_numbers(context, name, out))
		return true;
	if (accounts_find_user(&context->accounts, name, &account) == 0) {
		*out = *account;
		return true;
	}
	if (context->privileged)
		complain_of_missing(context, name);
	return false;
}

static void check_unprivileged(struct build_context *context)
{
	struct account account;

	if (!context->root->own[OPTION_FRONT_USER])
		return;
	if (!find_user(context, &account) || account.uid != geteuid())
		errors_note(context->errors, context->trial, context->root->at[OPTION_FRONT_USER],
			    "'front_user' needs root: both processes run as the user who started "
			    "superd; leave it out, or start superd as root");
}

/* One processor is for the main thread. One more worker would make threads wait for each other. */
static unsigned workers_wanted(void)
{
	cpu_set_t set;
	int n;

	/* Fails on a machine with more processors than a set has room for. */
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return WORKERS_MAX;
	n = CPU_COUNT(&set) - 1;
	if (n < 1)
		return 1;
	return n < WORKERS_MAX ? n : WORKERS_MAX;
}

void build_workers(struct build_context *context)
{
	unsigned workers = context->root->workers;

	context->settings->workers = workers == WORKERS_AUTO ? workers_wanted() : workers;
}

void build_poller(struct build_context *context)
{
	size_t n = context->settings->n_endpoints;
	struct location location = { context->settings->path, 1 };

	if (context->root->own[OPTION_POLLER])
		location = context->root->at[OPTION_POLLER];
	context->settings->poller = context->root->poller;
	/* An endpoint that select cannot watch would never be served. */
	if (context->root->poller == POLLER_SELECT && n > SELECT_ENDPOINTS_MAX)
		errors_add(context->errors, location,
			   "'poller = select' watches at most %d endpoints, not %zu; 'auto' and "
			   "'epoll' watch any number",
			   SELECT_ENDPOINTS_MAX, n);
}

static void build_seccomp(struct build_context *context)
{
	const struct root *root = context->root;

	context->settings->front.seccomp = root->front_seccomp;
	if (!SUPERD_HAS_SECCOMP && root->own[OPTION_FRONT_SECCOMP] &&
	    root->front_seccomp != FRONT_SECCOMP_OFF)
		errors_add(context->errors, root->at[OPTION_FRONT_SECCOMP],
			   "'front_seccomp' can only be 'off': this superd was built without "
			   "libseccomp");
}

void build_front(struct build_context *context)
{
	struct account account;

	build_seccomp(context);
	if (!context->privileged) {
		check_unprivileged(context);
		return;
	}
	if (!find_user(context, &account))
		return;
	if (account.uid == 0 || account.gid == 0) {
		errors_add(context->errors, context->root->at[OPTION_FRONT_USER],
			   "'front_user' must not be %s: the front faces the network",
			   account.uid == 0 ? "root" : "in the group of root");
		return;
	}

	context->settings->front.user.change = true;
	context->settings->front.user.uid = account.uid;
	context->settings->front.user.gid = account.gid;
}
