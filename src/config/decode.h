#pragma once

/*
 * The one place where libconfuse reads text: it decodes the values of a statement
 * whose form is checked already. It sees one statement at a time, without sections,
 * which keeps what it does with titles, nesting, includes, unknown names and ends of
 * files out of superd.
 */

#include "config/schema.h"
#include "config/syntax.h"

struct arena;
struct decoder;

/* Only one at a time: the lexer of libconfuse is global. */
int decoder_new(struct decoder **out);
void decoder_free(struct decoder *decoder);

/*
 * Decodes every value of @statement, in order, into @arena. All its assignments must
 * be to known options, lists only to those that take lists. Returns 0, -ENOMEM, or
 * -EINVAL where libconfuse understands something else.
 */
int decoder_run(struct decoder *decoder, const struct statement *statement, struct arena *arena,
		struct value **out_values);
