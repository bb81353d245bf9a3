#include "config/build-front.h"

#include <sched.h>
#include <unistd.h>

#include "base/log.h"
#include "config/build-context.h"

/* The rest of FD_SETSIZE is for clients and for superd itself. */
#define SELECT_ENDPOINTS_MAX 900

/* For systems without the default user. Every system has this one. */
#define SECOND_CHOICE "nobody"

static void check_unprivileged(struct build_context *context, const struct account *account)
{
	if (context->root->own[OPTION_FRONT_USER] && (!account || account->uid != geteuid()))
		errors_add(context->errors, context->root->at[OPTION_FRONT_USER],
			   "'front_user' needs root: both processes run as the user who started "
			   "superd");
}

/* The default user may be missing, but not a user that was configured. */
static const struct account *find_user(struct build_context *context)
{
	const char *name = context->root->front_user;
	const struct account *account = NULL;

	if (accounts_find_user(&context->accounts, name, &account) == 0)
		return account;
	if (!context->privileged)
		return NULL;
	if (context->root->own[OPTION_FRONT_USER]) {
		errors_add(context->errors, context->root->at[OPTION_FRONT_USER],
			   "'front_user': no user '%s'", errors_quote(name));
		return NULL;
	}

	if (accounts_find_user(&context->accounts, SECOND_CHOICE, &account) < 0)
		errors_add(context->errors, (struct location){ context->settings->path, 1 },
			   "neither user '%s' nor user '%s' exists for the front; set 'front_user'",
			   name, SECOND_CHOICE);
	else if (!context->rehearsal)
		log_warning(0, "there is no user '%s': the front runs as '%s'", name,
			    SECOND_CHOICE);
	return account;
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

void build_front(struct build_context *context)
{
	const struct account *account = find_user(context);

	if (!context->privileged) {
		check_unprivileged(context, account);
		return;
	}
	if (!account)
		return;
	if (account->uid == 0)
		errors_add(context->errors, context->root->at[OPTION_FRONT_USER],
			   "'front_user' must not be root: the front faces the network");

	context->settings->front = (struct front_settings){
		.change_user = true,
		.uid = account->uid,
		.gid = account->gid,
	};
}
