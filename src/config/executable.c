#include "config/executable.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/answers.h"
#include "base/cleanup.h"
#include "config/errors.h"

#define HEAD_SIZE 256 /* the kernel reads no more of a script */

int executable_open(int top, const char *path, int flags)
{
	struct open_how how = { .flags = (unsigned)flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	int fd = (int)syscall(SYS_openat2, top, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

static int open_within(const char *root, const char *path, int flags)
{
	AUTO(auto_close) int top = -1;
	int fd;

	if (!root) {
		fd = open(path, flags | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	top = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return top < 0 ? -errno : executable_open(top, path, flags);
}

static int look(const char *root, const char *path, struct stat *out)
{
	AUTO(auto_close) int fd = open_within(root, path, O_PATH);

	if (fd < 0)
		return fd;
	return fstat(fd, out) < 0 ? -errno : 0;
}

/* The rehearsal has kept the answers to this and to read_head(). */
int executable_stat(const char *root, const char *path, struct stat *out)
{
	struct {
		int error;
		struct stat status;
	} answer;
	AUTO(auto_free) char *key = NULL;
	int r;

	if (asprintf(&key, "%s\n%s", root ? root : "", path) < 0) {
		key = NULL;
		return -ENOMEM;
	}
	memset(&answer, 0, sizeof(answer));
	r = answers_take_fixed('s', key, &answer, sizeof(answer));
	if (r < 0)
		return r;
	if (r > 0) {
		answer.error = look(root, path, &answer.status);
		answers_keep('s', key, &answer, sizeof(answer));
	}
	*out = answer.status;
	return answer.error;
}

/* Returns how many bytes @out has of the beginning of the file, with zeros behind them. */
static ssize_t read_head(const char *root, const char *path, char out[static HEAD_SIZE])
{
	AUTO(auto_close) int fd = -1;
	ssize_t n;
	int r;

	memset(out, 0, HEAD_SIZE);
	r = answers_take_fixed('h', path, out, HEAD_SIZE);
	if (r <= 0)
		return r < 0 ? r : (ssize_t)strnlen(out, HEAD_SIZE - 1);
	fd = open_within(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	n = fd < 0 ? fd : read(fd, out, HEAD_SIZE - 1);
	answers_keep('h', path, out, HEAD_SIZE);
	return n;
}

enum executable_kind executable_kind(const char *root, const char *path)
{
	char head[HEAD_SIZE];
	ssize_t n = read_head(root, path, head);

	if (n >= 2 && strncmp(head, "#!", 2) == 0)
		return EXECUTABLE_SCRIPT;
	for (ssize_t i = 0; i < n; i++)
		if (!isprint((unsigned char)head[i]) && !isspace((unsigned char)head[i]))
			return EXECUTABLE_BINARY;
	return n < 0 ? EXECUTABLE_BINARY : EXECUTABLE_TEXT;
}

/* The interpreter of a script, as its first line names it; "" for any other file. */
static void read_interpreter(const char *root, const char *path, char out[static HEAD_SIZE])
{
	char head[HEAD_SIZE];
	const char *at = head + 2;
	size_t n;

	out[0] = '\0';
	if (read_head(root, path, head) < 2 || strncmp(head, "#!", 2) != 0)
		return;
	at += strspn(at, " \t");
	n = strcspn(at, " \t\n");
	memcpy(out, at, n);
	out[n] = '\0';
}

__attribute__((__format__(__printf__, 3, 4))) static int refuse(char *out, int error,
								const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(out, EXECUTABLE_WHY_MAX, fmt, ap);
	va_end(ap);
	return error;
}

int executable_check(const char *root, const char *path, char out_why[static EXECUTABLE_WHY_MAX])
{
	const char *quoted = errors_quote(path);
	char interpreter[HEAD_SIZE];
	struct stat status;
	int r;

	r = executable_stat(root, path, &status);
	if (r < 0)
		return refuse(out_why, r, "cannot use the program '%s': %s", quoted, strerror(-r));
	if (!S_ISREG(status.st_mode))
		return refuse(out_why, -EINVAL, "the program '%s' is not a regular file", quoted);
	if (!(status.st_mode & 0111))
		return refuse(out_why, -EINVAL, "the program '%s' is not executable (chmod +x)",
			      quoted);

	/* A relative path depends on the directory of the program, so it is not checked. */
	read_interpreter(root, path, interpreter);
	if (interpreter[0] != '/')
		return 0;
	r = executable_stat(root, interpreter, &status);
	if (r < 0)
		return refuse(out_why, r, "cannot use the interpreter of '%s', '%s': %s", quoted,
			      errors_quote(interpreter), strerror(-r));
	return 0;
}
