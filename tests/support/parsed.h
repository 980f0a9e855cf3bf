/* For tests: a few real frames, and eth's parser under watch. */
#ifndef TAPD_TESTS_PARSED_H
#define TAPD_TESTS_PARSED_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "ether/eth.h"

/* Real frames, in hex, from the captures of tcpdump's tests. */
struct sample {
	const char *name, *hex;
};

enum { SAMPLES = 7 };
extern const struct sample samples[SAMPLES];

#define SAMPLE_MAX 256
/* The bytes of a sample; returns how many. */
size_t sample_decode(uint8_t out[SAMPLE_MAX], const char *name);

/*
 * What eth_parse and its kin say of a frame. They get a heap copy of exactly its
 * length, so that AddressSanitizer sees the first byte read past the end, and
 * whatever they say is held to the header's contract.
 */
struct frame_parsed {
	enum drop_reason reason;
	struct eth_view v;
	size_t len;
	bool membership, udp;
	struct addr udp_src, udp_dst;
};

struct frame_parsed frame_parse(const uint8_t *frame, size_t len);
struct frame_parsed frame_parse_written(const struct writer *w);
void frame_assert_ip(const uint8_t ip[16], const char *text);

#endif
