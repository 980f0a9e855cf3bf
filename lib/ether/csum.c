#include "ether/csum.h"

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/inet.h"

static uint16_t offset_of(const struct eth_view *v)
{
	return v->ip_proto == INET_PROTO_TCP ? TCP_CSUM_OFFSET
					     : UDP_CSUM_OFFSET;
}

/* Not folded. IPv4's prefix of a mapped address sums to 0xffff, which is nothing. */
static uint64_t pseudo_header(const struct eth_view *v, size_t l4_len)
{
	const size_t skip = v->l3 == ETH_L3_IPV4 ? 12 : 0;
	uint64_t sum = l4_len + v->ip_proto;

	sum = checksum_add(sum, v->ip_src + skip, 16 - skip);
	return checksum_add(sum, v->ip_dst + skip, 16 - skip);
}

bool csum_make_partial(const struct eth_view *v, uint8_t *frame, size_t len,
		       bool wanted, struct offload *o)
{
	const uint16_t offset = offset_of(v);
	uint8_t *l4 = frame + v->l4_offset, *field = l4 + offset;
	uint64_t pseudo;
	uint16_t bare;
	bool right;

	*o = (struct offload){ .csum_partial = false };
	if (!eth_csum_valid(v, len, v->l4_offset, offset))
		return false;
	pseudo = pseudo_header(v, v->l3_end - v->l4_offset);
	bare = (uint16_t)~checksum_fold(pseudo);
	if (load_be16(field) != bare &&
	    (!wanted ||
	     (v->ip_proto == INET_PROTO_UDP && load_be16(field) == 0)))
		return false;
	right = checksum_fold(checksum_add(pseudo, l4,
					   v->l3_end - v->l4_offset)) == 0;
	if (right ? !wanted : load_be16(field) != bare)
		return false;
	store_be16(field, bare);
	*o = (struct offload){ .csum_partial = true,
			       .csum_start = v->l4_offset,
			       .csum_offset = offset };
	return true;
}
