#pragma once

/*
 * The one place where libconfuse reads text. How the work is divided:
 *
 * - text.c and syntax.c find out whether a file is well formed, and where each statement is, with
 *   its line; section.c knows which options may stand where. They report every error of every
 *   file. libconfuse stops at the first.
 * - libconfuse, with one list of strings for each option of the schema, decodes the values of the
 *   statement at hand: quotes, escapes, commas. It is asked once a statement, with the options
 *   that are right, so nothing depends on what it does with titles, nesting, unknown names.
 * - option.c makes numbers, durations and words of strings: a CFG_INT takes 0x10 for 16, 010 for 8
 *   and no unit, a CFG_BOOL takes YES. All values must be checked before they could be typed.
 *
 * Whole files with a typed section for each service were tried: libconfuse copies all options for
 * every service and compares every title with every other, which takes it four times as long.
 */

#include "config/option.h"

struct arena;
struct decoder;
struct statement;

/* Only one at a time: the lexer of libconfuse is global. */
int decoder_new(struct decoder **out);
void decoder_free(struct decoder *decoder);

/*
 * Decodes the values of @statement into @arena: value i of @out_values is that of token i.
 * Assignments that were refused are left out. Returns 0, -ENOMEM, or -EINVAL where libconfuse
 * understands something else.
 */
int decoder_run(struct decoder *decoder, const struct statement *statement, struct arena *arena,
		struct value **out_values);
