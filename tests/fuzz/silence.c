#include "silence.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

#define SILENCE_MAX_MS 1000
#define LOOK_EVERY_US 50000

static _Atomic int64_t busy_since_ms; /* 0: the keeper has nothing to do */
static int schedstat;                 /* of the keeper's thread */

/* A thread that waits for a processor is not silent, but the machine is busy. */
static int64_t waited_for_processor_ms(void)
{
	char text[128] = "";
	long long ran, waited;

	if (pread(schedstat, text, sizeof(text) - 1, 0) < 0 ||
	    sscanf(text, "%lld %lld", &ran, &waited) != 2)
		return 0;
	return waited / 1000000;
}

static void *watch(void *unused)
{
	int64_t since = 0, waited = 0;

	for (;;) {
		int64_t now = atomic_load(&busy_since_ms);

		if (now != since)
			waited = waited_for_processor_ms();
		since = now;
		if (since > 0 &&
		    clock_ms() - since - (waited_for_processor_ms() - waited) > SILENCE_MAX_MS) {
			(void)fprintf(stderr, "The keeper has been silent for more than %d ms.\n",
				      SILENCE_MAX_MS);
			abort();
		}
		(void)usleep(LOOK_EVERY_US);
	}
	return NULL;
}

void silence_watch(void)
{
	pthread_t thread;

	schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	if (pthread_create(&thread, NULL, watch, NULL) != 0)
		abort();
	(void)pthread_detach(thread);
}

void silence_begin(void)
{
	atomic_store(&busy_since_ms, clock_ms());
}

void silence_end(void)
{
	atomic_store(&busy_since_ms, 0);
}
