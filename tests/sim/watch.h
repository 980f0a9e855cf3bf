/* What is on the wire, as those see it who can open it: counted while it is asked for. */
#ifndef TAPD_SIM_WATCH_H
#define TAPD_SIM_WATCH_H

#include "sim.h"

/* What a host sent, and what the hosts that it sent to open of it. */
struct watch_counts {
	uint64_t datagrams, bytes; /* UDP payload */
	uint64_t initiations;
	/* Records of the exchange of peers, and their bytes. */
	uint64_t questions, lists, exchange_bytes;
};

/* From now on, from zero. */
void watch_begin(struct sim *s);
void watch_free(struct sim *s);
/* Of a host, or of all together. */
const struct watch_counts *watch_of(const struct sim *s, unsigned host);
struct watch_counts watch_of_all(const struct sim *s);

/*
 * Addresses at which nobody is: how many datagrams went to them; the most that one host
 * sent to one of them, whatever the port; how many pairs of a host and such an address
 * there are; and how many all hosts together sent to this one.
 */
uint64_t watch_astray(const struct sim *s);
uint64_t watch_most_astray(const struct sim *s);
size_t watch_count_astray(const struct sim *s);
uint64_t watch_astray_to(const struct sim *s, const struct addr *victim);

/* network.c: a host sends this. */
void watch_see(struct sim *s, const struct host *from, const struct addr *to,
	       const uint8_t *bytes, size_t len);

#endif
