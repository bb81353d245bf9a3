#pragma once

/*
 * System calls for a child that shares the memory of the keeper while the keeper runs on. Those of
 * the C library would write errno, which lies in that memory, and some of them reach for other
 * threads. These touch nothing, and return a negative errno.
 *
 * Where the machine is not known here, RAW_CALLS is 0, and the keeper waits for the child.
 */

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * For each function of such a child. What a sanitizer adds to a function writes to memory of the
 * thread, which is that of the keeper.
 */
#if defined(__has_attribute) && __has_attribute(disable_sanitizer_instrumentation)
#define IN_CHILD                                                      \
	__attribute__((no_sanitize("address", "thread", "undefined"), \
		       disable_sanitizer_instrumentation))
#else
#define IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))
#endif

#if defined(__x86_64__) && defined(__LP64__)

#define RAW_CALLS 1

IN_CHILD static inline long raw_call(long number, long a, long b, long c, long d, long e)
{
	register long fourth __asm__("r10") = d;
	register long fifth __asm__("r8") = e;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
			 : "rcx", "r11", "memory");
	return result;
}

#elif defined(__aarch64__) && defined(__LP64__)

#define RAW_CALLS 1

IN_CHILD static inline long raw_call(long number, long a, long b, long c, long d, long e)
{
	register long first __asm__("x0") = a;
	register long second __asm__("x1") = b;
	register long third __asm__("x2") = c;
	register long fourth __asm__("x3") = d;
	register long fifth __asm__("x4") = e;
	register long which __asm__("x8") = number;

	__asm__ volatile("svc 0"
			 : "+r"(first)
			 : "r"(second), "r"(third), "r"(fourth), "r"(fifth), "r"(which)
			 : "memory");
	return first;
}

#elif defined(__riscv) && __riscv_xlen == 64

#define RAW_CALLS 1

IN_CHILD static inline long raw_call(long number, long a, long b, long c, long d, long e)
{
	register long first __asm__("a0") = a;
	register long second __asm__("a1") = b;
	register long third __asm__("a2") = c;
	register long fourth __asm__("a3") = d;
	register long fifth __asm__("a4") = e;
	register long which __asm__("a7") = number;

	__asm__ volatile("ecall"
			 : "+r"(first)
			 : "r"(second), "r"(third), "r"(fourth), "r"(fifth), "r"(which)
			 : "memory");
	return first;
}

#else

#define RAW_CALLS 0

IN_CHILD static inline long raw_call(long number, long a, long b, long c, long d, long e)
{
	long result = syscall(number, a, b, c, d, e);

	return result == -1 ? -errno : result;
}

#endif

/* Where ids once had 16 bits, the calls for the whole of them have other names. */
#ifdef SYS_setresuid32
#define RAW_SETGROUPS SYS_setgroups32
#define RAW_SETRESGID SYS_setresgid32
#define RAW_SETRESUID SYS_setresuid32
#define RAW_SETUID SYS_setuid32
#else
#define RAW_SETGROUPS SYS_setgroups
#define RAW_SETRESGID SYS_setresgid
#define RAW_SETRESUID SYS_setresuid
#define RAW_SETUID SYS_setuid
#endif

/* A pointer as an argument. */
IN_CHILD static inline long raw_address(const void *pointer)
{
	return (long)(intptr_t)pointer;
}
