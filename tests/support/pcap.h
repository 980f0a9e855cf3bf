/* Frames of the shared captures, for tests. */
#ifndef TAPD_TESTS_PCAP_H
#define TAPD_TESTS_PCAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A capture file in memory (classic pcap, microseconds, little-endian). */
struct pcap {
	uint8_t *bytes;
	size_t len, at;
};

/* What was captured of one frame; wire_len is what it was. Borrowed. */
struct pcap_frame {
	const uint8_t *bytes;
	size_t len, wire_len;
};

/* Opens a file of the shared captures; false, after a line on stdout, if this
 * machine has none. A file that is there but no capture fails the test. */
bool pcap_open(struct pcap *p, const char *file);
/* False at the end. A frame cut short fails the test. */
bool pcap_next(struct pcap *p, struct pcap_frame *frame);
void pcap_close(struct pcap *p);

#endif
