#pragma once

/* Logs what programs with `stderr = log` write. Each service has one pipe. */

struct front;

/* Reads the pipes that the keeper has opened, until stderr_stop(). Logs a failure. */
void stderr_start(struct front *front);

/* Leaves the pipes to another front, and logs unfinished lines. */
void stderr_stop(struct front *front);
