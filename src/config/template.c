#include "config/template.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/errors.h"

#define KNOWN "%{remote_addr}, %{remote_port}, %{local_addr}, %{local_port} and %{service}"

static const struct {
	const char *name;
	bool needs_client;
} variables[] = {
	{ "remote_addr", true }, { "remote_port", true }, { "local_addr", true },
	{ "local_port", true },  { "service", false },
};

static int check_variable(const char *name, size_t length, bool has_client, char *why, size_t size)
{
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		if (strlen(variables[i].name) != length || memcmp(variables[i].name, name, length))
			continue;
		if (has_client || !variables[i].needs_client)
			return 0;
		snprintf(why, size,
			 "'%%{%s}' is known with 'dispatch = spawn' only, where each client has a "
			 "program of its own",
			 variables[i].name);
		return -EINVAL;
	}

	snprintf(why, size, "unknown variable '%%{%s}'; there are %s",
		 errors_quote_part(name, length), KNOWN);
	return -EINVAL;
}

/* The next "%{" that is not written "%%{", or NULL. */
static const char *find_variable(const char *at)
{
	for (; *at; at++) {
		if (strncmp(at, "%%{", 3) == 0)
			at += 2;
		else if (strncmp(at, "%{", 2) == 0)
			return at;
	}
	return NULL;
}

int template_check(const char *text, bool allowed, bool has_client, char *why, size_t size)
{
	const char *at = text;

	while ((at = find_variable(at))) {
		const char *end = strchr(at, '}');

		if (!allowed) {
			snprintf(why, size, "the path of a program holds no variables: '%s'",
				 errors_quote(text));
			return -EINVAL;
		}
		if (!end) {
			snprintf(why, size, "'}' is missing after '%%{' (write '%%%%{' for '%%{')");
			return -EINVAL;
		}
		if (check_variable(at + 2, end - at - 2, has_client, why, size) < 0)
			return -EINVAL;
		at = end + 1;
	}
	return 0;
}
