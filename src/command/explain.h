#pragma once

/*
 * superd --explain: prints what superd.conf(5) says about an option, or what to write instead of
 * the word of another configuration. Returns 0, or -ENOENT after saying on standard error that
 * there is no such option.
 */
int explain_print(const char *name);
