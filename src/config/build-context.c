#include "config/build-context.h"

struct location build_location(const struct build *build, int number, int line)
{
	struct location location = build->draft->location;

	if (number >= 0 && build->draft->at[number].line)
		location = build->draft->at[number];
	if (line)
		location.line = line;
	return location;
}

bool build_is_own(const struct build *build, int number)
{
	return number < 0 || build->draft->own[number] || !build->draft->at[number].line;
}
