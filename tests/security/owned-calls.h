#pragma once

/* The system calls that tests order, by name: each machine has its own numbers. */

#include <sys/syscall.h>

#define CALL(name)                \
	{                         \
#name, SYS_##name \
	}

static const struct {
	const char *name;
	long number;
} calls[] = {
	/* what a front does */
	CALL(accept4),
	CALL(close),
	CALL(dup3),
	CALL(exit),
	CALL(exit_group),
	CALL(fcntl),
	CALL(getpid),
	CALL(getsockopt),
	CALL(ioctl),
	CALL(mmap),
	CALL(mprotect),
	CALL(read),
	CALL(recvmsg),
	CALL(sendmsg),
	CALL(sendto),
	CALL(setsockopt),
	CALL(shutdown),
	CALL(write),

	/* what only an attacker does */
	CALL(add_key),
	CALL(bind),
	CALL(bpf),
	CALL(chmod),
	CALL(chroot),
	CALL(clone),
	CALL(clone3),
	CALL(connect),
	CALL(execve),
	CALL(execveat),
	CALL(faccessat),
	CALL(fsopen),
	CALL(fstat),
	CALL(init_module),
	CALL(io_uring_setup),
	CALL(keyctl),
	CALL(kill),
	CALL(listen),
	CALL(memfd_create),
	CALL(mkdirat),
	CALL(mount),
	CALL(move_mount),
	CALL(newfstatat),
	CALL(open_by_handle_at),
	CALL(open_tree),
	CALL(openat),
	CALL(openat2),
	CALL(perf_event_open),
	CALL(personality),
	CALL(pidfd_getfd),
	CALL(pidfd_open),
	CALL(pidfd_send_signal),
	CALL(pivot_root),
	CALL(prctl),
	CALL(prlimit64),
	CALL(process_vm_readv),
	CALL(process_vm_writev),
	CALL(ptrace),
	CALL(readlinkat),
	CALL(request_key),
	CALL(setns),
	CALL(setresuid),
	CALL(socket),
	CALL(socketpair),
	CALL(statx),
	CALL(tgkill),
	CALL(tkill),
	CALL(umount2),
	CALL(unlinkat),
	CALL(unshare),
	CALL(userfaultfd),
};
