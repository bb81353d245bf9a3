/*
 * Checks what the options of a service mean together, and fills in the settings of
 * the service; its endpoints and its program have files of their own.
 */

#include <string.h>
#include <unistd.h>

#include "config/account.h"
#include "config/parse.h"

struct location build_location(const struct build *build, int number, int line)
{
	struct location location = { build->service->file, build->service->line };

	if (number >= 0 && build->draft->at[number].line)
		location = build->draft->at[number];
	if (line)
		location.line = line;
	return location;
}

bool build_is_own(const struct build *build, int number)
{
	return number < 0 || build->draft->own[number] || !build->draft->at[number].line;
}

char *build_copy(struct build *build, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		build_error(build, -1, 0, "out of memory");
	return copy;
}

/* What has no meaning for a service of the other kind. */
static const struct {
	int option;
	bool programs; /* or built-ins */
} only_of[] = {
	{ OPTION_DISPATCH, true },
	{ OPTION_PROCESSES, true },
	{ OPTION_CLIENTS_PER_PROCESS, true },
	{ OPTION_IDLE_EXIT, true },
	{ OPTION_READY, true },
	{ OPTION_READY_TIMEOUT, true },
	{ OPTION_USER, true },
	{ OPTION_GROUP, true },
	{ OPTION_GROUPS, true },
	{ OPTION_DIRECTORY, true },
	{ OPTION_CHROOT, true },
	{ OPTION_UMASK, true },
	{ OPTION_NICE, true },
	{ OPTION_ENV, true },
	{ OPTION_PASSENV, true },
	{ OPTION_STDERR, true },
	{ OPTION_IDLE_TIMEOUT, false },
	{ OPTION_MAX_LIFETIME, false },
	{ OPTION_SHARDS, false },
};

static void check_only_of(struct build *build, int option, bool programs)
{
	const char *name = schema_options[option].name;

	if (!build->draft->own[option] || programs == build->draft->own[OPTION_EXEC])
		return;
	if (programs)
		build_error(build, option, 0, "'%s' is for programs, and a built-in is none", name);
	else
		build_error(build, option, 0, "'%s' is for built-ins, and a program is none", name);
}

static void check_kind(struct build *build)
{
	const struct draft *draft = build->draft;

	if (!draft->own[OPTION_BUILTIN] && !draft->own[OPTION_EXEC])
		build_error(build, -1, 0, "needs 'exec' or 'builtin'");
	if (draft->own[OPTION_BUILTIN] && draft->own[OPTION_EXEC])
		build_error(build, OPTION_EXEC, 0, "takes 'exec' or 'builtin', not both (%s:%d)",
			    draft->at[OPTION_BUILTIN].file, draft->at[OPTION_BUILTIN].line);
	if (!draft->own[OPTION_LISTEN])
		build_error(build, -1, 0, "needs 'listen'");

	if (draft->own[OPTION_BUILTIN] == draft->own[OPTION_EXEC])
		return;
	for (size_t i = 0; i < sizeof(only_of) / sizeof(only_of[0]); i++)
		check_only_of(build, only_of[i].option, only_of[i].programs);
}

static void check_amplify(struct build *build)
{
	if (build->draft->own[OPTION_AMPLIFY] && build->draft->builtin != BUILTIN_CHARGEN)
		build_error(build, OPTION_AMPLIFY, 0, "'amplify' is for the built-in 'chargen'");
}

static void build_socket_user(struct build *build)
{
	const char *name = build->draft->socket_user;
	const struct account *account;

	if (accounts_find_user(build->parse->accounts, name, &account) < 0)
		build_error(build, OPTION_SOCKET_USER, 0, "'socket_user': no user '%s'",
			    errors_quote(name));
	else if (!build->parse->options->privileged && account->uid != geteuid())
		build_error(build, OPTION_SOCKET_USER, 0,
			    "'socket_user' needs root: a file stays its maker's");
	else
		build->service->socket.uid = account->uid;
}

static void build_socket_group(struct build *build)
{
	const char *name = build->draft->socket_group;
	gid_t gid;

	if (accounts_find_group(build->parse->accounts, name, &gid) < 0)
		build_error(build, OPTION_SOCKET_GROUP, 0, "'socket_group': no group '%s'",
			    errors_quote(name));
	else if (!build->parse->options->privileged && gid != getegid() && group_member(gid) == 0)
		build_error(build, OPTION_SOCKET_GROUP, 0,
			    "'socket_group' needs root: superd is not in group '%s'",
			    errors_quote(name));
	else
		build->service->socket.gid = gid;
}

static void build_socket(struct build *build)
{
	const struct draft *draft = build->draft;
	struct socket_settings *socket = &build->service->socket;

	socket->backlog = draft->backlog;
	socket->rcvbuf = draft->rcvbuf;
	socket->sndbuf = draft->sndbuf;
	socket->keepalive = draft->keepalive;
	socket->nodelay = draft->nodelay;
	socket->mode = draft->socket_mode;
	socket->uid = (uid_t)-1;
	socket->gid = (gid_t)-1;

	if (draft->socket_user)
		build_socket_user(build);
	if (draft->socket_group)
		build_socket_group(build);
}

static bool has_udp(const struct service *service)
{
	for (size_t i = 0; i < service->n_endpoints; i++)
		if (service->endpoints[i].type == SOCK_DGRAM &&
		    service->endpoints[i].address.any.sa_family != AF_UNIX)
			return true;
	return false;
}

/* Of a built-in; its endpoints are known. */
static void build_session(struct build *build)
{
	const struct draft *draft = build->draft;
	struct service *service = build->service;
	unsigned shards = draft->shards;

	service->idle_timeout_ms = draft->idle_timeout_ms;
	service->max_lifetime_ms = draft->max_lifetime_ms;
	if (shards == WORKERS_AUTO)
		shards = build->parse->settings->workers ? build->parse->settings->workers : 1;
	service->shards = has_udp(service) ? shards : 0;
}

void build_service(struct build *build)
{
	const struct draft *draft = build->draft;
	struct service *service = build->service;

	check_kind(build);
	check_amplify(build);

	service->builtin = draft->builtin;
	service->dispatch = draft->own[OPTION_BUILTIN] ? DISPATCH_SESSION : draft->dispatch;
	service->amplify = draft->amplify && draft->builtin == BUILTIN_CHARGEN;
	service->instances = draft->instances;
	service->overflow = draft->overflow;
	service->log_on_success = draft->log_on_success;
	service->log_on_failure = draft->log_on_failure;

	build_socket(build);
	build_endpoints(build);
	if (service->dispatch == DISPATCH_SESSION) {
		build_session(build);
	} else if (draft->own[OPTION_EXEC]) {
		build_program(build);
		build_crew(build);
	}
}
