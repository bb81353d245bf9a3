#include "config/decode.h"

#include <confuse.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/arena.h"

struct decoder {
	cfg_t *cfg;
	char *text;
	size_t size;

	/* Of the statement at hand: */
	const struct statement *statement;
	struct arena *arena;
	struct value *values;
	size_t n;
	int error;
};

/* libconfuse passes no user data to its hooks. */
static struct decoder *current;

DEFINE_AUTO(struct decoder, decoder_free);

/* libconfuse keeps a copy of what it is given back; nobody reads that one. */
static int take_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct decoder *decoder = current;
	char *text;

	*(const char **)result = "";
	if (decoder->n == decoder->statement->n_values) {
		decoder->error = -EINVAL;
		return 0;
	}

	text = arena_copy(decoder->arena, value, strlen(value));
	if (!text) {
		decoder->error = -ENOMEM;
		return 0;
	}
	decoder->values[decoder->n] = (struct value){
		.text = text,
		.line = decoder->statement->values[decoder->n].line,
	};
	decoder->n++;
	return 0;
}

static void note_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	current->error = -EINVAL;
}

static void write_options(cfg_opt_t *to)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option *option = &schema_options[i];

		*to++ = (cfg_opt_t){
			.name = option->name,
			.type = CFGT_STR,
			.flags = CFGF_NODEFAULT | (option->is_list ? CFGF_LIST : 0),
			.parsecb = take_value,
		};
	}
}

int decoder_new(struct decoder **out)
{
	AUTO(auto_decoder_free) struct decoder *decoder = calloc(1, sizeof(*decoder));
	cfg_opt_t options[OPTION_COUNT + 1] = { 0 };

	if (!decoder)
		return -ENOMEM;

	write_options(options);
	decoder->cfg = cfg_init(options, CFGF_NONE);
	if (!decoder->cfg)
		return -ENOMEM;

	cfg_set_error_function(decoder->cfg, note_error);
	*out = take_ptr(decoder);
	return 0;
}

void decoder_free(struct decoder *decoder)
{
	if (!decoder)
		return;
	if (decoder->cfg)
		cfg_free(decoder->cfg);
	free(decoder->text);
	free(decoder);
}

/* Words gain quotes, and a dollar sign a backslash: libconfuse would put the environment there. */
static char *write_token(char *to, const struct token *token)
{
	char quote = *token->text;
	size_t i = 0;

	if (quote != '"' && quote != '\'') {
		*to++ = '"';
		to = mempcpy(to, token->text, token->length);
		*to++ = '"';
		return to;
	}

	for (; i < token->length; i++) {
		if (quote == '"' && token->text[i] == '\\')
			*to++ = token->text[i++];
		else if (quote == '"' && token->text[i] == '$')
			*to++ = '\\';
		*to++ = token->text[i];
	}
	return to;
}

static size_t room_for(const struct statement *statement)
{
	size_t size = 1;

	for (size_t i = 0; i < statement->n_assignments; i++)
		size += statement->assignments[i].name.length + strlen("={}\n");
	for (size_t i = 0; i < statement->n_values; i++)
		size += 2 * statement->values[i].length + strlen("\"\",");
	return size;
}

static size_t write_statement(char *text, const struct statement *statement)
{
	char *to = text;

	for (size_t i = 0; i < statement->n_assignments; i++) {
		const struct assignment *assignment = &statement->assignments[i];

		to = mempcpy(to, assignment->name.text, assignment->name.length);
		*to++ = '=';
		if (assignment->is_list)
			*to++ = '{';
		for (size_t k = 0; k < assignment->n_values; k++) {
			if (k > 0)
				*to++ = ',';
			to = write_token(to, &statement->values[assignment->first + k]);
		}
		if (assignment->is_list)
			*to++ = '}';
		*to++ = '\n';
	}
	return to - text;
}

static int hand_over(struct decoder *decoder, size_t length)
{
	FILE *file = fmemopen(decoder->text, length, "r");
	int r;

	if (!file)
		return -errno;

	current = decoder;
	r = cfg_parse_fp(decoder->cfg, file);
	fclose(file);
	if (decoder->error)
		return decoder->error;
	return r == CFG_SUCCESS && decoder->n == decoder->statement->n_values ? 0 : -EINVAL;
}

int decoder_run(struct decoder *decoder, const struct statement *statement, struct arena *arena,
		struct value **out_values)
{
	size_t wanted = room_for(statement);
	int r;

	if (wanted > decoder->size) {
		free(decoder->text);
		decoder->text = malloc(2 * wanted);
		decoder->size = decoder->text ? 2 * wanted : 0;
		if (!decoder->text)
			return -ENOMEM;
	}

	decoder->statement = statement;
	decoder->arena = arena;
	decoder->n = 0;
	decoder->error = 0;
	decoder->values =
		arena_allocate(arena, (statement->n_values + 1) * sizeof(*decoder->values));
	if (!decoder->values)
		return -ENOMEM;
	if (statement->n_assignments == 0)
		r = 0;
	else
		r = hand_over(decoder, write_statement(decoder->text, statement));
	*out_values = decoder->values;
	return r;
}
