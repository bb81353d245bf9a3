#pragma once

/*
 * How `superd --reload` learns what became of the reload that it asks for. It sends SIGHUP by
 * sigqueue(3) with RELOAD_REQUEST, and the keeper answers with SIGURG. That signal is ignored by
 * default, so nobody notices an answer that comes too late, to a process id that another has now.
 *
 * Of several SIGHUPs the kernel keeps only the first until the keeper reads it, with who sent it.
 * So whoever has no answer yet sends RELOAD_REQUEST_AGAIN now and then, which does nothing where
 * the request has arrived.
 */

#define RELOAD_REQUEST 0x72656c
#define RELOAD_REQUEST_AGAIN (RELOAD_REQUEST + 3)

enum reload_answer {
	RELOAD_SUCCEEDED = RELOAD_REQUEST + 1,
	RELOAD_FAILED,
};
