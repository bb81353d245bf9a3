#include "front/allowed-calls.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
/* No process has this number. */
#define OWN_PROCESS UINT64_MAX

/* clang-format off */
#define NAMED(number, constant, text) { text, number, UINT32_MAX, (uint32_t)(constant) }
#define IS(number, constant) NAMED(number, constant, #constant)
#define IS_OWN_PROCESS(number) { "of its own process", number, UINT32_MAX, OWN_PROCESS }
#define IS_ITSELF(number) { "of itself", number, UINT32_MAX, 0 }
#define WITHOUT(number, bit) { "without " #bit, number, bit, 0 }

#define GETSOCKOPT(level, name) { "getsockopt", { NAMED(1, level, #level), NAMED(2, name, #name) } }
#define SETSOCKOPT(level, name) { "setsockopt", { NAMED(1, level, #level), NAMED(2, name, #name) } }

/*
 * Not here, though it looks harmless:
 * - fcntl(F_SETFL): the log is the same open file as the keeper's, who would then wait for it.
 * - MSG_FASTOPEN: it connects a listener that was shut down.
 */
const struct allowed_call allowed_calls[] = {
	{ .name = "_newselect" },
	{ .name = "accept4" },
	{ .name = "brk" },
	{ .name = "clock_gettime" },
	{ .name = "clock_gettime64" },
	{ .name = "close" },
	{ .name = "epoll_create1" },
	{ .name = "epoll_ctl" },
	{ .name = "epoll_pwait" },
	{ .name = "epoll_wait" },
	{ .name = "exit" },
	{ .name = "exit_group" },
	{ "fcntl", { IS(1, F_ADD_SEALS) } },
	{ "fcntl", { IS(1, F_GETFL) } },
	{ "fcntl64", { IS(1, F_ADD_SEALS) } },
	{ "fcntl64", { IS(1, F_GETFL) } },
	{ .name = "futex" },
	{ .name = "futex_time64" },
	{ .name = "getpid" },
	{ .name = "getrandom" }, /* malloc() */
	{ .name = "getsockname" },
	GETSOCKOPT(IPPROTO_TCP, TCP_INFO),
	GETSOCKOPT(SOL_SOCKET, SO_MEMINFO),
	GETSOCKOPT(SOL_SOCKET, SO_PEERCRED),
	GETSOCKOPT(SOL_SOCKET, SO_PEERGROUPS),
	GETSOCKOPT(SOL_SOCKET, SO_TYPE),
	{ .name = "gettid" }, /* abort() */
	{ .name = "gettimeofday" },
	{ "ioctl", { IS(1, SIOCGIFNAME) } },
	{ .name = "madvise" },
	{ "memfd_create", { IS(1, MFD_CLOEXEC | MFD_ALLOW_SEALING) } },
	{ "mmap", { WITHOUT(2, PROT_EXEC) } },
	{ "mmap2", { WITHOUT(2, PROT_EXEC) } },
	{ "mprotect", { WITHOUT(2, PROT_EXEC) } },
	{ .name = "mremap" },
	{ .name = "munmap" },
	{ .name = "poll" },
	{ .name = "ppoll" },
	{ .name = "ppoll_time64" },
	{ "prlimit64", { IS_ITSELF(0), IS(1, RLIMIT_NOFILE) } },
	{ .name = "pselect6" },
	{ .name = "pselect6_time64" },
	{ .name = "pwrite64" },
	{ .name = "read" },
	{ .name = "recv" },
	{ .name = "recvfrom" },
	{ .name = "recvmmsg" },
	{ .name = "recvmmsg_time64" },
	{ .name = "recvmsg" },
	{ .name = "restart_syscall" }, /* the process was stopped, and goes on */
	{ "rt_sigaction", { IS(0, SIGABRT) } },
	{ .name = "rt_sigprocmask" },
	{ .name = "rt_sigreturn" },
	{ .name = "sched_getaffinity" }, /* malloc() */
	{ .name = "sched_yield" },
	{ .name = "select" },
	{ "send", { WITHOUT(3, MSG_FASTOPEN) } },
	{ "sendmmsg", { WITHOUT(3, MSG_FASTOPEN) } },
	{ "sendmsg", { WITHOUT(2, MSG_FASTOPEN) } },
	{ "sendto", { WITHOUT(3, MSG_FASTOPEN) } },
	SETSOCKOPT(SOL_SOCKET, SO_OOBINLINE),
	SETSOCKOPT(SOL_SOCKET, SO_TIMESTAMPNS),
	{ "shutdown", { IS(1, SHUT_RDWR) } },
	{ "shutdown", { IS(1, SHUT_WR) } },
	{ "tgkill", { IS_OWN_PROCESS(0), IS(2, SIGABRT) } }, /* abort() */
	{ .name = "time" },
	{ .name = "write" },
	{ .name = "writev" },
	{ .name = NULL },
};
/* clang-format on */

/*
 * What the C library may do by itself: read the number of processors, a name or a time zone, or
 * find out what a descriptor is before it writes to it. A client who makes it do so must not end
 * the front.
 */
const char *const file_calls[] = {
	"access",     "faccessat", "faccessat2", "fstat", "fstat64", "fstatat64",
	"lstat",      "lstat64",   "newfstatat", "open",  "openat",  "readlink",
	"readlinkat", "stat",      "stat64",     "statx", NULL,
};

uint64_t call_condition_value(const struct call_condition *condition)
{
	return condition->value == OWN_PROCESS ? (uint64_t)getpid() : condition->value;
}
