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
option_parse_fn parse_duration;
option_parse_fn parse_duration_or_never;
option_parse_fn parse_buffer_size;
option_parse_fn parse_workers;
option_parse_fn parse_shards;
option_parse_fn parse_processes; /* of struct pool_settings: both numbers */
option_parse_fn parse_clients;
option_parse_fn parse_ready;
option_parse_fn parse_poller;
option_parse_fn parse_log;
option_parse_fn parse_builtin;
option_parse_fn parse_dispatch;
option_parse_fn parse_stderr;
option_parse_fn parse_overflow;
option_parse_fn parse_records_of_success;
option_parse_fn parse_records_of_failure;
