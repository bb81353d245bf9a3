#pragma once

/* What each step of a reload does. */

struct reload_steps;

/* For the reload that a struct keeper embeds. */
extern const struct reload_steps reload_steps;
