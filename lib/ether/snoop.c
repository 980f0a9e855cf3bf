#include "ether/snoop.h"

#include "ether/igmp.h"
#include "ether/mld.h"

enum report_kind snoop_parse(struct report *m, const struct eth_view *v,
			     const uint8_t *frame, size_t len)
{
	if (v->l3 == ETH_L3_IPV4)
		return igmp_parse(m, v, frame, len);
	return mld_parse(m, v, frame, len);
}
