#include "config/build-lists.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/build-context.h"
#include "config/named-sets.h"
#include "config/schema.h"
#include "config/set-builder.h"

#define SUBJECT_MAX 320

/* One option of the service at hand. */
struct list_build {
	struct build *build;
	int option;
	const struct values *values;
	struct client_list *out;
	char subject[SUBJECT_MAX];
};

static void add_set(struct client_list *out, const struct client_set *set)
{
	for (size_t i = 0; i < out->n_sets; i++)
		if (out->sets[i] == set)
			return;
	out->sets[out->n_sets++] = set;
}

/* Makes a set of what stands in the list itself. Many services share that of the defaults. */
static const struct client_set *own_set(struct list_build *list)
{
	struct build_context *context = list->build->context;
	struct set_builder builder = {
		.errors = context->errors,
		.accounts = &context->accounts,
		.subject = list->subject,
	};
	struct client_set *set = settings_add_set(context->settings, NULL);
	int r = set ? 0 : -ENOMEM;

	for (size_t i = 0; i < list->values->n; i++) {
		const struct value *value = &list->values->list[i];

		if (value->text[0] != '@')
			set_builder_add(&builder, value->text,
					build_location(list->build, list->option, value->line));
	}
	if (r == 0)
		r = set_builder_finish(&builder, set);
	set_builder_fini(&builder);
	return r == 0 ? set : NULL;
}

static const struct client_set *shared_set(struct list_build *list)
{
	struct build_context *context = list->build->context;
	struct shared_set *shared = &context->shared_sets[list->option == OPTION_NO_ACCESS];
	bool is_own = list->build->draft->own[list->option];

	if (!is_own && shared->values == list->values->list)
		return shared->set;
	if (is_own)
		return own_set(list);
	*shared = (struct shared_set){ list->values->list, own_set(list) };
	return shared->set;
}

static int fill(struct list_build *list)
{
	const struct values *values = list->values;
	const struct client_set *own;

	list->out->sets = calloc(values->n + 1, sizeof(*list->out->sets));
	own = list->out->sets ? shared_set(list) : NULL;
	if (!own)
		return -ENOMEM;
	add_set(list->out, own);
	for (size_t i = 0; i < values->n; i++) {
		const struct value *value = &values->list[i];
		const struct client_set *set;

		if (value->text[0] != '@')
			continue;
		set = named_sets_use(list->build->context->sets, list->build->context,
				     value->text + 1, list->subject,
				     build_location(list->build, list->option, value->line));
		if (set)
			add_set(list->out, set);
	}
	return 0;
}

/* As whom the client of a Unix socket runs is known of connections alone. */
static void check_unix(struct build *build, int option, const struct client_list *list)
{
	const struct service *service = build->service;
	bool has_ids = client_list_has_ids(list);

	for (size_t i = 0; i < service->n_endpoints; i++) {
		const struct endpoint *endpoint = &service->endpoints[i];

		if (!address_is_unix(&endpoint->address))
			continue;
		if (has_ids && endpoint->type == SOCK_DGRAM)
			build_error(build, option, 0,
				    "'%s' names users or groups, and who sends a datagram to '%s' "
				    "is not known; use 'unix:' or 'unix-seqpacket:'",
				    schema_options[option].name, endpoint->text);
		else if (!has_ids && option == OPTION_ONLY_FROM)
			build_warning(build, option, 0,
				      "nobody may come by '%s', since '%s' names no user and no "
				      "group; add 'user:NAME' or 'group:NAME'",
				      endpoint->text, schema_options[option].name);
	}
}

static void build_list(struct build *build, int option, const struct values *values,
		       struct client_list *out)
{
	struct list_build list = { build, option, values, out, "" };
	bool is_own = build_is_own(build, option);
	size_t found = build->context->errors->n;

	if (!draft_sets(build->draft, option))
		return;
	out->is_set = true;
	snprintf(list.subject, sizeof(list.subject), "%s'%s': '%s'", is_own ? "service " : "",
		 is_own ? build->service->name : "defaults", schema_options[option].name);
	if (fill(&list) < 0)
		errors_add(build->context->errors, build->draft->location, "out of memory");
	else if (build->context->errors->n == found)
		check_unix(build, option, out);
}

/* Without a connection of its own, superd does not see who comes. */
static void check_dispatch(struct build *build, int option)
{
	const struct service *service = build->service;

	if (!build_has(build, option) || !dispatch_has(service->dispatch, DISPATCH_LENDS_LISTENER))
		return;
	for (size_t i = 0; i < service->n_endpoints; i++) {
		if (service->endpoints[i].type == SOCK_DGRAM)
			continue;
		build_error(build, option, 0,
			    "'%s' is not for connections with 'dispatch = wait', which the program "
			    "accepts itself; use 'dispatch = spawn' or 'dispatch = pass'",
			    schema_options[option].name);
		return;
	}
}

static int build_times(struct service *service, const struct draft *draft)
{
	service->access_times = calloc(1, sizeof(*service->access_times));
	if (!service->access_times)
		return -ENOMEM;
	for (size_t i = 0; i < draft->access_times.n; i++)
		(void)access_times_add(service->access_times, draft->access_times.list[i].text);
	return 0;
}

void build_lists(struct build *build)
{
	struct draft *draft = build->draft;
	struct service *service = build->service;

	build_list(build, OPTION_ONLY_FROM, &draft->only_from, &service->only_from);
	build_list(build, OPTION_NO_ACCESS, &draft->no_access, &service->no_access);
	check_dispatch(build, OPTION_ONLY_FROM);
	check_dispatch(build, OPTION_NO_ACCESS);
	check_dispatch(build, OPTION_ACCESS_TIMES);
	if (draft_sets(draft, OPTION_ACCESS_TIMES) && build_times(service, draft) < 0)
		errors_add(build->context->errors, draft->location, "out of memory");
}
