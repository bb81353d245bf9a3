#include "keeper/exec/program.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/settings.h"
#include "net/address.h"
#include "net/client-variables.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The name in LISTEN_FDNAMES of the socket on which clients are passed. */
#define PASS_SOCKET "superd-pass"
#define LISTEN_NAMES "LISTEN_FDNAMES"

#define VARIABLES_MAX (CLIENT_VARIABLES_MAX + 3) /* LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID */

struct program {
	struct spawn_plan spawn;
	const struct service *service;
	char **argv;
	bool *expanded; /* argument i has variables, and so a buffer of its own */
	char **envp;
	size_t n_constant;
	char *names; /* LISTEN_FDNAMES of a pool */
};

/* One set of buffers serves all programs: the keeper starts one program at a time. */
static char variables[VARIABLES_MAX][CLIENT_VARIABLE_SIZE];

static const struct {
	const char *name;
	size_t offset;
} argument_variables[] = {
	{ "%{remote_addr}", offsetof(struct client_text, remote_addr) },
	{ "%{remote_port}", offsetof(struct client_text, remote_port) },
	{ "%{local_addr}", offsetof(struct client_text, local_addr) },
	{ "%{local_port}", offsetof(struct client_text, local_port) },
};

/* If a variable begins at *@at, moves past it and returns its value. */
static const char *take_variable(const char **at, const struct client_text *client)
{
	static const char service[] = "%{service}";

	if (strncmp(*at, service, sizeof(service) - 1) == 0) {
		*at += sizeof(service) - 1;
		return client->service;
	}
	if (strncmp(*at, "%%{", 3) == 0) {
		*at += 3;
		return "%{";
	}
	for (size_t i = 0; i < sizeof(argument_variables) / sizeof(argument_variables[0]); i++) {
		size_t n = strlen(argument_variables[i].name);

		if (strncmp(*at, argument_variables[i].name, n) == 0) {
			*at += n;
			return (const char *)client + argument_variables[i].offset;
		}
	}
	return NULL;
}

/* @out has room for the longest values that a client can have. */
static void expand(char *out, const char *at, const struct client_text *client)
{
	while (*at) {
		const char *value = take_variable(&at, client);

		if (value)
			out = stpcpy(out, value);
		else
			*out++ = *at++;
	}
	*out = '\0';
}

static size_t longest(const char *argument)
{
	size_t n = strlen(argument) + 1;

	for (const char *at = strstr(argument, "%{"); at; at = strstr(at + 1, "%{"))
		n += ADDRESS_TEXT_MAX;
	return n;
}

static int prepare_arguments(struct program *program, char **written)
{
	size_t n = 0;

	while (written[n])
		n++;
	program->argv = calloc(n + 1, sizeof(*program->argv));
	program->expanded = calloc(n + 1, sizeof(*program->expanded));
	if (!program->argv || !program->expanded)
		return -ENOMEM;

	for (size_t i = 0; i < n; i++) {
		if (i == 0 || !strstr(written[i], "%{")) {
			program->argv[i] = written[i];
			continue;
		}
		program->argv[i] = malloc(longest(written[i]));
		if (!program->argv[i])
			return -ENOMEM;
		program->expanded[i] = true;
	}
	return 0;
}

static bool names_path(char *const *env)
{
	for (; *env; env++)
		if (strncmp(*env, "PATH=", 5) == 0)
			return true;
	return false;
}

static int prepare_environment(struct program *program, char **env)
{
	size_t n = 0;

	while (env[n])
		n++;
	program->envp = calloc(n + VARIABLES_MAX + 2, sizeof(*program->envp));
	if (!program->envp)
		return -ENOMEM;

	if (!names_path(env))
		program->envp[program->n_constant++] = (char *)DEFAULT_PATH;
	for (size_t i = 0; i < n; i++)
		program->envp[program->n_constant++] = env[i];
	return 0;
}

/* LISTEN_FDNAMES of a pool: the name of the service for each descriptor. */
static int prepare_names(struct program *program, const struct service *service)
{
	bool shared = dispatch_has(service->dispatch, DISPATCH_SHARES_LISTENER);
	size_t n = shared ? service->n_endpoints : 1;
	const char *name = shared ? service->name : PASS_SOCKET;
	char *at;

	if (!dispatch_has(service->dispatch, DISPATCH_STARTS_PROCESSES))
		return 0;
	program->names = malloc(sizeof(LISTEN_NAMES "=") + n * (strlen(name) + 1));
	if (!program->names)
		return -ENOMEM;

	at = stpcpy(program->names, LISTEN_NAMES "=");
	for (size_t i = 0; i < n; i++)
		at = stpcpy(stpcpy(at, i > 0 ? ":" : ""), name);
	return 0;
}

/* Nobody else would end these processes, and they would keep what the next superd needs. */
static bool ends_with_keeper(const struct service *service)
{
	return dispatch_has(service->dispatch, DISPATCH_STARTS_PROCESSES) ||
	       (dispatch_has(service->dispatch, DISPATCH_LENDS_LISTENER) &&
		service->program.at_stop == AT_STOP_END);
}

DEFINE_AUTO(struct program, program_free);

int program_new(struct program **out, const struct service *service,
		const struct rlimit *descriptors)
{
	const struct program_settings *settings = &service->program;
	AUTO(auto_program_free) struct program *program = calloc(1, sizeof(*program));
	int r;

	if (!program)
		return -ENOMEM;

	program->service = service;
	r = prepare_arguments(program, settings->argv);
	if (r < 0)
		return r;
	r = prepare_environment(program, settings->env);
	if (r < 0)
		return r;
	r = prepare_names(program, service);
	if (r < 0)
		return r;

	program->spawn = (struct spawn_plan){
		.path = settings->path,
		.argv = program->argv,
		.envp = program->envp,
		.change_user = settings->identity.change,
		.uid = settings->identity.uid,
		.gid = settings->identity.gid,
		.groups = settings->identity.groups,
		.n_groups = settings->identity.n_groups,
		.chroot = settings->chroot,
		.directory = settings->directory,
		.umask = settings->umask,
		.nice = settings->nice,
		.descriptors = *descriptors,
		.death_signal = ends_with_keeper(service) ? SIGTERM : 0,
	};
	*out = take_ptr(program);
	return 0;
}

void program_free(struct program *program)
{
	if (!program)
		return;

	if (program->argv && program->expanded)
		for (size_t i = 0; program->argv[i]; i++)
			if (program->expanded[i])
				free(program->argv[i]);
	free(program->argv);
	free(program->expanded);
	free(program->envp);
	free(program->names);
	free(program);
}

/* Whether `env` sets the variable, which then keeps that value. */
static bool is_taken(const struct program *program, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < program->n_constant; i++)
		if (strncmp(program->envp[i], name, n) == 0 && program->envp[i][n] == '=')
			return true;
	return false;
}

struct environment {
	struct program *program;
	size_t n;
};

static char *set(struct environment *env, const char *name, const char *value)
{
	char *buffer = variables[env->n - env->program->n_constant];
	char *at;

	if (is_taken(env->program, name))
		return NULL;

	env->program->envp[env->n++] = buffer;
	at = stpcpy(stpcpy(buffer, name), "=");
	stpcpy(at, value);
	return at;
}

typedef size_t variables_fn(const struct client_text *client,
			    struct client_variable out[static CLIENT_VARIABLES_MAX]);

static void set_all(struct environment *env, const struct client_text *client, variables_fn *fn)
{
	struct client_variable found[CLIENT_VARIABLES_MAX];
	size_t n = fn(client, found);

	for (size_t i = 0; i < n; i++)
		set(env, found[i].name, found[i].value);
}

static void fill_arguments(struct program *program, const struct client_text *client)
{
	for (size_t i = 0; program->argv[i]; i++)
		if (program->expanded[i])
			expand(program->argv[i], program->service->program.argv[i], client);
}

const struct spawn_plan *program_for_client(struct program *program, int type,
					    const struct address *peer, const struct address *local)
{
	struct environment env = { program, program->n_constant };
	struct client_text client;

	client_text_init(&client, program->service->name, type, peer, local);
	fill_arguments(program, &client);
	set_all(&env, &client, client_variables_of_server);
	set_all(&env, &client, client_variables_of_peer);
	program->envp[env.n] = NULL;
	program->spawn.listen_pid = NULL;
	return &program->spawn;
}

const struct spawn_plan *program_for_listener(struct program *program, int type,
					      const struct address *local)
{
	struct environment env = { program, program->n_constant };
	struct client_text client;

	client_text_init(&client, program->service->name, type, NULL, local);
	fill_arguments(program, &client);
	set_all(&env, &client, client_variables_of_server);
	set(&env, "LISTEN_FDS", "1");
	set(&env, LISTEN_NAMES, client.service);
	program->spawn.listen_pid = set(&env, "LISTEN_PID", "");
	program->envp[env.n] = NULL;
	return &program->spawn;
}

static void set_number(struct environment *env, const char *name, size_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%zu", value);
	set(env, name, text);
}

const struct spawn_plan *program_for_process(struct program *program, int type,
					     const struct address *local, const char *notify)
{
	const struct service *service = program->service;
	bool pass = dispatch_has(service->dispatch, DISPATCH_PASSES_CLIENTS);
	struct environment env = { program, program->n_constant };
	struct client_text client;

	client_text_init(&client, service->name, type, NULL, local);
	fill_arguments(program, &client);
	if (pass) {
		set(&env, "SUPERD_SERVICE", service->name);
		set_number(&env, "SUPERD_PASS_CLIENTS", service->pool.clients_per_process);
	} else {
		set_all(&env, &client, client_variables_of_server);
	}
	set_number(&env, "LISTEN_FDS", pass ? 1 : service->n_endpoints);
	if (!is_taken(program, LISTEN_NAMES))
		program->envp[env.n++] = program->names;
	if (notify)
		set(&env, "NOTIFY_SOCKET", notify);
	program->spawn.listen_pid = set(&env, "LISTEN_PID", "");
	program->envp[env.n] = NULL;
	return &program->spawn;
}
