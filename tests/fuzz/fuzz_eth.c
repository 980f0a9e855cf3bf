/* Any bytes as an Ethernet frame: what the parser says lies inside it. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "ether/eth.h"
#include "ether/ra_guard.h"
#include "fuzz.h"

static void view_holds(const struct eth_view *v, const uint8_t *frame,
		       size_t len)
{
	static const uint8_t zeros[16];

	HOLDS(len >= ETH_HEADER_LEN);
	HOLDS(memcmp(v->dst, frame, ETH_ADDR_LEN) == 0);
	HOLDS(memcmp(v->src, frame + ETH_ADDR_LEN, ETH_ADDR_LEN) == 0);
	HOLDS(!eth_is_group(v->src));
	HOLDS(v->vlan < 4096);
	HOLDS(v->l3_offset <= len);
	HOLDS(!v->l4_offset || (v->l4_offset < len && v->l3 != ETH_L3_OTHER));
	HOLDS(!v->l4_offset || v->l4_offset > v->l3_offset);
	HOLDS(v->l3 != ETH_L3_OTHER || memcmp(v->ip_src, zeros, 16) == 0);
	HOLDS(v->l3 != ETH_L3_OTHER || memcmp(v->ip_dst, zeros, 16) == 0);
}

/* No plain advertisement gets by, nor is anything else than IP held back. */
static void guard_holds(const struct eth_view *v, const uint8_t *frame,
			size_t len)
{
	struct eth_view inner = *v;
	const bool forbidden = ra_guard_forbids(v, frame, len);

	eth_skip_tags(&inner, frame, len);
	view_holds(&inner, frame, len);
	HOLDS(!forbidden || inner.l3 != ETH_L3_OTHER);
	HOLDS(forbidden || inner.l3 != ETH_L3_IPV6 || !inner.l4_offset ||
	      inner.ip_proto != INET_PROTO_ICMPV6 ||
	      (frame[inner.l4_offset] != ND_ROUTER_ADVERT &&
	       frame[inner.l4_offset] != ND_REDIRECT));
}

/* Any partial checksum inside the frame is completed, and nothing else changed: what
 * is summed with the value that was there for a start is then all ones. */
static void completion_holds(const uint8_t *frame, size_t len, uint16_t start,
			     uint16_t offset)
{
	const size_t at = (size_t)start + offset;
	uint8_t *copy = malloc(len ? len : 1);
	const bool inside = at + 2 <= len;
	uint64_t sum;

	HOLDS(copy);
	memcpy(copy, frame, len);
	HOLDS(checksum_complete(copy, len, start, offset) == inside);
	if (!inside) {
		HOLDS(memcmp(copy, frame, len) == 0);
	} else {
		HOLDS(memcmp(copy, frame, at) == 0);
		HOLDS(memcmp(copy + at + 2, frame + at + 2, len - at - 2) == 0);
		HOLDS(load_be16(copy + at) != 0);
		sum = checksum_add(0, frame + start, len - start);
		HOLDS(checksum_fold(sum + load_be16(copy + at)) == 0);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eth_view v;
	struct addr src, dst;
	uint16_t start, offset;

	/* The first four bytes are csum_start and csum_offset: a peer's, or the
	 * TAP's. */
	if (size < 4)
		return 0;
	start = load_be16(data);
	offset = load_be16(data + 2);
	data += 4;
	size -= 4;
	completion_holds(data, size, start, offset);
	if (eth_parse(&v, data, size) != DROP_NONE)
		return 0;
	view_holds(&v, data, size);
	guard_holds(&v, data, size);
	eth_is_membership(&v, data, size);
	if (eth_udp_addrs(&v, data, size, &src, &dst))
		HOLDS(v.l4_offset && !v.ip_fragment);
	if (eth_csum_valid(&v, size, start, offset)) {
		HOLDS(start == v.l4_offset && start && !v.ip_fragment);
		HOLDS(offset == 16 || offset == 6);
		HOLDS((size_t)start + offset + 2 <= size);
	}
	if (v.l4_offset) {
		eth_csum_valid(&v, size, v.l4_offset, 16);
		eth_csum_valid(&v, size, v.l4_offset, 6);
	}
	return 0;
}
