#include "config/settings.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static void free_list(char **list)
{
	for (char **at = list; list && *at; at++)
		free(*at);
	free(list);
}

static void service_fini(struct service *service)
{
	for (size_t i = 0; i < service->n_endpoints; i++)
		endpoint_fini(&service->endpoints[i]);
	free(service->endpoints);
	free(service->program.path);
	free_list(service->program.argv);
	free(service->program.identity.groups);
	free(service->program.directory);
	free(service->program.chroot);
	free(service->only_from.sets);
	free(service->no_access.sets);
	free(service->access_times);
	free(service->name);
}

static void free_set(struct client_set *set)
{
	client_set_fini(set);
	free(set);
}

static void listed_service_fini(struct listed_service *service)
{
	free(service->name);
	free(service->endpoints);
	free(service->answer);
}

void settings_free(struct settings *settings)
{
	if (!settings)
		return;

	for (size_t i = 0; i < settings->n_services; i++)
		service_fini(&settings->services[i]);
	for (size_t i = 0; i < settings->n_files; i++)
		free(settings->files[i]);
	for (size_t i = 0; i < settings->n_sets; i++)
		free_set(settings->sets[i]);
	for (size_t i = 0; i < settings->n_set_files; i++)
		free(settings->set_files[i]);
	free(settings->sets);
	free(settings->set_files);
	arena_fini(&settings->secrets);
	for (size_t i = 0; i < settings->n_listed; i++)
		listed_service_fini(&settings->listed[i]);
	free(settings->listed);
	free(settings->services);
	free(settings->files);
	free(settings->log_path);
	free(settings->pid_file);
	free(settings->path);
	free(settings);
}

struct client_set *settings_add_set(struct settings *settings, const char *name)
{
	struct client_set *set;

	if (array_make_room(settings->sets, settings->n_sets, settings->sets_room) < 0)
		return NULL;
	set = calloc(1, sizeof(*set));
	if (!set)
		return NULL;
	if (name)
		set->name = strdup(name);
	if (name && !set->name) {
		free(set);
		return NULL;
	}
	settings->sets[settings->n_sets++] = set;
	return set;
}

void settings_hide_secrets(struct settings *settings)
{
	arena_hide(&settings->secrets);
}

const struct service *settings_service_of(const struct settings *settings, size_t number)
{
	size_t low = 0;
	size_t high = settings->n_services;

	assert(number < settings->n_endpoints);

	/* The last service whose first endpoint is not after @number. */
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (settings->services[middle].first_endpoint <= number)
			low = middle;
		else
			high = middle;
	}
	return &settings->services[low];
}

const struct endpoint *settings_endpoint(const struct settings *settings, size_t number)
{
	const struct service *service = settings_service_of(settings, number);

	return &service->endpoints[number - service->first_endpoint];
}
