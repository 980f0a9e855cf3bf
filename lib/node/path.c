#include "node/path.h"

#include "tunnel/wire.h"

/* An RTT above this is no measurement but an echo of nothing we sent. */
#define RTT_MAX_US (60 * CLOCK_S)

/* What the user's underlay_mtu leaves for what a datagram carries; 0: find out. The hop
 * behind a relay may be IPv6's. */
static uint16_t fixed_size(uint16_t underlay_mtu, const struct addr *to,
			   uint16_t overhead)
{
	uint16_t headers = addr_is_v4(to) && !to->leg ? 20 + 8 : 40 + 8;

	if (!underlay_mtu)
		return 0;
	if (underlay_mtu - headers > PMTU_MAX)
		return (uint16_t)(PMTU_MAX - overhead);
	return (uint16_t)(underlay_mtu - headers - overhead);
}

void path_set_way(struct path *p, const struct way *way, uint16_t underlay_mtu,
		  uint64_t now_us)
{
	const uint8_t overhead = way->remote.leg ? WIRE_RELAYED_LEN : 0;

	p->way = *way;
	p->rtt_us = 0;
	p->rank = way->remote.leg ? PATH_RELAYED : PATH_DIRECT;
	pmtu_init(&p->pmtu, !addr_is_v4(&way->remote), overhead,
		  (uint16_t)(PMTU_MAX - overhead),
		  fixed_size(underlay_mtu, &way->remote, overhead), now_us);
}

bool path_goes(const struct path *p, const struct way *way)
{
	return addr_equal(&way->remote, &p->way.remote) &&
	       (!way_is_pinned(way) || addr_equal(&way->local, &p->way.local));
}

bool path_brings(const struct path *p, const struct way *from)
{
	return path_goes(p, from) ||
	       (!way_is_pinned(&p->way) &&
		addr_equal(&from->remote, &p->way.remote));
}

bool path_is_relayed(const struct path *p)
{
	return p->way.remote.leg != 0;
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
