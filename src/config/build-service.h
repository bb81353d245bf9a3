#pragma once

/* Turns the draft of a service into settings. */

struct build_context;
struct draft;

/* Adds the service to the settings, and adds errors. What is wrong stays empty. */
void build_service(struct build_context *context, struct draft *draft);
