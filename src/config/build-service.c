#include "config/build-service.h"

#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "config/build-context.h"
#include "config/build-endpoints.h"
#include "config/build-lists.h"
#include "config/build-program.h"
#include "config/build-warnings.h"
#include "config/builtin.h"
#include "config/digest.h"
#include "config/dispatch.h"
#include "config/schema.h"

/* Adds an error if option @number, which is set, has no effect with the other options. */
static void check_option(struct build *build, int number)
{
	const struct option *option = &schema_options[number];
	bool program = build_has(build, OPTION_EXEC);
	enum dispatch_kind dispatch = build->service->dispatch;

	if (program && option->not_with & DISPATCH_RUNS_PROGRAM)
		build_error(build, number, 0, "'%s' is only for services with 'builtin'",
			    option->name);
	else if (program && !build_is_sure(build, OPTION_DISPATCH))
		return;
	else if (program && dispatch_has(dispatch, option->not_with))
		build_error(
			build, number, 0,
			"'%s' is not for %s, where the programs accept clients themselves%s%s%s",
			option->name, dispatch_list(option->not_with),
			option->instead ? "; see '" : "", option->instead ?: "",
			option->instead ? "'" : "");
	else if (program && option->only_with && !dispatch_has(dispatch, option->only_with))
		build_error(build, number, 0, "'%s' is for %s", option->name,
			    dispatch_list(option->only_with));
	else if (!program && option->only_with)
		build_error(build, number, 0, "'%s' is only for services with 'exec'",
			    option->name);
}

static void check_options(struct build *build)
{
	const struct draft *draft = build->draft;

	for (int i = 0; i < OPTION_COUNT; i++) {
		unsigned traits = schema_options[i].only_builtin;

		if (!build_has(build, i))
			continue;
		if (traits && build_is_sure(build, OPTION_BUILTIN) &&
		    !builtin_has(draft->builtin, traits))
			build_error(build, i, 0, "'%s' is for the built-in %s",
				    schema_options[i].name, builtin_list(traits));
		if (build_has(build, OPTION_BUILTIN) != build_has(build, OPTION_EXEC))
			check_option(build, i);
	}
}

static void check_kind(struct build *build)
{
	const struct location *builtin = &build->draft->at[OPTION_BUILTIN];
	bool unsure = build->draft->unsure;

	if (!unsure && !build_has(build, OPTION_BUILTIN) && !build_has(build, OPTION_EXEC))
		build_error(build, -1, 0, "needs 'exec' or 'builtin'");
	if (build_has(build, OPTION_BUILTIN) && build_has(build, OPTION_EXEC))
		build_error(build, OPTION_EXEC, 0, "takes 'exec' or 'builtin', not both (%s:%d)",
			    builtin->file, builtin->line);
	if (!unsure && !build_has(build, OPTION_LISTEN))
		build_error(build, -1, 0, "needs 'listen'");
}

static void build_socket_user(struct build *build)
{
	const char *name = build->draft->socket_user;
	const struct account *account;

	if (accounts_find_user(&build->context->accounts, name, &account) < 0)
		build_error(build, OPTION_SOCKET_USER, 0, "'socket_user': no user '%s'",
			    errors_quote(name));
	else if (!build->context->privileged && account->uid != geteuid())
		build_needs_root(build, OPTION_SOCKET_USER,
				 "'socket_user' needs root, which alone can give files away");
	else
		build->service->socket.uid = account->uid;
}

static void build_socket_group(struct build *build)
{
	const char *name = build->draft->socket_group;
	gid_t gid;

	if (accounts_find_group(&build->context->accounts, name, &gid) < 0)
		build_error(build, OPTION_SOCKET_GROUP, 0, "'socket_group': no group '%s'",
			    errors_quote(name));
	else if (!build->context->privileged && gid != getegid() && group_member(gid) == 0)
		build_needs_root(build, OPTION_SOCKET_GROUP,
				 "'socket_group' needs root: superd is not in that group");
	else
		build->service->socket.gid = gid;
}

static bool has_udp(const struct service *service)
{
	for (size_t i = 0; i < service->n_endpoints; i++)
		if (endpoint_is_udp(&service->endpoints[i]))
			return true;
	return false;
}

/* The settings of a built-in. Called after build_endpoints(). */
static void build_session(struct build *build)
{
	const struct draft *draft = build->draft;
	struct service *service = build->service;
	unsigned workers = build->context->settings->workers;

	service->idle_timeout_ms = draft->idle_timeout_ms;
	service->max_lifetime_ms = draft->max_lifetime_ms;
	if (!has_udp(service))
		service->shards = 0;
	else if (draft->shards == WORKERS_AUTO)
		service->shards = workers ? workers : 1;
	else
		service->shards = draft->shards;
}

static void fill_in(struct build *build)
{
	const struct draft *draft = build->draft;
	struct service *service = build->service;

	service->dispatch = build_has(build, OPTION_BUILTIN) ? DISPATCH_SESSION : draft->dispatch;
	service->builtin = draft->builtin;
	service->amplify = draft->amplify && builtin_has(draft->builtin, BUILTIN_MAY_AMPLIFY);
	service->instances = draft->instances;
	service->cps = draft->cps;
	service->overflow = draft->overflow;
	service->reflection = draft->reflection;
	service->log_on_success = draft->log_on_success;
	service->log_on_failure = draft->log_on_failure;
	service->debug = draft->debug || log_debug_wanted;
	service->options_digest = digest_of_options(draft);
	service->socket = draft->socket;
	/* Programs write small pieces, and most do not set the option by themselves. */
	if (draft->own[OPTION_EXEC] && !draft_sets(draft, OPTION_NODELAY))
		service->socket.nodelay = true;

	check_kind(build);
	check_options(build);
	if (draft->socket_user)
		build_socket_user(build);
	if (draft->socket_group)
		build_socket_group(build);
	build_endpoints(build);
	build_lists(build);
	if (!dispatch_has(service->dispatch, DISPATCH_RUNS_PROGRAM)) {
		build_session(build);
	} else if (draft->own[OPTION_EXEC]) {
		build_program(build);
		service->digest = digest_of_service(service, draft);
	}
}

static struct service *add_service(struct settings *settings, const struct draft *draft)
{
	struct service *service;
	char *name;

	if (array_make_room(settings->services, settings->n_services, settings->services_room) < 0)
		return NULL;
	name = strdup(draft->name);
	if (!name)
		return NULL;

	service = &settings->services[settings->n_services];
	*service = (struct service){
		.name = name,
		.file = draft->location.file,
		.line = draft->location.line,
		.index = settings->n_services++,
		.first_endpoint = settings->n_endpoints,
	};
	return service;
}

void build_service(struct build_context *context, struct draft *draft)
{
	struct settings *settings = context->settings;
	struct build at_hand = { context, draft, add_service(settings, draft) };

	if (!at_hand.service) {
		errors_add(context->errors, draft->location, "out of memory");
		return;
	}
	fill_in(&at_hand);
	if (context->rehearsal)
		build_warnings(&at_hand);
	settings->n_endpoints += at_hand.service->n_endpoints;
}
