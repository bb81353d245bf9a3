/* superd: the command line, the order of the start, and exit codes. Nothing else. */

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/background.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/number.h"
#include "base/process-title.h"
#include "build-config.h"
#include "command/check.h"
#include "command/explain.h"
#include "command/list.h"
#include "command/tell.h"
#include "config/load.h"
#include "config/settings.h"
#include "front/confinement.h"
#include "front/front.h"
#include "keeper/keeper.h"
#include "keeper/notify.h"

/* What superd is asked to do. */
enum action {
	SERVE,
	CHECK,
	LIST,
	RELOAD,
	STOP,
};

struct arguments {
	enum action action;
	const char *config;
	const char *pid_file;
	int port_base;
	pid_t pid; /* of the superd to reload; 0: that of the pid file */
	bool foreground;
	bool debug;
};

static const char usage[] =
	"usage: superd [OPTION]...\n"
	"Listens for many services and answers each client with a built-in or a program.\n"
	"\n"
	"  -c, --config FILE     read FILE instead of " SUPERD_CONFIG "\n"
	"  -f, --foreground      stay in the foreground\n"
	"  -t, --check           check the configuration, print every error, and exit\n"
	"  -p, --port-base N     add N to every port\n"
	"  -P, --pid-file FILE   write the process id to FILE while superd serves\n"
	"  -d, --debug           log more\n"
	"      --list            print the services of the configuration\n"
	"      --explain OPTION  print what superd.conf(5) says about OPTION\n"
	"      --reload[=PID]    let the superd of the pid file, or PID, read its configuration "
	"again\n"
	"      --stop            stop the superd of the pid file, and wait for its end\n"
	"      --describe-front  print what the process that faces the network may do\n"
	"  -V, --version         print the version and exit\n"
	"  -h, --help            print this and exit\n"
	"\n"
	"See superd(8) and superd.conf(5).\n";

static int parse_port_base(const char *text, int *out)
{
	int64_t value;

	if (number_parse(text, 0, 65535, &value) < 0) {
		fprintf(stderr, "superd: --port-base takes a number from 0 to 65535, not '%s'\n",
			text);
		return -EINVAL;
	}
	*out = (int)value;
	return 0;
}

static int parse_pid(const char *text, pid_t *out)
{
	int64_t value;

	if (number_parse(text, 2, INT_MAX, &value) < 0) {
		fprintf(stderr, "superd: --reload takes a process id, not '%s'\n", text);
		return -EINVAL;
	}
	*out = (pid_t)value;
	return 0;
}

/* After the characters: an option that has none. */
enum {
	DESCRIBE_FRONT = UCHAR_MAX + 1,
	EXPLAIN,
	FIRST_ACTION, /* and the others of enum action behind it */
};

static void print_version(void)
{
	puts("superd " SUPERD_VERSION);
	if (confinement_missing())
		printf("In this build %s.\n", confinement_missing());
}

/* Options that have no character. Returns as parse_arguments(). */
static int parse_long(struct arguments *out, int option, int *out_status)
{
	switch (option) {
	case FIRST_ACTION + LIST:
	case FIRST_ACTION + RELOAD:
	case FIRST_ACTION + STOP:
		out->action = option - FIRST_ACTION;
		return optarg ? parse_pid(optarg, &out->pid) : 0;
	case EXPLAIN:
		*out_status = explain_print(optarg) < 0 ? EX_USAGE : EX_OK;
		return -1;
	case DESCRIBE_FRONT:
		confinement_describe();
		*out_status = EX_OK;
		return -1;
	default:
		fputs("Try 'superd --help'.\n", stderr);
		return -1;
	}
}

/* Returns 0 to go on, or -1 with the exit status in @out_status. */
static int parse_arguments(struct arguments *out, int argc, char **argv, int *out_status)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "check", no_argument, NULL, 't' },
		{ "port-base", required_argument, NULL, 'p' },
		{ "pid-file", required_argument, NULL, 'P' },
		{ "debug", no_argument, NULL, 'd' },
		{ "list", no_argument, NULL, FIRST_ACTION + LIST },
		{ "reload", optional_argument, NULL, FIRST_ACTION + RELOAD },
		{ "stop", no_argument, NULL, FIRST_ACTION + STOP },
		{ "explain", required_argument, NULL, EXPLAIN },
		{ "describe-front", no_argument, NULL, DESCRIBE_FRONT },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	*out_status = EX_USAGE;
	while ((option = getopt_long(argc, argv, "c:ftp:P:dVh", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			out->config = optarg;
			break;
		case 'f':
			out->foreground = true;
			break;
		case 't':
			out->action = CHECK;
			break;
		case 'p':
			if (parse_port_base(optarg, &out->port_base) < 0)
				return -1;
			break;
		case 'P':
			out->pid_file = optarg;
			break;
		case 'd':
			out->debug = true;
			break;
		case 'V':
			print_version();
			*out_status = EX_OK;
			return -1;
		case 'h':
			fputs(usage, stdout);
			*out_status = EX_OK;
			return -1;
		default:
			if (parse_long(out, option, out_status) < 0)
				return -1;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "superd: '%s' is not an option\nTry 'superd --help'.\n",
			argv[optind]);
		return -1;
	}
	return 0;
}

/*
 * superd may have been started with signals ignored or blocked. From here on every signal has its
 * default disposition, which programs inherit, and is blocked: superd reads signals from a
 * signalfd.
 */
static void reset_signals(void)
{
	sigset_t all;

	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_DFL);
	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
}

/* Loading may wait long for a name server, so Ctrl-C and SIGTERM end the process meanwhile. */
static int load_settings(struct settings **out, const char *path,
			 const struct load_options *options)
{
	sigset_t ending;
	int r;

	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGQUIT);
	sigaddset(&ending, SIGTERM);

	(void)sigprocmask(SIG_UNBLOCK, &ending, NULL);
	r = settings_load(out, path, options);
	(void)sigprocmask(SIG_BLOCK, &ending, NULL);
	return r;
}

/*
 * A reload must find the file again from another working directory. Symbolic links are not
 * resolved, because they may point to another file by then.
 */
static char *absolute(const char *path)
{
	char *directory, *joined;

	if (path[0] == '/')
		return strdup(path);
	while (strncmp(path, "./", 2) == 0)
		path += 2;

	directory = getcwd(NULL, 0);
	if (!directory)
		return strdup(path);
	if (asprintf(&joined, "%s/%s", directory, path) < 0)
		joined = NULL;
	free(directory);
	return joined;
}

static int status_of_telling(int error)
{
	switch (error) {
	case 0:
		return EX_OK;
	case -EINVAL:
		return EX_CONFIG;
	case -ECANCELED:
		return EX_OSERR;
	case -EPERM:
	case -EACCES:
		return EX_NOPERM;
	default:
		return EX_UNAVAILABLE;
	}
}

/* A reload is asked for only if it can succeed. A stop is possible with every file. */
static int send_signal(const struct arguments *arguments, const char *path,
		       const struct load_options *load)
{
	const char *pid_file = load->pid_file;
	struct settings *settings = NULL;
	int r = 0;

	if (arguments->action == RELOAD || !pid_file)
		r = load_settings(&settings, path, load);
	if (r == 0 && !pid_file)
		pid_file = settings->pid_file;

	if (r == 0 && arguments->pid > 0) {
		settings_free(settings);
		return status_of_telling(tell_reload_pid(arguments->pid));
	}
	if (r == 0 && !pid_file)
		fputs("superd: 'pid_file' is not set, so it is not known which superd is meant; "
		      "name its file with --pid-file\n",
		      stderr);
	else if (r == 0)
		r = arguments->action == STOP ? tell_stop(pid_file) : tell_reload(pid_file);
	else if (arguments->action == RELOAD)
		fprintf(stderr, "superd: not reloaded: '%s' has errors\n", path);
	else
		fputs("superd: not stopped: name the pid file with --pid-file, or mend the "
		      "configuration\n",
		      stderr);
	settings_free(settings);
	return pid_file ? status_of_telling(r) : EX_CONFIG;
}

/* The settings are loaded to be looked at. */
static int show(const struct arguments *arguments, const char *path,
		const struct load_options *load)
{
	struct settings *settings;

	if (load_settings(&settings, path, load) < 0)
		return EX_CONFIG;
	if (arguments->action == CHECK)
		check_print(path, settings);
	else
		list_print(settings);
	settings_free(settings);
	return EX_OK;
}

static void on_serving(void)
{
	background_serve();
	log_set_watched(false);
}

static int run_front(const struct startup *startup)
{
	process_title_set("front");
	(void)background_leave();
	log_set_watched(false);
	return front_main(startup);
}

/* The exit status of the process that was started, once the daemon has ended before it served. */
static int start_failed(int status)
{
	if (!WIFEXITED(status))
		return EX_OSERR;
	/* The daemon was told to stop, and did so. For the caller superd has not started. */
	return WEXITSTATUS(status) == EX_OK ? EX_OSERR : WEXITSTATUS(status);
}

/* Returns -1 in the background process, and the exit status in the process that was started. */
static int go_to_background(void)
{
	pid_t pid = background_fork();
	int status;

	if (pid < 0) {
		log_error(pid, "cannot go to the background");
		return EX_OSERR;
	}
	if (pid > 0)
		return background_wait(pid, &status) ? EX_OK : start_failed(status);

	log_set_watched(true);
	if (chdir("/") < 0)
		log_warning(-errno, "cannot leave the working directory, ignoring");
	return -1;
}

static int serve(const struct arguments *arguments, const char *path,
		 const struct load_options *load, const struct rlimit *descriptors)
{
	const struct keeper_options options = {
		.path = path,
		.port_base = arguments->port_base,
		.pid_file = load->pid_file,
		.privileged = load->privileged,
		.foreground = arguments->foreground,
		.descriptors = *descriptors,
		.front_main = run_front,
		.serving = on_serving,
	};
	struct activation activation;
	struct settings *settings;
	int r;

	r = activation_take(&activation);
	if (r < 0)
		log_warning(r, "cannot take the sockets of the service manager, ignoring");
	fd_close_others(activation.n > 0 ? 3 + (int)activation.n : 3);

	if (load_settings(&settings, path, load) < 0) {
		log_error(0, "not started: '%s' has errors", path);
		return EX_CONFIG;
	}
	if (!arguments->foreground) {
		int status = go_to_background();

		if (status >= 0) {
			settings_free(settings);
			return status;
		}
	}
	/* Who starts superd by hand, or looks at its unit, does not look into a file. */
	if (settings->log_target == LOG_TO_FILE)
		log_set_watched(true);
	process_title_set("keeper");
	return keeper_run(&options, settings, &activation);
}

static int act(const struct arguments *arguments, const char *path, const struct load_options *load,
	       const struct rlimit *descriptors)
{
	switch (arguments->action) {
	case CHECK:
	case LIST:
		return show(arguments, path, load);
	case RELOAD:
	case STOP:
		return send_signal(arguments, path, load);
	default:
		return serve(arguments, path, load, descriptors);
	}
}

int main(int argc, char **argv)
{
	struct arguments arguments = { .config = SUPERD_CONFIG, .port_base = -1 };
	struct load_options load = { .privileged = geteuid() == 0 };
	AUTO(auto_free) char *path = NULL, *pid_file = NULL;
	struct rlimit descriptors;
	int status;

	if (fd_fill_standard() < 0)
		return EX_OSERR;
	if (parse_arguments(&arguments, argc, argv, &status) < 0)
		return status;

	log_set_debug(arguments.debug);
	load.port_base = arguments.port_base;
	load.check = arguments.action == CHECK || arguments.action == LIST;
	load.list = arguments.action == LIST;
	path = absolute(arguments.config);
	pid_file = arguments.pid_file ? absolute(arguments.pid_file) : NULL;
	load.pid_file = pid_file;
	if (!path || !pid_file != !arguments.pid_file || fd_raise_limit(&descriptors) < 0)
		return EX_OSERR;

	reset_signals();
	umask(022);
	process_title_init(argc, argv);
	status = act(&arguments, path, &load, &descriptors);
	log_close();
	return status;
}
