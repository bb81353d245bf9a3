/* Who the front is, how many threads it has, and how it watches its sockets. */

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "base/log.h"
#include "config/account.h"
#include "config/parse.h"

/* Of FD_SETSIZE: the rest is for clients and for superd itself. */
#define SELECT_ENDPOINTS_MAX 900

/* Where the default user was never made; every system has this one. */
#define SECOND_CHOICE "nobody"

static void check_unprivileged(struct parse *parse, const struct account *account)
{
	if (parse->root.own[OPTION_FRONT_USER] && (!account || account->uid != geteuid()))
		errors_add(&parse->errors, parse->root.at[OPTION_FRONT_USER],
			   "'front_user' needs root: both processes run as the user who started "
			   "superd");
}

/* The default may be missing; a user who was asked for may not. */
static const struct account *find_user(struct parse *parse)
{
	const char *name = parse->root.front_user;
	const struct account *account = NULL;

	if (accounts_find_user(parse->accounts, name, &account) == 0)
		return account;
	if (!parse->options->privileged)
		return NULL;
	if (parse->root.own[OPTION_FRONT_USER]) {
		errors_add(&parse->errors, parse->root.at[OPTION_FRONT_USER],
			   "'front_user': no user '%s'", errors_quote(name));
		return NULL;
	}

	if (accounts_find_user(parse->accounts, SECOND_CHOICE, &account) < 0)
		errors_add(&parse->errors, (struct location){ parse->settings->path, 1 },
			   "neither user '%s' nor user '%s' exists for the front; set 'front_user'",
			   name, SECOND_CHOICE);
	else if (!parse->rehearsal)
		log_warning(0, "there is no user '%s': the front runs as '%s'", name,
			    SECOND_CHOICE);
	return account;
}

/* The main thread has a processor too: a thread more would make each wait for the others. */
static unsigned workers_wanted(void)
{
	cpu_set_t set;
	int n;

	/* Fails where there are more than a set has room for. */
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return WORKERS_MAX;
	n = CPU_COUNT(&set) - 1;
	if (n < 1)
		return 1;
	return n < WORKERS_MAX ? n : WORKERS_MAX;
}

void build_workers(struct parse *parse)
{
	unsigned workers = parse->root.workers;

	parse->settings->workers = workers == WORKERS_AUTO ? workers_wanted() : workers;
}

/* What it cannot watch would never be served. */
static void check_select(struct parse *parse)
{
	size_t n = parse->settings->n_endpoints;
	struct location location = { parse->settings->path, 1 };

	if (parse->root.own[OPTION_POLLER])
		location = parse->root.at[OPTION_POLLER];
	if (parse->root.poller == POLLER_SELECT && n > SELECT_ENDPOINTS_MAX)
		errors_add(&parse->errors, location,
			   "'poller = select' watches at most %d endpoints, not %zu; 'auto' and "
			   "'epoll' watch any number",
			   SELECT_ENDPOINTS_MAX, n);
}

void build_poller(struct parse *parse)
{
	check_select(parse);
	parse->settings->poller = parse->root.poller;
}

void build_front(struct parse *parse)
{
	const struct account *account = find_user(parse);

	if (!parse->options->privileged) {
		check_unprivileged(parse, account);
		return;
	}
	if (!account)
		return;
	if (account->uid == 0)
		errors_add(&parse->errors, parse->root.at[OPTION_FRONT_USER],
			   "'front_user' must not be root: the front faces the network");

	parse->settings->front = (struct front_settings){
		.change_user = true,
		.uid = account->uid,
		.gid = account->gid,
	};
}
