#include "node/path.h"

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
	pmtu_init(&p->pmtu, !addr_is_v4(remote), PMTU_MAX,
		  fixed_size(underlay_mtu, remote), now_us);
}
