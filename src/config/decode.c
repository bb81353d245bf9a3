#include "config/decode.h"

#include <confuse.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/arena.h"
#include "config/schema.h"
#include "config/syntax.h"

struct decoder {
	cfg_t *cfg;
	FILE *stream; /* to @text */
	char *text;
	size_t length;
};

DEFINE_AUTO(struct decoder, decoder_free);

/* Without this function libconfuse would print the error. */
static void ignore_error(cfg_t *cfg, const char *fmt, va_list ap)
{
}

int decoder_new(struct decoder **out)
{
	AUTO(auto_decoder_free) struct decoder *decoder = calloc(1, sizeof(*decoder));
	cfg_opt_t options[OPTION_COUNT + 1] = { 0 };

	if (!decoder)
		return -ENOMEM;

	for (int i = 0; i < OPTION_COUNT; i++)
		options[i] = (cfg_opt_t){
			.name = schema_options[i].name,
			.type = CFGT_STR,
			.flags = CFGF_NODEFAULT | CFGF_LIST,
		};
	decoder->cfg = cfg_init(options, CFGF_NONE);
	decoder->stream = open_memstream(&decoder->text, &decoder->length);
	if (!decoder->cfg || !decoder->stream)
		return -ENOMEM;

	cfg_set_error_function(decoder->cfg, ignore_error);
	*out = take_ptr(decoder);
	return 0;
}

void decoder_free(struct decoder *decoder)
{
	if (!decoder)
		return;
	if (decoder->cfg)
		cfg_free(decoder->cfg);
	if (decoder->stream)
		fclose(decoder->stream);
	free(decoder->text);
	free(decoder);
}

/* Puts words in quotes, and a backslash before '$', which libconfuse would take for a variable. */
static void write_token(FILE *stream, const struct token *token)
{
	const char *end = token->text + token->length;

	if (*token->text == '"') {
		for (const char *at = token->text; at < end; at++) {
			if (*at == '\\')
				putc_unlocked(*at++, stream);
			else if (*at == '$')
				putc_unlocked('\\', stream);
			putc_unlocked(*at, stream);
		}
		return;
	}
	if (*token->text != '\'')
		putc_unlocked('"', stream);
	fwrite_unlocked(token->text, 1, token->length, stream);
	if (*token->text != '\'')
		putc_unlocked('"', stream);
}

/* Writes every option as a list. The number of values is checked elsewhere. */
static int write_statement(FILE *stream, const struct statement *statement)
{
	rewind(stream);
	for (size_t i = 0; i < statement->n_assignments; i++) {
		const struct assignment *assignment = &statement->assignments[i];

		if (assignment->option < 0)
			continue;
		fputs_unlocked(schema_options[assignment->option].name, stream);
		fputs_unlocked("={", stream);
		for (size_t k = 0; k < assignment->n_values; k++) {
			write_token(stream, &statement->values[assignment->first + k]);
			putc_unlocked(',', stream);
		}
		putc_unlocked('}', stream);
	}
	return fflush(stream) == 0 && !ferror(stream) ? 0 : -ENOMEM;
}

static int hand_over(struct decoder *decoder)
{
	FILE *file = fmemopen(decoder->text, decoder->length, "r");
	int r;

	if (!file)
		return -errno;
	r = cfg_parse_fp(decoder->cfg, file);
	fclose(file);
	return r == CFG_SUCCESS ? 0 : -EINVAL;
}

static int take_values(struct decoder *decoder, const struct assignment *assignment,
		       const struct token *tokens, struct arena *arena, struct value *out)
{
	cfg_opt_t *option = cfg_getopt(decoder->cfg, schema_options[assignment->option].name);

	if (cfg_opt_size(option) != assignment->n_values)
		return -EINVAL;
	for (unsigned i = 0; i < assignment->n_values; i++) {
		const char *text = cfg_opt_getnstr(option, i);

		out[i].text = arena_copy(arena, text, strlen(text));
		out[i].line = tokens[i].line;
		if (!out[i].text)
			return -ENOMEM;
	}
	return 0;
}

int decoder_run(struct decoder *decoder, const struct statement *statement, struct arena *arena,
		struct value **out_values)
{
	struct value *values = arena_allocate(arena, (statement->n_values + 1) * sizeof(*values));
	int r;

	if (!values)
		return -ENOMEM;
	r = write_statement(decoder->stream, statement);
	if (r == 0 && decoder->length > 0)
		r = hand_over(decoder);

	for (size_t i = 0; i < statement->n_assignments && r == 0; i++) {
		const struct assignment *assignment = &statement->assignments[i];

		if (assignment->option >= 0)
			r = take_values(decoder, assignment, statement->values + assignment->first,
					arena, values + assignment->first);
	}
	*out_values = values;
	return r;
}
