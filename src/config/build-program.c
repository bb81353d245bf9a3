#include "config/build-program.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/build-context.h"
#include "config/dispatch.h"
#include "config/exec-hint.h"
#include "config/executable.h"
#include "config/schema.h"
#include "config/template.h"

/* The variables that superd itself sets for programs. */
static const char *const reserved[] = {
	"PROTO",        "TCPREMOTEIP",    "TCPREMOTEPORT",  "TCPLOCALIP",
	"TCPLOCALPORT", "REMOTE_ADDR",    "REMOTE_PORT",    "REMOTE_HOST",
	"SERVER_ADDR",  "SERVER_PORT",    "SUPERD_SERVICE", "LISTEN_FDS",
	"LISTEN_PID",   "LISTEN_FDNAMES", "NOTIFY_SOCKET",  "SUPERD_PASS_CLIENTS",
};

/* Returns NULL for NULL. Without memory adds an error and returns NULL. */
static char *copy_of(struct build *build, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		build_error(build, -1, 0, "out of memory");
	return copy;
}

/* Without root only the user and group of superd itself are possible. */
static void check_unprivileged(struct build *build, const struct account *account)
{
	const struct draft *draft = build->draft;
	gid_t gid;

	if (account && account->uid != geteuid())
		build_needs_root(build, OPTION_USER,
				 "'user' needs root: without it the program runs as the user of "
				 "superd");
	if (draft->group &&
	    accounts_find_group(&build->context->accounts, draft->group, &gid) == 0 &&
	    gid != getegid())
		build_needs_root(
			build, OPTION_GROUP,
			"'group' needs root: without it the program runs with the group of "
			"superd");
	if (draft->chroot)
		build_needs_root(build, OPTION_CHROOT,
				 "'chroot' needs root: without it the program cannot be started");
	if (draft->nice < 0)
		build_needs_root(build, OPTION_NICE, "a 'nice' below 0 needs root");
}

static const struct account *find_user(struct build *build)
{
	const struct account *account = NULL;
	int r;

	if (!build->draft->user) {
		if (build->context->privileged && build_is_sure(build, OPTION_USER))
			build_error(build, -1, 0,
				    "needs 'user', because superd runs as root; write 'user = "
				    "root' if the program is to run as root");
		return NULL;
	}

	r = accounts_find_user(&build->context->accounts, build->draft->user, &account);
	if (r == -ENOENT)
		build_error(build, OPTION_USER, 0, "'user': no user '%s'%s",
			    errors_quote(build->draft->user),
			    strchr(build->draft->user, ':') ? "; write the group in 'group'" : "");
	else if (r < 0)
		build_error(build, OPTION_USER, 0, "'user': cannot look for '%s': %s",
			    errors_quote(build->draft->user), strerror(-r));
	return account;
}

/* Such a program could stop the front, or read its memory. The front could do that to it as well.
 */
static void check_not_front(struct build *build, const struct account *account)
{
	const struct front_settings *front = &build->context->settings->front;

	if (front->user.change && account->uid == front->user.uid)
		build_error(build, OPTION_USER, 0,
			    "'user': the process that faces the network runs as '%s' too "
			    "('front_user'), and could be stopped by the program; choose another "
			    "user for one of them",
			    account->name);
}

static void build_identity(struct build *build)
{
	const struct draft *draft = build->draft;
	struct identity *identity = &build->service->program.identity;
	const struct account *account = find_user(build);
	int r = 0;

	if (!build->context->privileged)
		check_unprivileged(build, account);
	if (account) {
		identity->uid = account->uid;
		identity->gid = account->gid;
	}
	if (draft->group &&
	    accounts_find_group(&build->context->accounts, draft->group, &identity->gid) < 0)
		build_error(build, OPTION_GROUP, 0, "'group': no group '%s'",
			    errors_quote(draft->group));
	if (!account || !build->context->privileged)
		return;

	check_not_front(build, account);
	identity->change = true;
	if (draft->groups)
		r = account_groups(account, identity->gid, &identity->groups, &identity->n_groups);
	if (r < 0)
		build_error(build, OPTION_GROUPS, 0, "'groups': cannot list those of '%s': %s",
			    account->name, strerror(-r));
}

/* Whether root could look at what superd is not allowed to. */
static bool is_hidden(const struct build *build, int error)
{
	return error == -EACCES && build->context->trial;
}

/* Whether @path, in @root unless that is NULL, is a directory. Adds an error if not. */
static bool check_directory(struct build *build, int number, const char *root, const char *path)
{
	const char *name = schema_options[number].name;
	struct stat status;
	int r;

	r = executable_stat(root, path, &status);
	if (r < 0)
		build_note(build, is_hidden(build, r), number, 0, "'%s': cannot use '%s': %s", name,
			   errors_quote(path), strerror(-r));
	else if (!S_ISDIR(status.st_mode))
		build_error(build, number, 0, "'%s': '%s' is not a directory", name,
			    errors_quote(path));
	return r == 0 && S_ISDIR(status.st_mode);
}

static void check_executable(struct build *build, const struct value *program)
{
	char why[EXECUTABLE_WHY_MAX];
	int r;

	if (program->text[0] != '/') {
		build_error(build, OPTION_EXEC, program->line,
			    "'exec' takes the absolute path of a program first, not '%s'%s",
			    errors_quote(program->text), exec_hint(program->text));
		return;
	}
	r = executable_check(build->draft->chroot, program->text, why);
	if (r < 0)
		build_note(build, is_hidden(build, r), OPTION_EXEC, program->line, "%s%s", why,
			   r == -ENOENT ? exec_hint(program->text) : "");
}

static void check_arguments(struct build *build)
{
	const struct values *exec = &build->draft->exec;
	bool has_client = dispatch_has(build->service->dispatch, DISPATCH_PER_CLIENT) ||
			  !build_is_sure(build, OPTION_DISPATCH);

	for (size_t i = 0; i < exec->n; i++) {
		const struct value *value = &exec->list[i];
		char why[256];

		if (template_check(value->text, i > 0, has_client, why, sizeof(why)) < 0)
			build_error(build, OPTION_EXEC, value->line, "%s", why);
	}
}

/* tcpd executes what it is called, and would execute itself for ever. */
static void check_name(struct build *build)
{
	const struct value *program = &build->draft->exec.list[0];
	const char *slash = strrchr(program->text, '/');
	const char *name = build->draft->argv0;

	if (name && strstr(name, "%{"))
		build_error(build, OPTION_ARGV0, 0, "'argv0' holds no variables: '%s'",
			    errors_quote(name));
	if (slash && strcmp(slash, "/tcpd") == 0 && build_is_sure(build, OPTION_ARGV0) &&
	    (!name || strcmp(name, program->text) == 0))
		build_error(build, OPTION_EXEC, program->line,
			    "'%s' starts the program that 'argv0' names; write 'argv0 = "
			    "\"/usr/sbin/NAME\"', or it starts itself without end",
			    errors_quote(program->text));
}

static void copy_arguments(struct build *build)
{
	const struct draft *draft = build->draft;
	struct program_settings *program = &build->service->program;
	char **argv = calloc(draft->exec.n + 1, sizeof(*argv));

	program->argv = argv;
	if (!argv) {
		build_error(build, OPTION_EXEC, 0, "out of memory");
		return;
	}
	for (size_t i = 0; i < draft->exec.n; i++)
		argv[i] = copy_of(build,
				  i == 0 && draft->argv0 ? draft->argv0 : draft->exec.list[i].text);
	if (draft->exec.n > 0)
		program->path = copy_of(build, draft->exec.list[0].text);
}

static void build_argv(struct build *build)
{
	const struct values *exec = &build->draft->exec;

	copy_arguments(build);
	if (exec->n == 0) {
		build_error(build, OPTION_EXEC, 0, "'exec' names no program");
		return;
	}
	check_arguments(build);
	check_name(build);
	if (build->draft->bad[OPTION_CHROOT])
		return;
	if (!build->draft->chroot ||
	    check_directory(build, OPTION_CHROOT, NULL, build->draft->chroot))
		check_executable(build, &exec->list[0]);
}

static bool has_variable(char **env, const char *name, size_t length)
{
	for (; *env; env++)
		if (strncmp(*env, name, length) == 0 && (*env)[length] == '=')
			return true;
	return false;
}

/* Whether the configuration may set the variable. Adds an error if not. */
static bool is_free(struct build *build, int number, const struct value *value, size_t length)
{
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strlen(reserved[i]) == length &&
		    memcmp(reserved[i], value->text, length) == 0) {
			build_error(build, number, value->line,
				    "'%s': superd itself sets '%s' for every program",
				    schema_options[number].name, reserved[i]);
			return false;
		}
	return true;
}

/* NAME=VALUE. Without a @name, @value is all of it. Without memory adds an error. */
static char *secret_variable(struct build *build, const char *name, const char *value)
{
	char *text = arena_allocate(&build->context->settings->secrets,
				    strlen(name) + strlen(value) + sizeof("="));

	if (text)
		stpcpy(stpcpy(stpcpy(text, name), *name ? "=" : ""), value);
	else
		build_error(build, OPTION_ENV, 0, "out of memory");
	return text;
}

static void add_variables(struct build *build, char **env, size_t *n)
{
	const struct values *list = &build->draft->env;

	for (size_t i = 0; i < list->n; i++) {
		const struct value *value = &list->list[i];
		size_t length = strcspn(value->text, "=");

		if (!is_free(build, OPTION_ENV, value, length))
			continue;
		if (has_variable(env, value->text, length))
			build_error(build, OPTION_ENV, value->line, "'env' sets '%s' twice",
				    errors_quote_part(value->text, length));
		else if ((env[*n] = secret_variable(build, "", value->text)))
			++*n;
	}
}

/* A variable that `env` sets keeps that value. One that superd does not have is left out. */
static void pass_variables(struct build *build, char **env, size_t *n)
{
	const struct values *list = &build->draft->passenv;

	for (size_t i = 0; i < list->n; i++) {
		const struct value *value = &list->list[i];
		size_t length = strlen(value->text);
		const char *here = getenv(value->text);

		if (!is_free(build, OPTION_PASSENV, value, length) || !here ||
		    has_variable(env, value->text, length))
			continue;
		if ((env[*n] = secret_variable(build, value->text, here)))
			++*n;
	}
}

static void build_environment(struct build *build)
{
	size_t n_max = build->draft->env.n + build->draft->passenv.n;
	char **env = arena_allocate(&build->context->settings->secrets, (n_max + 1) * sizeof(*env));
	size_t n = 0;

	build->service->program.env = env;
	if (!env) {
		build_error(build, -1, 0, "out of memory");
		return;
	}
	add_variables(build, env, &n);
	pass_variables(build, env, &n);
}

static void check_connections(struct build *build)
{
	const struct service *service = build->service;

	for (size_t i = 0; i < service->n_endpoints; i++) {
		if (service->endpoints[i].type != SOCK_DGRAM)
			continue;
		build_error(build, OPTION_DISPATCH, 0,
			    "'dispatch = %s' hands over connections, and '%s' has none",
			    dispatch_name(service->dispatch), service->endpoints[i].text);
		return;
	}
}

/* These processes start before their clients, so standard error cannot be a connection. */
static void choose_stderr(struct build *build)
{
	if (build->draft->stderr_to != STDERR_SOCKET)
		return;
	if (build->draft->own[OPTION_STDERR])
		build_error(build, OPTION_STDERR, 0,
			    "'stderr' takes 'log' or 'null' with %s, not 'socket': the program has "
			    "no client at its start",
			    dispatch_list(DISPATCH_STARTS_PROCESSES));
	build->draft->stderr_to = STDERR_LOG;
}

/* May choose where standard error goes. */
static void build_pool(struct build *build)
{
	const struct draft *draft = build->draft;
	struct service *service = build->service;

	if (draft->own[OPTION_READY_TIMEOUT] && !draft->pool.ready_notify &&
	    build_is_sure(build, OPTION_READY))
		build_error(build, OPTION_READY_TIMEOUT, 0,
			    "'ready_timeout' needs 'ready = notify'");

	choose_stderr(build);
	service->pool = draft->pool;
}

void build_program(struct build *build)
{
	const struct draft *draft = build->draft;
	struct service *service = build->service;
	struct program_settings *program = &service->program;

	if (dispatch_has(service->dispatch, DISPATCH_SHARES_LISTENER))
		service->instances = UINT_MAX;
	if (dispatch_has(service->dispatch, DISPATCH_ONLY_CONNECTIONS))
		check_connections(build);
	if (dispatch_has(service->dispatch, DISPATCH_STARTS_PROCESSES))
		build_pool(build);

	program->umask = draft->umask;
	program->nice = build->context->trial && draft->nice < 0 ? 0 : draft->nice;
	program->stderr_to = draft->stderr_to;
	program->at_stop = draft->at_stop;
	program->launch_timeout_ms = draft->launch_timeout_ms;
	program->directory = copy_of(build, draft->directory);
	program->chroot = copy_of(build, draft->chroot);

	build_identity(build);
	build_argv(build);
	build_environment(build);
	if (draft_sets(draft, OPTION_DIRECTORY) && !draft->bad[OPTION_DIRECTORY])
		check_directory(build, OPTION_DIRECTORY, draft->chroot, draft->directory);
}
