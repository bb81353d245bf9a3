#include "config/build-context.h"

#include "config/schema.h"

struct location build_location(const struct build *build, int number, int line)
{
	struct location location = build->draft->location;

	if (number >= 0 && build->draft->at[number].line)
		location = build->draft->at[number];
	if (line)
		location.line = line;
	return location;
}

const char *build_hint_of_root(const struct build *build)
{
	return build->context->trial ? ""
				     : "; to try the file without root, use --check or --port-base";
}

bool build_has(const struct build *build, int number)
{
	return build->draft->own[number] || build->draft->bad[number];
}

bool build_is_sure(const struct build *build, int number)
{
	const struct draft *draft = build->draft;
	bool in_defaults = schema_options[number].where & SECTION_DEFAULTS;

	if (draft->own[number])
		return true;
	return !draft->bad[number] && !draft->unsure && !(in_defaults && draft->defaults_unsure);
}

bool build_is_own(const struct build *build, int number)
{
	return number < 0 || build_has(build, number) || !build->draft->at[number].line;
}
