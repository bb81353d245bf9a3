#pragma once

/* The actions of each step of a reload. */

struct reload_steps;

/* For the struct reload in a struct keeper. */
extern const struct reload_steps reload_steps;
