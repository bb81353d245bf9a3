#pragma once

/* Takes clients with connections from their listeners, admits them, and hands them on. */

#include "front/core/admission.h"

struct front_service;
struct watch;

/* For the watch of a struct front_listener. */
void accept_on_ready(struct watch *watch);

/* Who counts against `instances` of the service now. */
struct admission_counters accept_counters(const struct front_service *service);
