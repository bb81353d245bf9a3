#include "base/clock.h"

#include <time.h>

int64_t clock_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_ms(void)
{
	return clock_us() / 1000;
}

int64_t clock_since_us(int64_t then_us)
{
	int64_t now_us = clock_us();

	return then_us < 0 || then_us > now_us ? 0 : now_us - then_us;
}
