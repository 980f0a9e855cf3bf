/* What a file or a command says of hosts: text, or Prometheus' file_sd JSON. */
#ifndef TAPD_DISCOVER_ANSWER_H
#define TAPD_DISCOVER_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/node.h"
#include "tapd/conf/conf.h"

/* As much is read of one, and as many hosts are taken from it. */
#define ANSWER_BYTES_MAX ((size_t)256 * 1024)
#define ANSWER_PEERS_MAX ((size_t)NODE_ENDPOINTS_MAX)
#define ANSWER_TEXT_MAX	 512

/*
 * Text: endpoints as in `peers` of the configuration, separated by white space; what
 * follows a '#' on its line is passed over. JSON, if it begins with '[' and an object
 * or nothing in it: [{"targets": ["10.0.0.2:8273", …], …}, …]; whatever else its
 * objects have is passed over.
 */
struct answer {
	struct conf_peer *peers; /* each once; NULL if there is none */
	size_t count;
	/* Why it is no answer at all: one line; "" if it is one, which may be empty. */
	char error[ANSWER_TEXT_MAX + 32];
	/* What is left out of it: "3: \"web,2\" is neither …, and 2 more", a line's
	 * number first, from 1; "" if all was understood. */
	char left_out[ANSWER_TEXT_MAX];
	size_t left_out_count;
};

/* Reads any bytes. port: as in conf_peer_parse. */
void answer_parse(struct answer *a, const char *text, size_t len,
		  uint16_t port);
void answer_free(struct answer *a);

#endif
