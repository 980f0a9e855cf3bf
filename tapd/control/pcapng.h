/* The pcapng file format: draft-ietf-opsawg-pcapng, its sections 4.1 to 4.3. */
#ifndef TAPD_CONTROL_PCAPNG_H
#define TAPD_CONTROL_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Comments are cut to that. */
#define PCAPNG_COMMENT_MAX 512
/* What a block takes besides its frame and its comment, at most. */
#define PCAPNG_BLOCK_MORE 96

struct pcapng_packet {
	uint64_t time_us; /* wall clock */
	const uint8_t *const *pieces;
	const size_t *lens;
	size_t count;
	bool inbound;	     /* else outbound */
	const char *comment; /* UTF-8; "": none */
	uint64_t lost;	     /* packets missing before it; 0: none */
};

/* Both return the bytes written to out, a multiple of four, or 0 if they do not fit.
 * Numbers are in this machine's order, as the format has it. */
/* What a file begins with: one interface of that name, Ethernet, microseconds. */
size_t pcapng_begin(uint8_t *out, size_t size, const char *application,
		    const char *interface);
/* *frame: where its bytes are in out. */
size_t pcapng_packet(uint8_t *out, size_t size, const struct pcapng_packet *p,
		     uint8_t **frame);

#endif
