/* The command line of the load generator. */

#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "tool.h"

enum {
	SOURCES = 250,
};

static _Noreturn void usage(FILE *out, int status)
{
	fprintf(out, "usage: load MODE -p PORT [-a ADDRESS] [-n CLIENTS] [-t MILLISECONDS]\n"
		     "            [-c COUNT] [-P PORTS] [-s BYTES] [-w WINDOW] [-S SOURCES]\n\n");
	for (const struct load_mode *mode = load_modes_stream; mode->name; mode++)
		fprintf(out, "  %-9s %s\n", mode->name, mode->summary);
	fprintf(out, "  %-9s %s\n", load_mode_datagram.name, load_mode_datagram.summary);
	exit(status);
}

static const struct load_mode *find_mode(const char *name)
{
	if (strcmp(name, load_mode_datagram.name) == 0)
		return &load_mode_datagram;

	for (const struct load_mode *mode = load_modes_stream; mode->name; mode++)
		if (strcmp(name, mode->name) == 0)
			return mode;
	usage(stderr, TOOL_USAGE);
}

void load_options_parse(struct load *load, int argc, char **argv)
{
	const char *host = "127.0.0.1";
	unsigned port = 0;
	int option;

	while ((option = getopt(argc, argv, "a:c:hn:p:P:s:S:t:w:")) != -1) {
		switch (option) {
		case 'a':
			host = optarg;
			break;
		case 'c':
			load->count_max = number_parse("-c", optarg, 1, UINT32_MAX);
			break;
		case 'n':
			load->n_clients = (unsigned)number_parse("-n", optarg, 1, 100000);
			break;
		case 'p':
			port = (unsigned)number_parse("-p", optarg, 1, UINT16_MAX);
			break;
		case 'P':
			load->n_ports = (unsigned)number_parse("-P", optarg, 1, UINT16_MAX);
			break;
		case 's':
			load->size = number_parse("-s", optarg, 1, LOAD_SIZE_MAX);
			break;
		case 'S':
			load->n_sources = (unsigned)number_parse("-S", optarg, 1, 50000);
			break;
		case 't':
			load->duration_ns = number_parse("-t", optarg, 1, 3600000) * 1000000;
			break;
		case 'w':
			load->window = (unsigned)number_parse("-w", optarg, 1, LOAD_WINDOW_MAX);
			break;
		default:
			usage(option == 'h' ? stdout : stderr, option == 'h' ? 0 : TOOL_USAGE);
		}
	}

	if (optind != argc - 1 || port == 0)
		usage(stderr, TOOL_USAGE);
	load->mode = find_mode(argv[optind]);
	load->server = address_parse(host, port);
	if (load->n_sources == 0 && !load->mode->warms_up)
		load->n_sources = SOURCES;
	if (load->size == 0)
		load->size = load->mode->size;
}
