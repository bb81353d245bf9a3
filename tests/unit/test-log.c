#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log-sink.h"
#include "base/log.h"

static char directory[] = "/tmp/superd-log-XXXXXX";
static char socket_path[64], file_path[64];
static int saved_stderr;

static int make_directory(void **state)
{
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(socket_path, sizeof(socket_path), "%s/socket", directory);
	(void)snprintf(file_path, sizeof(file_path), "%s/file", directory);
	log_sink_set_paths(socket_path, socket_path);
	return 0;
}

static int remove_directory(void **state)
{
	return rmdir(directory);
}

static int set_up(void **state)
{
	saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	return saved_stderr < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	log_close();
	if (log_dropped() > 0)
		log_info("the next line");
	assert_int_equal(log_dropped(), 0);
	(void)unlink(socket_path);
	(void)unlink(file_path);
	return 0;
}

static int open_daemon(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)unlink(socket_path);
	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", socket_path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

static const char *receive(int fd)
{
	static char text[8192];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return "";
	text[n] = '\0';
	return text;
}

#define TIME_LENGTH 25 /* of "2026-11-21T12:00:00+0000 " */

/* The lines without the time with which each begins. */
static const char *receive_timed(int fd)
{
	static char lines[8192];
	const char *at = receive(fd);
	size_t n = 0;

	while (*at) {
		size_t length = strcspn(at, "\n") + 1;

		assert_true(length > TIME_LENGTH);
		assert_int_equal(at[10], 'T');
		assert_int_equal(at[TIME_LENGTH - 1], ' ');
		memcpy(lines + n, at + TIME_LENGTH, length - TIME_LENGTH);
		n += length - TIME_LENGTH;
		at += length;
	}
	lines[n] = '\0';
	return lines;
}

/* Its reader does not wait for what is not said. */
static void make_stderr_a_pipe(int pipes[2])
{
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(fcntl(pipes[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(dup2(pipes[1], STDERR_FILENO), STDERR_FILENO);
}

/* Far more lines than any pipe or socket holds. */
static void log_until_dropped(unsigned n)
{
	for (int i = 0; log_dropped() < n && i < 100000; i++)
		log_info("a line of log");
	assert_int_equal(log_dropped(), n);
}

static const char *with_pid(const char *head, const char *message)
{
	static char text[256];

	(void)snprintf(text, sizeof(text), "%s[%d]%s", head, (int)getpid(), message);
	return text;
}

static void test_plain_messages_stand_alone(void **state)
{
	int evaluated = 0;
	int pipes[2];

	make_stderr_a_pipe(pipes);
	errno = ERANGE;
	assert_int_equal(log_error(-ENOENT, "cannot open '%s'", "x"), -ENOENT);
	assert_int_equal(errno, ERANGE);
	log_debug("not wanted %d", ++evaluated);
	assert_string_equal(receive(pipes[0]), "cannot open 'x': No such file or directory\n");
	assert_int_equal(evaluated, 0);
	log_set_debug(true);
	log_debug("wanted %d", ++evaluated);
	log_set_debug(false);
	assert_string_equal(receive(pipes[0]), "wanted 1\n");
	close(pipes[0]);
	close(pipes[1]);
}

static void test_lines_stay_one_line(void **state)
{
	char huge[5000];
	const char *text;
	int pipes[2];

	make_stderr_a_pipe(pipes);
	assert_int_equal(log_open(LOG_TO_STDERR, NULL), 0);
	log_info("a\nb\x7f");
	assert_string_equal(receive_timed(pipes[0]), with_pid("superd", ": a\\x0ab\\x7f\n"));

	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	log_info("%s", huge);
	text = receive_timed(pipes[0]);
	assert_true(strlen(text) < 2100);
	assert_string_equal(text + strlen(text) - 5, "x...\n");
	close(pipes[0]);
	close(pipes[1]);
}

static void test_a_full_pipe_drops_and_the_next_line_says_how_many(void **state)
{
	AUTO(auto_free) char *drain = malloc(1 << 20);
	char expected[256];
	int pipes[2];

	assert_non_null(drain);
	make_stderr_a_pipe(pipes);
	assert_int_equal(log_open(LOG_TO_STDERR, NULL), 0);
	assert_false(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK);

	log_until_dropped(3);
	assert_true(read(pipes[0], drain, 1 << 20) > 0);
	assert_int_equal(log_dropped(), 3);

	log_info("again");
	assert_int_equal(log_dropped(), 0);
	(void)snprintf(expected, sizeof(expected),
		       "superd[%1$d]: 3 lines of log were dropped\nsuperd[%1$d]: again\n",
		       (int)getpid());
	assert_string_equal(receive_timed(pipes[0]), expected);

	log_info("once only");
	assert_string_equal(receive_timed(pipes[0]), with_pid("superd", ": once only\n"));
	close(pipes[0]);
	close(pipes[1]);
}

/* Of a front that ends before its lines get through somebody must know. */
static void test_forked_processes_count_together(void **state)
{
	AUTO(auto_free) char *drain = malloc(1 << 20);
	int pipes[2];
	pid_t child;

	assert_non_null(drain);
	assert_int_equal(log_share_count(), 0);
	make_stderr_a_pipe(pipes);
	assert_int_equal(log_open(LOG_TO_STDERR, NULL), 0);
	log_until_dropped(1);

	child = fork();
	if (child == 0) {
		log_info("of another process");
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(log_dropped(), 2);
	assert_true(read(pipes[0], drain, 1 << 20) > 0);
	log_info("again");
	assert_int_equal(log_dropped(), 0);
	assert_non_null(strstr(receive_timed(pipes[0]),
			       with_pid("superd", ": 2 lines of log were dropped\n")));
	close(pipes[0]);
	close(pipes[1]);
}

static void test_standard_error_may_be_a_socket(void **state)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	dup2(pair[1], STDERR_FILENO);
	assert_int_equal(log_open(LOG_TO_STDERR, NULL), 0);
	log_info("hello");
	assert_string_equal(receive_timed(pair[0]), with_pid("superd", ": hello\n"));
	close(pair[0]);
	close(pair[1]);
}

static void test_the_journal_needs_no_time(void **state)
{
	struct stat status;
	char stream[64];
	int pipes[2];

	make_stderr_a_pipe(pipes);
	assert_int_equal(fstat(STDERR_FILENO, &status), 0);
	(void)snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)status.st_dev,
		       (unsigned long long)status.st_ino);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	assert_int_equal(log_open(LOG_TO_STDERR, NULL), 0);
	log_info("hello");
	assert_string_equal(receive(pipes[0]), with_pid("<6>superd", ": hello\n"));
	log_close();
	log_error(0, "bye");
	assert_string_equal(receive(pipes[0]), "<3>bye\n");

	/* Standard error was redirected since. */
	assert_int_equal(setenv("JOURNAL_STREAM", "1:2", 1), 0);
	assert_int_equal(log_open(LOG_TO_STDERR, NULL), 0);
	log_info("hello");
	assert_string_equal(receive_timed(pipes[0]), with_pid("superd", ": hello\n"));
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	close(pipes[0]);
	close(pipes[1]);
}

/* A shell that opens a file without O_APPEND gives it to all commands of a script. */
static void test_who_shares_a_file_writes_over_nothing(void **state)
{
	int fd = open(file_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	const char *text;

	assert_true(fd >= 0);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(write(STDERR_FILENO, "before\n", 7), 7);
	assert_int_equal(log_open(LOG_TO_STDERR, NULL), 0);
	log_info("the log");
	assert_int_equal(write(STDERR_FILENO, "after\n", 6), 6);
	log_info("more");
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	text = receive(fd);
	close(fd);
	assert_memory_equal(text, "before\n", 7);
	assert_non_null(strstr(text, ": the log\nafter\n"));
	assert_non_null(strstr(text, ": more\n"));
}

static void test_files_are_appended_to_with_the_time(void **state)
{
	const char *text;
	int fd;

	assert_int_equal(log_open(LOG_TO_FILE, file_path), 0);
	log_info("one");
	assert_int_equal(log_open(LOG_TO_FILE, file_path), 0);
	log_warning(0, "two");

	fd = open(file_path, O_RDONLY | O_CLOEXEC);
	text = receive(fd);
	close(fd);
	assert_int_equal(text[4], '-');
	assert_int_equal(text[10], 'T');
	assert_memory_equal(text + 24, " superd[", 8);
	assert_non_null(strstr(text, ": one\n"));
	assert_non_null(strstr(text, ": two\n"));
}

/* A file that may not grow takes a part of the line, as one on a full disk does. */
static void test_a_line_does_not_continue_one_that_was_cut(void **state)
{
	struct rlimit before, limit;
	struct stat status;
	const char *text;
	int fd;

	assert_int_equal(log_open(LOG_TO_FILE, file_path), 0);
	log_info("whole");
	assert_int_equal(stat(file_path, &status), 0);

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){ (rlim_t)status.st_size + 5, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	log_info("cut");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(log_dropped(), 1);
	log_info("next");

	fd = open(file_path, O_RDONLY | O_CLOEXEC);
	text = receive(fd) + status.st_size + 5;
	close(fd);
	assert_int_equal(text[0], '\n');
	assert_int_equal(text[5], '-');
	assert_non_null(strstr(text, ": 1 line of log was dropped\n"));
	assert_non_null(strstr(text, ": next\n"));
}

/* Whatever the mask of superd is: it tells who asked for what. */
static void test_a_new_file_is_not_for_everybody(void **state)
{
	mode_t mask = umask(0);
	int r = log_open(LOG_TO_FILE, file_path);
	struct stat status;

	umask(mask);
	assert_int_equal(r, 0);
	assert_int_equal(stat(file_path, &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0640);
}

static void test_who_watches_sees_what_goes_wrong(void **state)
{
	int ends[2];

	make_stderr_a_pipe(ends);
	assert_int_equal(log_open(LOG_TO_FILE, file_path), 0);
	log_set_watched(true);
	log_info("fine");
	log_warning(0, "not fine");
	log_set_watched(false);
	log_warning(0, "unseen");

	assert_string_equal(receive(ends[0]), "not fine\n");
	close(ends[0]);
	close(ends[1]);
}

static void test_what_cannot_be_opened_leaves_the_old_target(void **state)
{
	const char *text;
	int fd;

	assert_int_equal(log_open(LOG_TO_FILE, file_path), 0);
	assert_int_equal(log_open(LOG_TO_FILE, "/nonexistent/file"), -ENOENT);
	assert_int_equal(log_open(LOG_TO_JOURNAL, NULL), -ENOENT);
	log_info("still here");

	fd = open(file_path, O_RDONLY | O_CLOEXEC);
	text = receive(fd);
	close(fd);
	assert_non_null(strstr(text, ": still here\n"));
}

static void test_the_journal_gets_fields(void **state)
{
	const struct log_fields fields = { .service = "echo",
					   .event = "accepted",
					   .remote_addr = "two\nlines" };
	static const char binary[] = "REMOTE_ADDR\n\x09\0\0\0\0\0\0\0two\nlines\n";
	int fd = open_daemon();
	char text[4096], pid[32];
	ssize_t n;

	assert_int_equal(log_open(LOG_TO_JOURNAL, NULL), 0);
	log_event(LOG_NOTICE, &fields, 0, "accepted %s", "x");
	n = read(fd, text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';

	assert_memory_equal(text, "MESSAGE=accepted x\nPRIORITY=5\nSYSLOG_IDENTIFIER=superd\n", 55);
	(void)snprintf(pid, sizeof(pid), "\nSYSLOG_PID=%d\n", (int)getpid());
	assert_non_null(strstr(text, pid));
	assert_non_null(strstr(text, "\nSUPERD_SERVICE=echo\nSUPERD_EVENT=accepted\n"));
	assert_memory_equal(text + n - (sizeof(binary) - 1), binary, sizeof(binary) - 1);
	close(fd);
}

/* Whether the journal gets this of @end, and of a program with pid 7. */
static bool has_field(const struct log_end *end, const char *field)
{
	const struct log_fields fields = { .server_port = "7", .pid = 7, .end = end };
	int fd = open_daemon();
	const char *text;

	assert_int_equal(log_open(LOG_TO_JOURNAL, NULL), 0);
	log_event(LOG_INFO, &fields, 0, "ended");
	text = receive(fd);
	close(fd);
	assert_non_null(strstr(text, "\nSERVER_PORT=7\nSUPERD_PID=7\n"));
	return strstr(text, field);
}

static void test_the_journal_gets_how_a_client_has_ended(void **state)
{
	const int exited = 3 << 8, killed = SIGSEGV, realtime = SIGRTMIN;
	struct log_end end = { .duration_us = -1 };

	assert_false(has_field(&end, "DURATION"));
	assert_false(has_field(&end, "BYTES"));
	assert_false(has_field(&end, "STATUS"));
	end = (struct log_end){ .has_traffic = true, .bytes_in = 1, .bytes_out = 2 };
	assert_true(has_field(&end, "\nSUPERD_DURATION_USEC=0\n"));
	assert_true(has_field(&end, "\nSUPERD_BYTES_IN=1\nSUPERD_BYTES_OUT=2\n"));
	end.status = &exited;
	assert_true(has_field(&end, "\nSUPERD_EXIT_STATUS=3\n"));
	assert_false(has_field(&end, "SIGNAL"));
	end.status = &killed;
	assert_true(has_field(&end, "\nSUPERD_SIGNAL=SIGSEGV\n"));
	assert_false(has_field(&end, "STATUS"));
	end.status = &realtime;
	assert_true(has_field(&end, "\nSUPERD_SIGNAL="));
}

static void test_a_line_about_a_service_has_its_name_as_a_field(void **state)
{
	int fd = open_daemon();
	const char *text;

	assert_int_equal(log_open(LOG_TO_JOURNAL, NULL), 0);
	assert_int_equal(log_service(LOG_WARNING, "echo", -EIO, "cannot %s", "sing"), -EIO);
	text = receive(fd);
	assert_non_null(strstr(text, "MESSAGE=service 'echo': cannot sing: Input/output error\n"));
	assert_non_null(strstr(text, "\nPRIORITY=4\n"));
	assert_non_null(strstr(text, "\nSUPERD_SERVICE=echo\n"));
	close(fd);
}

static void test_syslog_is_found_again_after_it_restarts(void **state)
{
	const char *text;
	int fd = open_daemon();

	assert_int_equal(log_open(LOG_TO_SYSLOG, NULL), 0);
	log_info("one");
	text = receive(fd);
	assert_memory_equal(text, "<30>", 4);
	assert_string_equal(text + 20, with_pid("superd", ": one"));
	close(fd);

	log_info("lost");
	log_info("lost too");
	assert_int_equal(log_dropped(), 2);

	fd = open_daemon();
	log_info("back");
	assert_non_null(strstr(receive(fd), "]: 2 lines of log were dropped"));
	assert_non_null(strstr(receive(fd), "]: back"));
	close(fd);
}

/* Of another process, with a log of its own. */
static int connection(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", socket_path);
	assert_int_equal(connect(fd, (const struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

static void test_who_may_not_connect_waits_for_a_connection(void **state)
{
	int fd = open_daemon();

	assert_int_equal(log_open(LOG_TO_SYSLOG, NULL), 0);
	log_leave_connecting();
	close(fd);
	fd = open_daemon();
	log_info("lost");
	log_info("lost too");
	assert_true(log_is_lost());

	log_adopt(LOG_TO_SYSLOG, connection());
	assert_false(log_is_lost());
	assert_non_null(strstr(receive(fd), "]: 2 lines of log were dropped"));
	close(fd);
	log_info("lost again");
	assert_true(log_is_lost());

	fd = open_daemon();
	log_adopt(LOG_TO_SYSLOG, connection());
	close(fd);
}

static void test_a_full_daemon_does_not_delay(void **state)
{
	int fd = open_daemon();

	assert_int_equal(log_open(LOG_TO_SYSLOG, NULL), 0);
	log_leave_connecting();
	log_until_dropped(1);
	assert_false(log_is_lost());

	while (*receive(fd))
		continue;
	log_info("again");
	assert_non_null(strstr(receive(fd), "]: 1 line of log was dropped"));
	assert_non_null(strstr(receive(fd), "]: again"));
	close(fd);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_plain_messages_stand_alone),
		TEST(test_lines_stay_one_line),
		TEST(test_a_full_pipe_drops_and_the_next_line_says_how_many),
		TEST(test_forked_processes_count_together),
		TEST(test_standard_error_may_be_a_socket),
		TEST(test_the_journal_needs_no_time),
		TEST(test_who_shares_a_file_writes_over_nothing),
		TEST(test_files_are_appended_to_with_the_time),
		TEST(test_a_line_does_not_continue_one_that_was_cut),
		TEST(test_a_new_file_is_not_for_everybody),
		TEST(test_who_watches_sees_what_goes_wrong),
		TEST(test_what_cannot_be_opened_leaves_the_old_target),
		TEST(test_the_journal_gets_fields),
		TEST(test_the_journal_gets_how_a_client_has_ended),
		TEST(test_a_line_about_a_service_has_its_name_as_a_field),
		TEST(test_syslog_is_found_again_after_it_restarts),
		TEST(test_who_may_not_connect_waits_for_a_connection),
		TEST(test_a_full_daemon_does_not_delay),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
