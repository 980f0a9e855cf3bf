/* Service records of the DNS (RFC 2782): where a service is. */
#ifndef TAPD_HELPER_SRV_H
#define TAPD_HELPER_SRV_H

#include <stddef.h>
#include <stdint.h>

#define SRV_TARGETS_MAX 512

struct srv_target {
	char host[256];
	uint16_t port;
};

/*
 * Asks the host's name servers for the records of name, and waits for the answer.
 * Priorities and weights are passed over: all of them are wanted. Returns how many
 * there are, each once, at most SRV_TARGETS_MAX; or 0 with *why set to a sentence.
 */
size_t srv_ask(const char *name, struct srv_target out[SRV_TARGETS_MAX],
	       const char **why);
/* The same of an answer's bytes. */
size_t srv_parse(const uint8_t *answer, size_t len,
		 struct srv_target out[SRV_TARGETS_MAX]);

#endif
