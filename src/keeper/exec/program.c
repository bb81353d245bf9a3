#include "keeper/exec/program.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/settings.h"
#include "keeper/exec/plan-buffer.h"
#include "net/address.h"
#include "net/client-variables.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The name in LISTEN_FDNAMES of the socket on which clients are passed. */
#define PASS_SOCKET "superd-pass"
#define LISTEN_NAMES "LISTEN_FDNAMES"

#define VARIABLES_MAX (CLIENT_VARIABLES_MAX + 3) /* LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID */

struct program {
	struct spawn_plan plan; /* without arguments and environment */
	const struct service *service;
	size_t n_arguments;
	char **constant; /* the part of the environment that all clients have */
	size_t n_constant;
	char *names; /* LISTEN_FDNAMES of a pool */
	size_t text_size;
};

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

/* Whether the argument is text that a client completes. The path of the program never is. */
static bool is_expanded(const struct program *program, size_t i)
{
	return i > 0 && strstr(program->service->program.argv[i], "%{");
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
	program->constant = calloc(n + 1, sizeof(*program->constant));
	if (!program->constant)
		return -ENOMEM;

	if (!names_path(env))
		program->constant[program->n_constant++] = (char *)DEFAULT_PATH;
	for (size_t i = 0; i < n; i++)
		program->constant[program->n_constant++] = env[i];
	return 0;
}

/* The pointers, which end in NULL, the variables, and the arguments that are expanded. */
static void measure(struct program *program)
{
	char *const *argv = program->service->program.argv;
	size_t n, text = 0;

	for (n = 0; argv[n]; n++)
		if (is_expanded(program, n))
			text += longest(argv[n]);
	program->n_arguments = n;
	program->text_size = (n + 1 + program->n_constant + VARIABLES_MAX + 1) * sizeof(char *) +
			     VARIABLES_MAX * (size_t)CLIENT_VARIABLE_SIZE + text;
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
	r = prepare_environment(program, settings->env);
	if (r < 0)
		return r;
	r = prepare_names(program, service);
	if (r < 0)
		return r;

	measure(program);
	program->plan = (struct spawn_plan){
		.path = settings->path,
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

	free(program->constant);
	free(program->names);
	free(program);
}

size_t program_text_size(const struct program *program)
{
	return program->text_size;
}

/* Whether `env` sets the variable, which then keeps that value. */
static bool is_taken(const struct program *program, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < program->n_constant; i++)
		if (strncmp(program->constant[i], name, n) == 0 && program->constant[i][n] == '=')
			return true;
	return false;
}

/* The environment of one start, which is being written. */
struct environment {
	const struct program *program;
	char **end; /* of the pointers */
	char *text; /* for the next variable */
};

static char *set(struct environment *env, const char *name, const char *value)
{
	char *at;

	if (is_taken(env->program, name))
		return NULL;

	*env->end++ = env->text;
	at = stpcpy(stpcpy(env->text, name), "=");
	stpcpy(at, value);
	env->text += CLIENT_VARIABLE_SIZE;
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

/* Writes the arguments. @text is behind the pointers and the variables. */
static void write_arguments(const struct program *program, char **argv, char *text,
			    const struct client_text *client)
{
	char *const *written = program->service->program.argv;

	for (size_t i = 0; i < program->n_arguments; i++) {
		argv[i] = written[i];
		if (!is_expanded(program, i))
			continue;
		argv[i] = text;
		expand(text, written[i], client);
		text += longest(written[i]);
	}
	argv[program->n_arguments] = NULL;
}

/* Writes all that does not depend on the kind of the start. */
static struct environment begin(const struct program *program, struct plan_buffer *buffer,
				const struct client_text *client)
{
	struct spawn_plan *plan = &buffer->plan;
	struct environment env = { .program = program };

	*plan = program->plan;
	plan->argv = (char **)buffer->text;
	plan->envp = plan->argv + program->n_arguments + 1;
	env.end = plan->envp + program->n_constant;
	env.text = (char *)(env.end + VARIABLES_MAX + 1);
	memcpy(plan->envp, program->constant, program->n_constant * sizeof(*plan->envp));
	write_arguments(program, plan->argv,
			env.text + VARIABLES_MAX * (size_t)CLIENT_VARIABLE_SIZE, client);
	return env;
}

static const struct spawn_plan *finish(const struct environment *env,
				       const struct plan_buffer *buffer)
{
	*env->end = NULL;
	return &buffer->plan;
}

const struct spawn_plan *program_for_client(const struct program *program,
					    struct plan_buffer *buffer, int type,
					    const struct address *peer, const struct address *local)
{
	struct environment env;
	struct client_text client;

	client_text_init(&client, program->service->name, type, peer, local);
	env = begin(program, buffer, &client);
	set_all(&env, &client, client_variables_of_server);
	set_all(&env, &client, client_variables_of_peer);
	return finish(&env, buffer);
}

const struct spawn_plan *program_for_listener(const struct program *program,
					      struct plan_buffer *buffer, int type,
					      const struct address *local)
{
	struct environment env;
	struct client_text client;

	client_text_init(&client, program->service->name, type, NULL, local);
	env = begin(program, buffer, &client);
	set_all(&env, &client, client_variables_of_server);
	set(&env, "LISTEN_FDS", "1");
	set(&env, LISTEN_NAMES, client.service);
	buffer->plan.listen_pid = set(&env, "LISTEN_PID", "");
	return finish(&env, buffer);
}

static void set_number(struct environment *env, const char *name, size_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%zu", value);
	set(env, name, text);
}

const struct spawn_plan *program_for_process(const struct program *program,
					     struct plan_buffer *buffer, int type,
					     const struct address *local, const char *notify)
{
	const struct service *service = program->service;
	bool pass = dispatch_has(service->dispatch, DISPATCH_PASSES_CLIENTS);
	struct environment env;
	struct client_text client;

	client_text_init(&client, service->name, type, NULL, local);
	env = begin(program, buffer, &client);
	if (pass) {
		set(&env, "SUPERD_SERVICE", service->name);
		set_number(&env, "SUPERD_PASS_CLIENTS", service->pool.clients_per_process);
	} else {
		set_all(&env, &client, client_variables_of_server);
	}
	set_number(&env, "LISTEN_FDS", pass ? 1 : service->n_endpoints);
	if (!is_taken(program, LISTEN_NAMES))
		*env.end++ = program->names;
	if (notify)
		set(&env, "NOTIFY_SOCKET", notify);
	buffer->plan.listen_pid = set(&env, "LISTEN_PID", "");
	return finish(&env, buffer);
}
