#pragma once

/* What programs with `stderr = log` say: a pipe per service, a line of log per line. */

struct front;

/* Reads the pipes that the front was born with, until stderr_stop(). Logs a failure. */
void stderr_start(struct front *front);

/* Leaves the pipes to another front; what was read of an unfinished line is logged. */
void stderr_stop(struct front *front);
