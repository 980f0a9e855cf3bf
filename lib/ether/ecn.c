#include "ether/ecn.h"

#include "base/bytes.h"
#include "base/checksum.h"

#define ECN_NOT_ECT 0
#define ECN_CE	    3

static void mark_ipv4(uint8_t *ip)
{
	/* RFC 1624: the sum without the old word and with the new one. */
	uint64_t sum = (uint16_t)~load_be16(ip + 10);

	sum += (uint16_t)~load_be16(ip);
	ip[1] |= ECN_CE;
	sum += load_be16(ip);
	store_be16(ip + 10, checksum_fold(sum));
}

bool ecn_mark(const struct eth_view *v, uint8_t *frame)
{
	uint8_t *ip = frame + v->l3_offset;

	switch (v->l3) {
	case ETH_L3_IPV4:
		if ((ip[1] & ECN_CE) == ECN_NOT_ECT)
			return false;
		mark_ipv4(ip);
		return true;
	case ETH_L3_IPV6:
		/* The traffic class lies across two bytes. */
		if ((ip[1] & ECN_CE << 4) == ECN_NOT_ECT)
			return false;
		ip[1] |= ECN_CE << 4;
		return true;
	case ETH_L3_OTHER:
		break;
	}
	return false;
}
