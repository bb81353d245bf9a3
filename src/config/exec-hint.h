#pragma once

/*
 * What to write where the program of `exec` is not a path, as a part of a message: "; arguments are
 * separate strings: write 'exec = {"/bin/ls", "-l"}'", or "". Valid until the next call.
 */
const char *exec_hint(const char *text);
