#include "keeper/notify.h"

int activation_take(struct activation *out)
{
	*out = (struct activation){ 0 };
	return 0;
}

void notify_init(struct timers *timers)
{
}

void notify_fini(void)
{
}

void notify_ready(const char *status)
{
}

void notify_reloading(void)
{
}

void notify_stopping(const char *status, int64_t patience_ms)
{
}

void notify_status(const char *status)
{
}

void notify_error(int error)
{
}

void notify_watchdog(void)
{
}

int64_t notify_watchdog_ms(void)
{
	return 0;
}
