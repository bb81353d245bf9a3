#include "config/digest.h"

#include <string.h>

#include "config/draft.h"
#include "config/schema.h"

/* FNV-1a. It need not withstand an attacker, who gains nothing by two equal services. */
#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static void add_bytes(uint64_t *digest, const void *bytes, size_t n)
{
	for (const uint8_t *at = bytes; n > 0; at++, n--)
		*digest = (*digest ^ *at) * FNV_PRIME;
}

/* With a length before each, two texts are not the same as one. */
static void add_text(uint64_t *digest, const char *text)
{
	size_t n = text ? strlen(text) : SIZE_MAX;

	add_bytes(digest, &n, sizeof(n));
	if (text)
		add_bytes(digest, text, n);
}

static void add_values(uint64_t *digest, const struct values *values)
{
	add_bytes(digest, &values->n, sizeof(values->n));
	for (size_t i = 0; i < values->n; i++)
		add_text(digest, values->list[i].text);
}

static void add_option(uint64_t *digest, const struct option *option, const struct draft *draft)
{
	const void *field = (const char *)draft + option->field.offset;

	switch (option->field.kind) {
	case FIELD_PLAIN:
		add_bytes(digest, field, option->field.size);
		break;
	case FIELD_TEXT:
		add_text(digest, *(const char *const *)field);
		break;
	case FIELD_LIST:
		add_values(digest, field);
		break;
	}
}

/* Numbers of users and groups may change under a name, variables where superd is started. */
static void add_resolved(uint64_t *digest, const struct program_settings *program)
{
	const struct identity *identity = &program->identity;

	add_bytes(digest, &identity->change, sizeof(identity->change));
	add_bytes(digest, &identity->uid, sizeof(identity->uid));
	add_bytes(digest, &identity->gid, sizeof(identity->gid));
	add_bytes(digest, &identity->n_groups, sizeof(identity->n_groups));
	add_bytes(digest, identity->groups, identity->n_groups * sizeof(*identity->groups));
	for (char *const *at = program->env; at && *at; at++)
		add_text(digest, *at);
	add_text(digest, NULL);
}

uint64_t digest_of_service(const struct service *service, const struct draft *draft)
{
	uint64_t digest = FNV_START;

	for (int i = 0; i < OPTION_COUNT; i++)
		if (schema_options[i].where & SECTION_SERVICE &&
		    schema_options[i].effect == EFFECT_ON_PROGRAM)
			add_option(&digest, &schema_options[i], draft);
	add_resolved(&digest, &service->program);
	return digest ? digest : 1;
}

uint64_t digest_of_options(const struct draft *draft)
{
	uint64_t digest = FNV_START;

	for (int i = 0; i < OPTION_COUNT; i++)
		if (schema_options[i].where & SECTION_SERVICE)
			add_option(&digest, &schema_options[i], draft);
	/* The field of `processes` is the other one. */
	add_bytes(&digest, &draft->pool.min, sizeof(draft->pool.min));
	return digest;
}
