#include "node/path.h"

/* An RTT above this is no measurement but an echo of nothing we sent. */
#define RTT_MAX_US (60 * CLOCK_S)

/* What the user's underlay_mtu leaves for UDP payload; 0: find out. */
static uint16_t fixed_size(uint16_t underlay_mtu, const struct addr *to)
{
	uint16_t headers = addr_is_v4(to) ? 20 + 8 : 40 + 8;

	if (!underlay_mtu)
		return 0;
	return underlay_mtu - headers < PMTU_MAX
		       ? (uint16_t)(underlay_mtu - headers)
		       : PMTU_MAX;
}

void path_set_remote(struct path *p, const struct addr *remote,
		     uint16_t underlay_mtu, uint64_t now_us)
{
	p->remote = *remote;
	p->rtt_us = 0;
	pmtu_init(&p->pmtu, !addr_is_v4(remote), PMTU_MAX,
		  fixed_size(underlay_mtu, remote), now_us);
}

void path_echoed(struct path *p, uint64_t probe_us, uint64_t now_us)
{
	uint64_t rtt_us;

	if (probe_us > now_us || now_us - probe_us > RTT_MAX_US)
		return;
	rtt_us = now_us - probe_us;
	if (p->rtt_us)
		rtt_us = (7 * (uint64_t)p->rtt_us + rtt_us) / 8;
	p->rtt_us = rtt_us ? (uint32_t)rtt_us : 1;
}
