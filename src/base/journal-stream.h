#pragma once

/* Recognizes the stream that systemd connects to the journal, by the variable JOURNAL_STREAM. */

#include <stdbool.h>

/*
 * Whether the journal reads what is written to @fd. It then knows the time of each line, and takes
 * the priority from its head, "<3>".
 */
bool journal_stream_is(int fd);
