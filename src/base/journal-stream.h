#pragma once

/* Recognizes the stream that systemd connects to the journal, by the variable JOURNAL_STREAM. */

#include <stdbool.h>

/* Whether the journal reads what is written to @fd. It then knows the time of each line. */
bool journal_stream_is(int fd);
