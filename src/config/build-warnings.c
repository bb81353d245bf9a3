#include "config/build-warnings.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/build-context.h"
#include "config/dispatch.h"
#include "config/executable.h"
#include "config/file.h"
#include "config/schema.h"
#include "config/settings.h"
#include "config/user-access.h"

#define LOCAL_PORTS "/proc/sys/net/ipv4/ip_local_port_range"
#define RESERVED_PORTS "/proc/sys/net/ipv4/ip_local_reserved_ports"

/* The words of a shell that have no meaning for a program. ";" is one of find(1). */
static const char *const shell_words[] = { "<", ">",  ">>", "<<",   "|",           "||",
					   "&", "&&", "2>", "2>&1", "2>/dev/null", ">/dev/null" };

/* What the variable of a client is called in `exec`. */
static const struct {
	const char *name;
	const char *instead;
} client_variables[] = {
	{ "REMOTE_ADDR", "'%{remote_addr}'" }, { "REMOTE_HOST", "'%{remote_addr}'" },
	{ "TCPREMOTEIP", "'%{remote_addr}'" }, { "REMOTE_PORT", "'%{remote_port}'" },
	{ "SERVER_ADDR", "'%{local_addr}'" },  { "SERVER_PORT", "'%{local_port}'" },
	{ "SUPERD_SERVICE", "'%{service}'" },
};

static const char *user_of(const struct build *build)
{
	return build->draft->user ? errors_quote(build->draft->user) : "the user of superd";
}

static void check_access(struct build *build, const struct value *program)
{
	const struct program_settings *settings = &build->service->program;
	const char *root = settings->chroot;
	bool is_script = executable_kind(root, program->text) == EXECUTABLE_SCRIPT;
	const char *quoted = errors_quote(program->text);

	/* In a trial the program runs as somebody else. */
	if (!settings->identity.change && settings->identity.uid != geteuid() && build->draft->user)
		return;

	switch (user_access(&settings->identity, root, program->text, is_script)) {
	case USER_ACCESS_YES:
		break;
	case USER_ACCESS_REACH:
		build_warning(build, OPTION_EXEC, program->line,
			      "'%s' cannot reach the program '%s': a folder on the way is closed "
			      "(see namei -l %s)",
			      user_of(build), quoted, quoted);
		break;
	case USER_ACCESS_EXECUTE:
		build_warning(build, OPTION_EXEC, program->line,
			      "'%s' may not execute the program '%s' (chmod +x)", user_of(build),
			      quoted);
		break;
	case USER_ACCESS_READ:
		build_warning(build, OPTION_EXEC, program->line,
			      "'%s' may not read the script '%s' (chmod +r)", user_of(build),
			      quoted);
		break;
	}
}

static void check_directory(struct build *build)
{
	const struct program_settings *settings = &build->service->program;
	const char *directory = build->draft->directory;
	struct stat status;

	if (!draft_sets(build->draft, OPTION_DIRECTORY) ||
	    executable_stat(settings->chroot, directory, &status) < 0 || !S_ISDIR(status.st_mode))
		return;
	if (user_access(&settings->identity, settings->chroot, directory, false) != USER_ACCESS_YES)
		build_warning(build, OPTION_DIRECTORY, 0,
			      "'%s' may not enter the directory '%s' (chmod +x)", user_of(build),
			      errors_quote(directory));
}

static void check_file(struct build *build, const struct value *program)
{
	const struct program_settings *settings = &build->service->program;
	const char *quoted = errors_quote(program->text);
	struct stat status;

	if (executable_stat(settings->chroot, program->text, &status) < 0 ||
	    !S_ISREG(status.st_mode))
		return;
	if (executable_kind(settings->chroot, program->text) == EXECUTABLE_TEXT)
		build_warning(build, OPTION_EXEC, program->line,
			      "'%s' is a script without '#!' in its first line, which cannot be "
			      "executed; begin it with '#!/bin/sh'",
			      quoted);
	/* Who may write the program has the rights of its user. */
	if (build->context->privileged && file_is_open_to_others(&status, settings->identity.uid))
		build_warning(
			build, OPTION_EXEC, program->line,
			"others than root may write the program '%s' (chown root, chmod go-w)",
			quoted);
}

static bool is_shell_word(const char *text)
{
	for (size_t i = 0; i < sizeof(shell_words) / sizeof(shell_words[0]); i++)
		if (strcmp(shell_words[i], text) == 0)
			return true;
	return false;
}

/* The name in "$NAME" or "${NAME}", if that is the whole text, or NULL. */
static const char *variable(const char *text, size_t *out_length)
{
	const char *name = text + 1 + (text[0] == '$' && text[1] == '{');
	size_t n = 0;

	if (text[0] != '$' || isdigit((unsigned char)*name))
		return NULL;
	while (isalnum((unsigned char)name[n]) || name[n] == '_')
		n++;
	*out_length = n;
	return n > 0 && strcmp(name + n, text[1] == '{' ? "}" : "") == 0 ? name : NULL;
}

static void check_variable(struct build *build, const struct value *value)
{
	const char *instead = NULL;
	const char *name;
	size_t n;

	name = variable(value->text, &n);
	if (!name)
		return;
	for (size_t i = 0; i < sizeof(client_variables) / sizeof(client_variables[0]); i++)
		if (strlen(client_variables[i].name) == n &&
		    memcmp(client_variables[i].name, name, n) == 0)
			instead = client_variables[i].instead;
	build_warning(build, OPTION_EXEC, value->line,
		      "no shell replaces '%s'; write %s, or 'exec = {\"/bin/sh\", \"-c\", "
		      "\"COMMAND\"}'",
		      errors_quote(value->text), instead ? instead : "its value");
}

static void check_arguments(struct build *build)
{
	const struct values *exec = &build->draft->exec;

	for (size_t i = 1; i < exec->n; i++) {
		if (is_shell_word(exec->list[i].text))
			build_warning(build, OPTION_EXEC, exec->list[i].line,
				      "'%s' means nothing without a shell; write 'exec = "
				      "{\"/bin/sh\", \"-c\", \"COMMAND\"}'",
				      exec->list[i].text);
		check_variable(build, &exec->list[i]);
	}
}

static void check_program(struct build *build)
{
	const struct values *exec = &build->draft->exec;
	char why[EXECUTABLE_WHY_MAX];

	if (exec->n == 0 || build->draft->bad[OPTION_CHROOT] ||
	    executable_check(build->draft->chroot, exec->list[0].text, why) < 0)
		return;
	check_access(build, &exec->list[0]);
	check_directory(build);
	check_file(build, &exec->list[0]);
	check_arguments(build);
}

/* Whether the folder of an absolute path is missing, whose name is written to @out then. */
static bool lacks_folder(const char *path, char out[static PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	if (path[0] != '/' || slash == path)
		return false;
	snprintf(out, PATH_MAX, "%.*s", (int)(slash - path), path);
	return access(out, F_OK) < 0 && errno == ENOENT;
}

static void check_folder(struct build *build, const struct endpoint *endpoint)
{
	char folder[PATH_MAX];

	if (lacks_folder(endpoint->address.un.sun_path, folder))
		build_warning(build, OPTION_LISTEN, 0,
			      "there is no folder '%s' for '%s'; superd tries again until there is",
			      errors_quote(folder), endpoint->text);
}

/* "8080,9148-9150" */
static bool is_reserved(unsigned port)
{
	FILE *file = fopen(RESERVED_PORTS, "re");
	bool reserved = false;
	unsigned first, last;
	int n;

	while (file && !reserved && fscanf(file, "%u%n", &first, &n) == 1) {
		last = first;
		(void)!fscanf(file, "-%u", &last);
		(void)!fscanf(file, " ,");
		reserved = port >= first && port <= last;
	}
	if (file)
		fclose(file);
	return reserved;
}

static void read_local_ports(struct build_context *context)
{
	FILE *file = fopen(LOCAL_PORTS, "re");
	unsigned first, last;

	context->local_ports_known = true;
	if (file && fscanf(file, "%u %u", &first, &last) == 2) {
		context->local_port_first = first;
		context->local_port_last = last;
	}
	if (file)
		fclose(file);
}

/* Returns whether it has warned: once is enough for a range. */
static bool check_port(struct build *build, const struct endpoint *endpoint)
{
	struct build_context *context = build->context;
	unsigned port = address_port(&endpoint->address);

	if (!context->local_ports_known)
		read_local_ports(context);
	if (port == 0 || port < context->local_port_first || port > context->local_port_last ||
	    is_reserved(port))
		return false;
	build_warning(build, OPTION_LISTEN, 0,
		      "the system gives port %u to outgoing connections too (%u to %u), so it may "
		      "be taken when superd starts; choose another, or add it to the sysctl "
		      "net.ipv4.ip_local_reserved_ports",
		      port, context->local_port_first, context->local_port_last);
	return true;
}

static void check_endpoints(struct build *build)
{
	const struct service *service = build->service;
	bool is_warned = build->context->root->port_base > 0;

	for (size_t i = 0; i < service->n_endpoints; i++) {
		const struct endpoint *endpoint = &service->endpoints[i];

		if (address_is_unix(&endpoint->address))
			check_folder(build, endpoint);
		else if (!is_warned)
			is_warned = check_port(build, endpoint);
	}
}

static void no_effect(struct build *build, int number, const char *why)
{
	build_warning(build, number, 0, "'%s' has no effect: %s", schema_options[number].name, why);
}

/* The log knows nothing of these, whatever the configuration says. */
static unsigned unknown_records(const struct service *service)
{
	if (!dispatch_has(service->dispatch, DISPATCH_RUNS_PROGRAM))
		return RECORD_PID | RECORD_EXIT;
	if (dispatch_has(service->dispatch, DISPATCH_SHARES_LISTENER))
		return RECORD_HOST | RECORD_TRAFFIC;
	return RECORD_TRAFFIC;
}

static void check_records(struct build *build)
{
	static const char *const names[] = { "host", "pid", "duration", "exit", "traffic" };
	const struct service *service = build->service;
	unsigned useless = service->log_on_success & unknown_records(service);

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (build->draft->own[OPTION_LOG_ON_SUCCESS] && useless & 1u << i)
			build_warning(
				build, OPTION_LOG_ON_SUCCESS, 0,
				"'%s' of 'log_on_success' has no effect: superd does not know "
				"it of this service",
				names[i]);
	if (build->draft->own[OPTION_LOG_ON_FAILURE] &&
	    dispatch_has(service->dispatch, DISPATCH_SHARES_LISTENER))
		no_effect(build, OPTION_LOG_ON_FAILURE,
			  "the programs accept clients themselves, and superd refuses none");
}

static void check_effects(struct build *build)
{
	const struct draft *draft = build->draft;
	bool one = dispatch_has(build->service->dispatch, DISPATCH_LENDS_LISTENER);

	if (draft->own[OPTION_INSTANCES] && one)
		no_effect(build, OPTION_INSTANCES,
			  "with 'dispatch = wait' one program serves all clients");
	if (draft->own[OPTION_OVERFLOW] && one)
		no_effect(build, OPTION_OVERFLOW,
			  "with 'dispatch = wait' one program serves all clients");
	else if (draft->own[OPTION_OVERFLOW] && draft->instances == OPTION_UNLIMITED &&
		 draft->cps.interval_ns == 0 && build_is_sure(build, OPTION_INSTANCES) &&
		 build_is_sure(build, OPTION_CPS))
		no_effect(build, OPTION_OVERFLOW,
			  "neither 'instances' nor 'cps' is set, so there is no limit");
	check_records(build);
}

void build_warnings(struct build *build)
{
	check_endpoints(build);
	if (!build_is_sure(build, OPTION_DISPATCH))
		return;
	check_effects(build);
	if (build->draft->own[OPTION_EXEC] && !build_has(build, OPTION_BUILTIN))
		check_program(build);
}

void build_warn_of_files(struct build_context *context)
{
	const struct root *root = context->root;
	const char *const paths[][2] = { { "log", root->log }, { "pid_file", root->pid_file } };
	const int numbers[] = { OPTION_LOG, OPTION_PID_FILE };
	char folder[PATH_MAX];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (paths[i][1] && lacks_folder(paths[i][1], folder))
			errors_warn(context->errors, root->at[numbers[i]],
				    "'%s': there is no folder '%s'; superd does not start without "
				    "it",
				    paths[i][0], errors_quote(folder));
}
