/* What relays carry. */
#include "hops.h"

#include <stdlib.h>

#include "tunnel/wire.h"

/* Messages that are remembered: more than are on their way at once. */
#define SLOTS 16384

/* A message that was seen behind a relayed header. */
struct hop {
	uint64_t digest;
	unsigned from; /* who sent it first */
	unsigned by;   /* who sent it on; SIM_HOSTS_MAX: nobody yet */
};

struct hops {
	struct hops_counts hosts[SIM_HOSTS_MAX];
	struct hop slots[SLOTS];
};

struct hops *hops_new(void)
{
	return test_zalloc(1, sizeof(struct hops));
}

void hops_free(struct hops *h)
{
	free(h);
}

const struct hops_counts *hops_of(const struct sim *s, unsigned host)
{
	return &s->hops->hosts[host];
}

uint64_t hops_carried(const struct sim *s)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < s->host_count; i++)
		n += s->hops->hosts[i].carried;
	return n;
}

void hops_see(struct sim *s, unsigned host, const uint8_t *bytes, size_t len)
{
	struct hops_counts *counts = &s->hops->hosts[host];
	struct hop *hop;
	uint64_t digest;

	if (len <= WIRE_RELAYED_LEN || bytes[0] != WIRE_RELAYED)
		return;
	digest = digest_bytes(1, bytes + WIRE_RELAYED_LEN,
			      len - WIRE_RELAYED_LEN);
	hop = &s->hops->slots[digest % SLOTS];
	if (hop->digest != digest) {
		*hop = (struct hop){ digest, host, SIM_HOSTS_MAX };
		counts->own++;
		return;
	}
	if (hop->from == host)
		return;
	/* An attacker puts the end of one datagram behind the beginning of another. */
	if (hop->by < SIM_HOSTS_MAX && hop->by != host && !s->outside.injecting)
		sim_fail(s, "h%u carries what h%u sent, which h%u carried",
			 host, hop->from, hop->by);
	hop->by = host;
	counts->carried++;
	counts->carried_bytes += len;
}
