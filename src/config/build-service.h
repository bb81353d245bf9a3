#pragma once

/* From the draft of a service, which says what is written, to a service that can be run. */

struct build_context;
struct draft;

/* Adds the service to the settings. Adds errors; what could not be built stays empty. */
void build_service(struct build_context *context, struct draft *draft);
