#pragma once

/*
 * Says how many lines of log were dropped, as soon as lines get through again:
 * tries with a growing pause while any are unsaid, and sleeps otherwise. One a process.
 */

struct timers;

/* Starts anew, whatever was inherited over a fork. @timers must outlive it. */
void log_retry_start(struct timers *timers);
void log_retry_stop(void);

/* Another process that counted with this one has ended, maybe with something unsaid. */
void log_retry_inherit(void);
