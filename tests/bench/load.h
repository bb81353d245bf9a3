#pragma once

/*
 * The load generator: clients in a closed loop, all in one thread.
 *
 * load.c owns the loop and the report, load-options.c the command line; a mode decides what one
 * client does with its socket (load-stream.c, load-datagram.c).
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "latency.h"

struct load;

struct client {
	int fd;
	bool warm;
	uint64_t started_ns;
	size_t got;
	size_t sent;
	unsigned in_flight;
	uint64_t epoch;
};

struct load_mode {
	const char *name;
	const char *summary;

	/* The rate is that of bytes, not of answers. */
	bool counts_bytes;
	int socket_type;

	/* Of a message, unless -s says otherwise. */
	size_t size;

	/*
	 * Measuring begins once every client has been answered. Until then a client that start()
	 * has made speak waits for the others; then it is started again.
	 */
	bool warms_up;
	unsigned events;

	/* May be NULL. @client has a new socket, connected if the mode warms up. */
	void (*start)(struct load *load, struct client *client);

	/* May be NULL. Measuring begins. */
	void (*begun)(struct load *load);
	void (*ready)(struct load *load, struct client *client, unsigned events);

	/* Called about 20 times a second for every client, where set. */
	void (*tick)(struct load *load, struct client *client);
};

struct load {
	const struct load_mode *mode;
	struct sockaddr_in server;
	unsigned n_clients;
	unsigned n_open;
	unsigned n_warm;
	bool measuring;
	unsigned window;
	unsigned n_sources;
	unsigned source;
	size_t size;
	uint64_t count_max; /* of clients, in modes that renew them; 0: no limit */
	uint64_t n_opened;
	unsigned n_ports; /* from that of server upward */
	uint64_t duration_ns;
	uint64_t started_ns;
	int epoll_fd;

	uint64_t done;
	uint64_t failed;
	uint64_t lost;
	uint64_t bytes;
	struct latency latency;
};

enum {
	LOAD_SIZE_MAX = 65536,
	LOAD_WINDOW_MAX = 64,
};

extern const struct load_mode load_modes_stream[];
extern const struct load_mode load_mode_datagram;

/* Opens a socket for @client, from the next source address, and starts it. */
void client_open(struct load *load, struct client *client);
void client_close(struct load *load, struct client *client);

/* Closes, and opens again unless there were enough clients. */
void client_renew(struct load *load, struct client *client);

/* Counts one answer that took from @since_ns until now. */
void load_answered(struct load *load, uint64_t since_ns);

/* To be called when @client has been answered for the first time; more often does no harm. */
void load_warmed(struct load *load, struct client *client);

/* Fills @load from the command line, or exits. */
void load_options_parse(struct load *load, int argc, char **argv);
