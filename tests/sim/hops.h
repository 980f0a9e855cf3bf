/* What relays carry: counted, and nothing by two of them. */
#ifndef TAPD_SIM_HOPS_H
#define TAPD_SIM_HOPS_H

#include "sim.h"

/* Relayed messages that this host sent of its own, and that it sent on for others: how
 * many, and how many bytes of UDP payload. */
struct hops_counts {
	uint64_t own, carried, carried_bytes;
};

struct hops *hops_new(void);
void hops_free(struct hops *h);
const struct hops_counts *hops_of(const struct sim *s, unsigned host);
/* Of all hosts together, sent on. */
uint64_t hops_carried(const struct sim *s);
/* network.c: a host sends that. Fails if a second host sends it on. */
void hops_see(struct sim *s, unsigned host, const uint8_t *bytes, size_t len);

#endif
