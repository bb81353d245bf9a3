#include "config/settings.h"

#include <assert.h>
#include <stdlib.h>

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
	free(service->name);
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
