#include "config/exec-hint.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/errors.h"

#define HINT_MAX 512
#define PATH_SHOWN_MAX 256

/* A program of that name, as a shell would find it. Otherwise "/PATH/NAME". */
static void find(const char *name, size_t length, char out[static PATH_SHOWN_MAX])
{
	static const char *const folders[] = { "/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
					       "/usr/bin",        "/sbin",          "/bin" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(out, PATH_SHOWN_MAX, "%s/%.*s", folders[i], (int)length, name);
		if (length < PATH_SHOWN_MAX / 2 && access(out, X_OK) == 0)
			return;
	}
	snprintf(out, PATH_SHOWN_MAX, "/PATH/%.*s", (int)length, name);
}

const char *exec_hint(const char *text)
{
	static char hint[HINT_MAX];
	char path[PATH_SHOWN_MAX];
	size_t length = strcspn(text, " \t");
	size_t at;

	if (length == 0 || (text[0] == '/' && !text[length]))
		return "";
	if (memchr(text, '/', length))
		snprintf(path, sizeof(path), "%.*s", (int)length, text);
	else
		find(text, length, path);

	if (!text[length]) {
		snprintf(hint, sizeof(hint), "; write '%s'", errors_quote(path));
		return hint;
	}
	at = snprintf(hint, sizeof(hint), "; arguments are separate strings: write 'exec = {\"%s\"",
		      errors_quote_string(path, strlen(path)));
	for (text += length; *text && at < sizeof(hint); text += length) {
		text += strspn(text, " \t");
		length = strcspn(text, " \t");
		if (length > 0)
			at += snprintf(hint + at, sizeof(hint) - at, ", \"%s\"",
				       errors_quote_string(text, length));
	}
	if (at < sizeof(hint))
		snprintf(hint + at, sizeof(hint) - at, "}'");
	return hint;
}
