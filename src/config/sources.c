#include "config/sources.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/answers.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/secret-memory.h"
#include "config/file.h"
#include "config/syntax.h"
#include "config/text.h"

/* Files that include each other more deeply are probably an error. */
#define DEPTH_MAX 8

/* For all files together, because the keeper has them in memory while it loads. */
#define BYTES_MAX (64 << 20)

struct reader {
	struct sources *sources;
	struct errors *errors;  /* those of @sources */
	size_t open[DEPTH_MAX]; /* the files whose includes are being followed */
	size_t depth;
};

static void read_source(struct reader *reader, const char *path, struct location included);

DEFINE_AUTO(struct sources, sources_free);

void sources_free(struct sources *sources)
{
	if (!sources)
		return;
	for (size_t i = 0; i < sources->n; i++) {
		free(sources->list[i].path);
		secret_memory_free(sources->list[i].text, sources->list[i].room);
	}
	free(sources->list);
	errors_fini(&sources->errors);
	free(sources);
}

static struct source *add_source(struct sources *sources, const char *path,
				 struct location included)
{
	char *copy;

	if (array_make_room(sources->list, sources->n, sources->room) < 0)
		return NULL;
	copy = strdup(path);
	if (!copy)
		return NULL;
	sources->list[sources->n] = (struct source){ .path = copy, .included = included };
	return &sources->list[sources->n++];
}

/* A file that is read twice would define its services twice, and a circle would never end. */
static bool is_known(struct reader *reader, const struct source *source)
{
	const struct sources *sources = reader->sources;
	struct location at = source->included;
	size_t known;

	for (known = 0; &sources->list[known] < source; known++)
		if (sources->list[known].device == source->device &&
		    sources->list[known].inode == source->inode)
			break;
	if (&sources->list[known] == source)
		return false;

	for (size_t i = 0; i < reader->depth; i++)
		if (reader->open[i] == known) {
			errors_add(reader->errors, at, "'%s' includes itself",
				   errors_quote(source->path));
			return true;
		}
	errors_add(reader->errors, at, "'%s' is included already (%s:%d)",
		   errors_quote(source->path), sources->list[known].included.file,
		   sources->list[known].included.line);
	return true;
}

/* The error is where the file is included. */
static void complain(struct reader *reader, const struct source *source, int error, const char *why)
{
	const char *reason = error == -EINVAL ? "" : strerror(-error);
	const char *colon = error == -EINVAL ? "" : ": ";
	struct stat status;

	if (source->included.line && stat(source->path, &status) == 0 && S_ISDIR(status.st_mode))
		errors_add(reader->errors, source->included,
			   "'%s' is a directory; write '%s/*.conf' for the files in it",
			   errors_quote(source->path), errors_quote(source->path));
	else if (source->included.line)
		errors_add(reader->errors, source->included, "'%s': %s%s%s",
			   errors_quote(source->path), why, colon, reason);
	else
		errors_add(reader->errors, (struct location){ source->path, 0 }, "%s%s%s", why,
			   colon, reason);
}

/* glob(3) passes no user data to its hook. */
static int glob_error;

/* A directory that does not exist has no files, but one that cannot be read may have some. */
static int note_glob_error(const char *path, int error)
{
	if (error == ENOENT || error == ENOTDIR)
		return 0;
	glob_error = -error;
	return 1;
}

/* Who may write the configuration can do all that superd can. */
static void warn_if_open(struct reader *reader, const char *path, const struct stat *status)
{
	if (geteuid() == 0 && file_is_open_to_others(status, 0))
		errors_warn(reader->errors, (struct location){ path, 0 },
			    "others than root may write this file (chown root, chmod go-w)");
}

/* Whoever can make a file there can add services. */
static void check_folder(struct reader *reader, const char *pattern, struct location at)
{
	const char *slash = strrchr(pattern, '/');
	AUTO(auto_free) char *folder = strndup(pattern, slash ? slash - pattern + 1 : 0);
	struct stat status;

	if (!folder || !slash || geteuid() != 0 || stat(folder, &status) < 0 ||
	    !file_is_open_to_others(&status, 0))
		return;
	errors_warn(reader->errors, at,
		    "others than root may make files in '%s' (chown root, chmod go-w)",
		    errors_quote(folder));
}

static int include_matches(struct reader *reader, const char *pattern, struct location at)
{
	glob_t found;
	int r;

	check_folder(reader, pattern, at);
	glob_error = -ENOMEM;
	r = glob(pattern, 0, note_glob_error, &found);
	if (r == GLOB_NOMATCH)
		return 0;
	if (r != 0)
		return glob_error;

	for (size_t i = 0; i < found.gl_pathc; i++)
		read_source(reader, found.gl_pathv[i], at);
	globfree(&found);
	return 0;
}

static void include(struct reader *reader, const char *file, const struct token *token)
{
	struct location at = { file, token->line };
	AUTO(auto_free) char *path = NULL;
	char text[PATH_MAX];
	bool many;
	int r = 0;

	if (!token_plain(token, text, sizeof(text)) || !text[0]) {
		errors_add(reader->errors, at,
			   "'include' takes paths, without backslashes, not '%s'",
			   token_quote(token));
		return;
	}

	many = strpbrk(text, "*?[");
	path = file_path_beside(file, text, many ? "*?[\\" : "");
	if (!path)
		r = -ENOMEM;
	else if (many)
		r = include_matches(reader, path, at);
	else
		read_source(reader, path, at);
	if (r < 0)
		errors_add(reader->errors, at, "cannot look for '%s': %s", errors_quote(text),
			   strerror(-r));
}

static void follow_includes(struct reader *reader, size_t number)
{
	/* The list may move while files are added, but not the texts. */
	const char *file = reader->sources->list[number].path;
	struct statement *statement;
	struct syntax syntax;

	syntax_init(&syntax, reader->sources->list[number].text, file, NULL);
	reader->open[reader->depth++] = number;
	while ((statement = syntax_next(&syntax))) {
		if (statement->keyword.length ||
		    !token_is(&statement->assignments[0].name, "include"))
			continue;
		for (size_t i = 0; i < statement->n_values; i++)
			include(reader, file, &statement->values[i]);
	}
	reader->depth--;
	syntax_fini(&syntax);
}

/* Returns 0, or a negative errno after adding the error. The text may be empty then. */
static int read_text(struct reader *reader, struct source *source, size_t *out_length)
{
	const char *why = "cannot read";
	struct stat status;
	int r;

	r = file_read(&source->text, out_length, &status, source->path, &why);
	source->room = source->text ? file_room(&status) : 0;
	if (r == 0 && *out_length == 0) {
		why = "the file is empty, so it may not be written yet";
		r = -EINVAL;
	}
	if (r == 0 && (reader->sources->bytes += *out_length) > BYTES_MAX) {
		why = "the files together are larger than 64 MiB";
		r = -EINVAL;
	}
	if (r < 0) {
		if (source->text)
			source->text[0] = '\0';
		complain(reader, source, r, why);
		return r;
	}

	warn_if_open(reader, source->path, &status);
	source->device = status.st_dev;
	source->inode = status.st_ino;
	return 0;
}

static void read_source(struct reader *reader, const char *path, struct location included)
{
	struct source *source = add_source(reader->sources, path, included);
	size_t length;
	int r;

	if (!source) {
		errors_add(reader->errors, included, "out of memory");
		return;
	}
	if (reader->depth == DEPTH_MAX) {
		complain(reader, source, -EINVAL, "files are included more than 8 deep");
		return;
	}
	if (read_text(reader, source, &length) < 0)
		return;
	if (is_known(reader, source)) {
		source->text[0] = '\0';
		return;
	}

	r = config_text_prepare(source->text, length, source->path, reader->errors);
	source->whole = r == 0;
	follow_includes(reader, source - reader->sources->list);
}

int sources_read(struct sources **out, const char *path)
{
	AUTO(auto_sources_free) struct sources *sources = calloc(1, sizeof(*sources));
	struct reader reader = { .sources = sources };

	if (!sources)
		return log_error(-ENOMEM, "%s: cannot read", path);

	reader.errors = &sources->errors;
	read_source(&reader, path, (struct location){ path, 0 });
	if (sources->n == 0 || !sources->list[0].text)
		return errors_report(reader.errors, true);

	*out = take_ptr(sources);
	return 0;
}

/* Of one file; its text follows. */
struct kept_source {
	int line;
	bool whole;
};

static void keep_source(const struct source *source)
{
	const struct kept_source head = { source->included.line, source->whole };

	answers_keep('f', source->path, &head, sizeof(head));
	if (source->text)
		answers_keep('c', source->path, source->text, strlen(source->text) + 1);
}

void sources_keep(const struct sources *sources)
{
	answers_keep('n', "", &sources->n, sizeof(sources->n));
	for (size_t i = 0; i < sources->n; i++) {
		answers_keep('p', "", sources->list[i].path, strlen(sources->list[i].path) + 1);
		keep_source(&sources->list[i]);
	}
}

static int take_path(char **out)
{
	const void *path;
	size_t size;

	if (answers_take('p', "", &path, &size) != 0)
		return -EIO;
	*out = strndup(path, size);
	return *out ? 0 : -ENOMEM;
}

static int take_text(struct source *source)
{
	const void *text;
	size_t size;

	if (answers_take('c', source->path, &text, &size) != 0)
		return -EIO;
	source->text = secret_memory_new(size + 1);
	if (!source->text)
		return -ENOMEM;
	source->room = size + 1;
	memcpy(source->text, text, size);
	return 0;
}

static int take_source(struct sources *sources)
{
	AUTO(auto_free) char *path = NULL;
	struct kept_source head;
	struct source *source;
	int r;

	r = take_path(&path);
	if (r == 0)
		r = answers_take_fixed('f', path, &head, sizeof(head));
	if (r < 0)
		return r;
	source = add_source(sources, path, (struct location){ NULL, head.line });
	if (!source)
		return -ENOMEM;
	source->whole = head.whole;
	/* Only the rehearsal reports errors at this place. */
	source->included.file = sources->list[0].path;
	return take_text(source);
}

int sources_take(struct sources **out)
{
	AUTO(auto_sources_free) struct sources *sources = calloc(1, sizeof(*sources));
	size_t n;
	int r;

	if (!sources)
		return -ENOMEM;
	r = answers_take_fixed('n', "", &n, sizeof(n)) == 0 && n > 0 ? 0 : -EIO;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = take_source(sources);
	if (r < 0)
		return r;
	*out = take_ptr(sources);
	return 0;
}
