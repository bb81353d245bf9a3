#include "config/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/wipe.h"
#include "config/arena.h"
#include "config/build-context.h"
#include "config/build-front.h"
#include "config/build-service.h"
#include "config/build-warnings.h"
#include "config/decode.h"
#include "config/listing.h"
#include "config/sources.h"
#include "config/superd-conf.h"

/* Owns the state of a parse. */
struct parse {
	const struct load_options *options;
	struct errors errors;
	struct arena arena;
	struct superd_conf conf;
	struct build_context context;
};

static void take_errors(struct parse *parse)
{
	const struct errors *errors = &parse->conf.sources->errors;

	for (size_t i = 0; i < errors->n; i++)
		errors_note(&parse->errors, errors->list[i].is_warning, errors->list[i].at, "%s",
			    errors->list[i].message);
	parse->errors.unreported += errors->unreported;
}

static int name_files(struct settings *settings, const struct sources *sources)
{
	settings->path = strdup(sources->list[0].path);
	settings->files = calloc(sources->n, sizeof(*settings->files));
	if (!settings->path || !settings->files)
		return -ENOMEM;

	for (size_t i = 0; i < sources->n; i++) {
		settings->files[i] = strdup(sources->list[i].path);
		if (!settings->files[i])
			return -ENOMEM;
		settings->n_files++;
	}
	return 0;
}

static int build_log(struct settings *settings, const char *log)
{
	settings->log_is_auto = strcmp(log, "auto") == 0;
	if (strcmp(log, "journal") == 0)
		settings->log_target = LOG_TO_JOURNAL;
	else if (strcmp(log, "syslog") == 0)
		settings->log_target = LOG_TO_SYSLOG;
	else if (strcmp(log, "stderr") == 0)
		settings->log_target = LOG_TO_STDERR;
	if (log[0] != '/')
		return 0;

	settings->log_target = LOG_TO_FILE;
	settings->log_path = strdup(log);
	return settings->log_path ? 0 : -ENOMEM;
}

/* With --port-base a file is tried beside the real superd, to which its pid file belongs. */
static int build_pid_file(struct parse *parse)
{
	const struct load_options *options = parse->options;
	const char *path = options->port_base < 0 ? parse->conf.root.pid_file : NULL;

	if (options->pid_file)
		path = options->pid_file;
	if (!path)
		return 0;
	parse->context.settings->pid_file = strdup(path);
	return parse->context.settings->pid_file ? 0 : -ENOMEM;
}

static int prepare(struct parse *parse)
{
	struct build_context *context = &parse->context;
	struct superd_conf *conf = &parse->conf;
	int r;

	context->settings = calloc(1, sizeof(*context->settings));
	if (!context->settings)
		return -ENOMEM;

	r = name_files(context->settings, conf->sources);
	if (r == 0)
		r = decoder_new(&conf->decoder);

	conf->files = context->settings->files;
	conf->errors = &parse->errors;
	conf->arena = &parse->arena;
	context->errors = &parse->errors;
	context->root = &conf->root;
	context->sets = &conf->sets;
	return r;
}

static void check_number_of_services(struct parse *parse)
{
	const struct settings *settings = parse->context.settings;
	const struct service *excess;

	if (settings->n_services <= SERVICES_MAX)
		return;
	excess = &settings->services[SERVICES_MAX];
	errors_add(&parse->errors, (struct location){ excess->file, excess->line },
		   "service '%s': superd serves at most %d services, and there are %zu",
		   excess->name, SERVICES_MAX, settings->n_services);
}

static void build_services(struct parse *parse)
{
	struct settings *settings = parse->context.settings;
	struct superd_conf *conf = &parse->conf;
	struct draft draft;

	while (superd_conf_next(conf, &draft)) {
		if (draft.enabled)
			build_service(&parse->context, &draft);
		else
			settings->n_disabled++;
		if (parse->options->list && listing_add(settings, &draft) < 0)
			errors_add(&parse->errors, draft.location, "out of memory");
	}
	if (conf->n_services == 0 && !errors_exist(&parse->errors))
		errors_add(&parse->errors, (struct location){ conf->files[0], 1 },
			   "no service is defined");
	check_number_of_services(parse);
}

/* The rehearsal reports the warnings, and nobody does it again. */
static int report(struct parse *parse)
{
	if (!parse->context.rehearsal)
		errors_drop_warnings(&parse->errors);
	else if (parse->conf.root.strict)
		errors_harden(&parse->errors);
	return errors_report(&parse->errors, parse->options->check);
}

static int run(struct parse *parse)
{
	struct settings *settings;
	int r;

	r = prepare(parse);
	if (r < 0)
		return log_error(r, "%s: cannot load", parse->conf.sources->list[0].path);

	take_errors(parse);
	superd_conf_read_common(&parse->conf);
	if (parse->options->port_base >= 0)
		parse->conf.root.port_base = parse->options->port_base;
	parse->context.trial = !parse->options->privileged &&
			       (parse->options->check || parse->conf.root.port_base > 0);
	build_workers(&parse->context);
	build_front(&parse->context);
	named_sets_build(&parse->conf.sets, &parse->context);
	build_services(parse);
	if (!errors_exist(&parse->errors))
		named_sets_check(&parse->conf.sets, &parse->errors);
	build_poller(&parse->context);
	if (parse->context.rehearsal)
		build_warn_of_files(&parse->context);
	r = report(parse);
	if (r < 0)
		return r;

	settings = parse->context.settings;
	settings->grace_ms = parse->conf.root.grace_ms;
	r = build_log(settings, parse->conf.root.log);
	if (r == 0)
		r = build_pid_file(parse);
	return r < 0 ? log_error(r, "%s: cannot load", settings->path) : 0;
}

static void fini(struct parse *parse)
{
	errors_fini(&parse->errors);
	superd_conf_fini(&parse->conf);
	decoder_free(parse->conf.decoder);
	endpoint_conflicts_fini(&parse->context.conflicts);
	accounts_fini(&parse->context.accounts);
	arena_fini(&parse->arena);
	settings_free(parse->context.settings);
}

int parse_run(struct settings **out, const struct sources *sources, struct resolved_hosts *hosts,
	      const struct load_options *options, bool rehearsal)
{
	struct parse parse = {
		.options = options,
		.conf = { .sources = sources },
		.context = {
			.hosts = hosts,
			.rehearsal = rehearsal,
			.privileged = options->privileged,
		},
	};
	int r;

	wipe_freed_begin();
	r = run(&parse);
	if (r == 0)
		*out = take_ptr(parse.context.settings);
	fini(&parse);
	wipe_freed_end();
	return r;
}
