#include "config/parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "config/account.h"
#include "config/endpoint-conflicts.h"
#include "config/decode.h"
#include "config/section.h"
#include "config/sources.h"
#include "config/service-names.h"

#define NAME_MAX_OF_SERVICE 63

static struct section_reader reader_of(struct parse *parse)
{
	return (struct section_reader){
		.errors = &parse->errors,
		.arena = &parse->arena,
		.decoder = parse->decoder,
	};
}

static void read_root(struct parse *parse, const char *file, struct statement *statement)
{
	struct section_reader reader = reader_of(parse);
	struct section section = {
		.kind = SECTION_ROOT,
		.file = file,
		.subject = "top level",
		.fields = &parse->root,
		.at = parse->root.at,
		.own = parse->root.own,
	};
	const struct token *name = &statement->assignments[0].name;
	int number = schema_find(name->text, name->length);
	bool is_option = number >= 0 && (schema_options[number].where & SECTION_ROOT);

	if (is_option && number != OPTION_INCLUDE && file != parse->sources->list[0].path)
		errors_add(&parse->errors, (struct location){ file, name->line },
			   "'%s' can only stand in the main file", schema_options[number].name);
	else
		section_read(&reader, &section, statement);
}

static void read_defaults(struct parse *parse, const char *file, struct statement *statement)
{
	struct section_reader reader = reader_of(parse);
	struct location at = { file, statement->keyword.line };
	struct section section = {
		.kind = SECTION_DEFAULTS,
		.file = file,
		.subject = "'defaults'",
		.fields = &parse->defaults,
		.at = parse->defaults.at,
		.own = parse->defaults.own,
	};
	size_t found = parse->errors.n;

	if (statement->title.length)
		errors_add(&parse->errors, at, "'defaults' takes no name");
	if (parse->defaults_at.line) {
		errors_add(&parse->errors, at, "'defaults' stands already at %s:%d",
			   parse->defaults_at.file, parse->defaults_at.line);
		return;
	}
	parse->defaults_at = at;
	section_read(&reader, &section, statement);
	parse->defaults_unsure |= statement->broken || parse->errors.n > found;
}

/* What must be known before any service is built, whichever file it stands in. */
static void read_common(struct parse *parse)
{
	for (size_t i = 0; i < parse->sources->n; i++) {
		const struct source *source = &parse->sources->list[i];
		struct statement *statement;
		struct syntax syntax;

		parse->defaults_unsure |= !source->whole;
		syntax_init(&syntax, source->text, source->path, NULL);
		while ((statement = syntax_next(&syntax))) {
			if (statement->keyword.length == 0)
				read_root(parse, source->path, statement);
			else if (token_is(&statement->keyword, "defaults"))
				read_defaults(parse, source->path, statement);
		}
		syntax_fini(&syntax);
	}
	if (parse->options->port_base >= 0)
		parse->root.port_base = parse->options->port_base;
}

/* Copies the name of a service to @out, or says what is wrong with it. */
static int take_name(struct parse *parse, struct location at, const struct statement *statement,
		     char out[static NAME_MAX_OF_SERVICE + 1])
{
	struct location first;
	bool good;
	int r;

	if (statement->title.length == 0) {
		errors_add(&parse->errors, at, "a service needs a name: service \"NAME\" { ... }");
		return -EINVAL;
	}
	if (token_is_reported(&statement->title))
		return -EINVAL;

	good = token_plain(&statement->title, out, NAME_MAX_OF_SERVICE + 1) && out[0];
	for (const char *c = out; good && *c; c++)
		good = isgraph((unsigned char)*c) && !strchr("\"'/\\", *c);
	if (!good) {
		errors_add(&parse->errors, at,
			   "the name of a service has 1 to %d printable characters without "
			   "spaces, quotes, '/' and '\\', which '%s' has not",
			   NAME_MAX_OF_SERVICE, token_quote(&statement->title));
		return -EINVAL;
	}

	r = service_names_add(parse->service_names, out, at, &first);
	if (r == -EEXIST)
		errors_add(&parse->errors, at, "service '%s' is defined already (%s:%d)", out,
			   first.file, first.line);
	else if (r < 0)
		errors_add(&parse->errors, at, "out of memory");
	return r;
}

static struct service *add_service(struct parse *parse, const char *name, struct location at)
{
	struct settings *settings = parse->settings;
	struct service *list = settings->services;
	size_t wanted = parse->services_allocated ? 2 * parse->services_allocated : 8;
	char *copy;

	if (settings->n_services == parse->services_allocated) {
		list = reallocarray(list, wanted, sizeof(*list));
		if (!list)
			return NULL;
		settings->services = list;
		parse->services_allocated = wanted;
	}

	copy = strdup(name);
	if (!copy)
		return NULL;
	list += settings->n_services;
	*list = (struct service){
		.name = copy,
		.file = at.file,
		.line = at.line,
		.index = settings->n_services++,
		.first_endpoint = settings->n_endpoints,
	};
	return list;
}

static void read_service(struct parse *parse, const char *file, struct statement *statement)
{
	struct section_reader reader = reader_of(parse);
	struct location at = { file, statement->keyword.line };
	struct draft draft = parse->defaults;
	struct build build = { .parse = parse, .draft = &draft };
	char name[NAME_MAX_OF_SERVICE + 1];
	char subject[NAME_MAX_OF_SERVICE + sizeof("service ''")] = "a service";
	size_t found = parse->errors.n;

	if (take_name(parse, at, statement, name) == 0)
		snprintf(subject, sizeof(subject), "service '%s'", name);
	memset(draft.own, 0, sizeof(draft.own));
	section_read(&reader,
		     &(struct section){ .kind = SECTION_SERVICE,
					.file = file,
					.subject = subject,
					.fields = &draft,
					.at = draft.at,
					.own = draft.own },
		     statement);

	/* What is missing or does not fit together may only follow from an error that was reported.
	 */
	if (statement->broken || token_is_reported(&statement->title) || parse->errors.n > found ||
	    !draft.enabled)
		return;
	build.service = add_service(parse, name, at);
	if (!build.service) {
		errors_add(&parse->errors, at, "out of memory");
		return;
	}
	build_service(&build);
	parse->settings->n_endpoints += build.service->n_endpoints;
}

static void unknown_section(struct parse *parse, const char *file, const struct token *keyword)
{
	static const char *const known[] = { "service", "defaults", NULL };
	struct location at = { file, keyword->line };
	const char *quoted = token_quote(keyword);
	char word[64];
	int nearest;

	if (!token_plain(keyword, word, sizeof(word)))
		word[0] = '\0';
	nearest = text_nearest(word, known);
	if (nearest >= 0)
		errors_add(&parse->errors, at, "unknown section '%s'; did you mean '%s'?", quoted,
			   known[nearest]);
	else
		errors_add(&parse->errors, at,
			   "unknown section '%s'; there are 'service' and 'defaults'", quoted);
}

static void take_errors(struct parse *parse)
{
	const struct errors *errors = &parse->sources->errors;

	for (size_t i = 0; i < errors->n; i++)
		errors_add(&parse->errors, errors->list[i].at, "%s", errors->list[i].message);
	parse->errors.unreported += errors->unreported;
}

static bool read_services(struct parse *parse)
{
	size_t n = 0;

	for (size_t i = 0; i < parse->sources->n; i++) {
		const char *file = parse->settings->files[i];
		struct statement *statement;
		struct syntax syntax;

		syntax_init(&syntax, parse->sources->list[i].text, file, &parse->errors);
		while ((statement = syntax_next(&syntax))) {
			if (token_is(&statement->keyword, "service")) {
				n++;
				read_service(parse, file, statement);
			} else if (statement->keyword.length &&
				   !token_is(&statement->keyword, "defaults")) {
				unknown_section(parse, file, &statement->keyword);
			}
		}
		syntax_fini(&syntax);
	}
	return n > 0;
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

static int prepare(struct parse *parse)
{
	int r;

	parse->root = schema_root;
	parse->defaults = schema_draft;
	parse->settings = calloc(1, sizeof(*parse->settings));
	if (!parse->settings)
		return -ENOMEM;
	parse->settings->references = 1;

	r = name_files(parse->settings, parse->sources);
	if (r == 0)
		r = decoder_new(&parse->decoder);
	if (r == 0)
		r = accounts_new(&parse->accounts);
	if (r == 0)
		r = endpoint_conflicts_new(&parse->conflicts);
	if (r == 0)
		r = service_names_new(&parse->service_names);
	return r;
}

static int run(struct parse *parse)
{
	int r;

	r = prepare(parse);
	if (r < 0)
		return log_error(r, "%s: cannot load", parse->sources->list[0].path);

	take_errors(parse);
	read_common(parse);
	build_workers(parse);
	if (!read_services(parse) && parse->errors.n == 0)
		errors_add(&parse->errors, (struct location){ parse->settings->path, 1 },
			   "no service is defined");
	build_front(parse);
	build_poller(parse);
	r = errors_report(&parse->errors, parse->options->check);
	if (r < 0)
		return r;

	parse->settings->grace_ms = parse->root.grace_ms;
	r = build_log(parse->settings, parse->root.log);
	return r < 0 ? log_error(r, "%s: cannot load", parse->settings->path) : 0;
}

static void fini(struct parse *parse)
{
	errors_fini(&parse->errors);
	service_names_free(parse->service_names);
	endpoint_conflicts_free(parse->conflicts);
	accounts_free(parse->accounts);
	decoder_free(parse->decoder);
	arena_fini(&parse->arena);
	settings_unref(parse->settings);
}

int parse_run(struct settings **out, const struct sources *sources, struct resolved_hosts *hosts,
	      const struct load_options *options, bool rehearsal)
{
	struct parse parse = {
		.sources = sources,
		.options = options,
		.hosts = hosts,
		.rehearsal = rehearsal,
	};
	int r;

	r = run(&parse);
	if (r == 0)
		*out = take_ptr(parse.settings);
	fini(&parse);
	return r;
}
