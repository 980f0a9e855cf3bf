/* Frames for tests: a few real ones, and builders for the others. */
#ifndef TAPD_TESTS_FRAMES_H
#define TAPD_TESTS_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "bridge/eth.h"

/* Real frames, in hex, from the captures of tcpdump's tests. */
struct sample {
	const char *name, *hex;
};

extern const struct sample samples[];
extern const size_t samples_count;

#define SAMPLE_MAX 256
/* The bytes of a sample; returns how many. */
size_t sample_decode(uint8_t out[SAMPLE_MAX], const char *name);

/* Builders: each appends its header. The MACs are 02:00:00:00:00:0N. */
void put_eth(struct writer *w, uint8_t dst, uint8_t src, uint16_t type);
void put_ipv4(struct writer *w, uint8_t proto, size_t payload_len);
void put_ipv6(struct writer *w, uint8_t next, size_t payload_len);
void put_udp(struct writer *w, uint16_t dst_port, size_t payload_len);

#endif
