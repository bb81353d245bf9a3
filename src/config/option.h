#pragma once

/* One function for each kind of value that an option may take: see option_parse_fn. */

#include "config/schema.h"

option_parse_fn parse_nothing; /* of `include`, which is read before everything else */
option_parse_fn parse_boolean;
option_parse_fn parse_text;
option_parse_fn parse_path;
option_parse_fn parse_texts;
option_parse_fn parse_variables;
option_parse_fn parse_variable_names;
option_parse_fn parse_interface;
option_parse_fn parse_port_base;
option_parse_fn parse_instances;
option_parse_fn parse_backlog;
option_parse_fn parse_nice;
option_parse_fn parse_umask;
option_parse_fn parse_socket_mode;
option_parse_fn parse_grace;
option_parse_fn parse_poller;
option_parse_fn parse_log;
option_parse_fn parse_builtin;
option_parse_fn parse_dispatch;
option_parse_fn parse_stderr;
option_parse_fn parse_overflow;
option_parse_fn parse_records_of_success;
option_parse_fn parse_records_of_failure;
