/*
 * Throws text at the whole of the configuration but the reading of files: the first
 * look, the syntax, libconfuse, the schema and the building of services. Names of
 * hosts are never looked up.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config/parse.h"
#include "config/resolved-hosts.h"
#include "config/settings.h"
#include "config/sources.h"
#include "config/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct resolved_hosts *no_hosts;

static void start_once(void)
{
	if (no_hosts)
		return;
	if (log_open(LOG_TO_FILE, "/dev/null") < 0 || resolved_hosts_new(&no_hosts) < 0)
		abort();
}

static void parse(char *text, bool privileged)
{
	struct source source = { .path = (char *)"fuzz.conf", .text = text };
	struct sources sources = { .list = &source, .n = 1 };
	struct load_options options = { .port_base = -1, .privileged = privileged };
	struct settings *settings;

	if (parse_run(&settings, &sources, no_hosts, &options, false) < 0)
		return;
	for (size_t i = 0; i < settings->n_endpoints; i++)
		assert(settings_endpoint(settings, i)->text);
	settings_free(settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct errors errors = { 0 };
	char *text = calloc(1, size + 1);

	start_once();
	memcpy(text, data, size);
	/* What is left of a refused text is read too, for more errors. */
	if (config_text_prepare(text, size, "fuzz.conf", &errors) < 0)
		assert(errors.n + errors.unreported > 0);
	parse(text, true);
	parse(text, false);
	errors_fini(&errors);
	free(text);
	return 0;
}
