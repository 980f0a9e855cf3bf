#include "traffic_frames.h"

#include <string.h>

#include "base/bytes.h"
#include "base/inet.h"
#include "support/frames.h"

#define TYPE_LOCAL 0x88b5 /* IEEE 802, local experimental */
#define TYPE_LLDP  0x88cc
#define ID_LEN	   8
#define PORT	   5405

const uint8_t frame_vmac[6] = { 0x00, 0x00, 0x5e, 0x00, 0x01, 0x33 };

void frame_host_mac(uint8_t mac[6], unsigned host)
{
	static const uint8_t base[6] = { 0x02, 0x54, 0, 0, 0, 0 };

	memcpy(mac, base, 6);
	mac[5] = (uint8_t)(host + 1);
}

static void set_group(uint8_t mac[6], struct rng *r)
{
	static const uint8_t groups[][6] = {
		{ 0x01, 0x00, 0x5e, 0x00, 0x00, 0x12 }, /* VRRP */
		{ 0x01, 0x00, 0x5e, 0x7f, 0x01, 0x02 }, /* 239.255.1.2 */
		{ 0x33, 0x33, 0x00, 0x00, 0x00, 0x01 }, /* ff02::1 */
		{ 0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e }, /* LLDP, PTP */
		{ 0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc }, /* CDP */
	};

	memcpy(mac, groups[rng_below(r, 5)], 6);
}

static void set_destination(uint8_t mac[6], struct rng *r,
			    const struct traffic_spec *spec)
{
	switch (spec->to) {
	case TRAFFIC_BROADCAST:
		memset(mac, 0xff, 6);
		return;
	case TRAFFIC_MULTICAST:
		set_group(mac, r);
		return;
	case TRAFFIC_UNICAST:
		frame_host_mac(mac, spec->other);
		return;
	case TRAFFIC_VMAC:
		memcpy(mac, frame_vmac, 6);
		return;
	case TRAFFIC_GROUP:
		group_mac(spec->group, mac);
		return;
	}
}

/* A frame too short to hold its id in its payload holds it in a group
 * address of our own making. */
static void set_short(uint8_t *out, uint64_t id)
{
	out[0] = 0x03;
	for (int i = 5; i > 0; i--, id >>= 8)
		out[i] = (uint8_t)id;
}

static size_t pick_len(struct rng *r, const struct traffic_spec *spec,
		       size_t least, size_t max)
{
	if (spec->len)
		return spec->len < least ? least : spec->len;
	switch (rng_below(r, 4)) {
	case 0:
		return least + (size_t)rng_below(r, 60);
	case 1:
		return max - (size_t)rng_below(r, 8);
	default:
		return (size_t)rng_range(r, least, max);
	}
}

/* UDP with its checksum left to do, behind l3 bytes of Ethernet. */
static struct offload left_to_do(size_t l3)
{
	return (struct offload){
		.csum_partial = true,
		.hdr_len = (uint16_t)(l3 + IPV4_HEADER_MIN + UDP_HEADER_LEN),
		.csum_start = (uint16_t)(l3 + IPV4_HEADER_MIN),
		.csum_offset = UDP_CSUM_OFFSET,
	};
}

static size_t build_to_group(uint8_t *out, struct rng *r, unsigned host,
			     const struct traffic_spec *spec, uint64_t id,
			     size_t max, struct offload *offload)
{
	size_t tag = spec->group->vlan ? ETH_TAG_LEN : 0;
	size_t l3 = ETH_HEADER_LEN + tag;
	bool v4 = group_is_v4(spec->group);
	size_t headers =
		l3 + (v4 ? IPV4_HEADER_MIN : IPV6_HEADER_LEN) + UDP_HEADER_LEN;
	size_t len = pick_len(r, spec, headers + ID_LEN, max + tag);
	struct writer w = writer_init(out, len);
	uint8_t mac[6];

	rng_bytes(r, out, len);
	frame_host_mac(mac, host);
	put_group_udp(&w, spec->group, mac, PORT, len - headers);
	if (v4 && spec->csum)
		*offload = left_to_do(l3);
	store_be64(out + len - ID_LEN, id);
	return len;
}

/* Ethernet, and UDP in it if that is what it has to be. */
static void set_headers(uint8_t *out, struct rng *r, unsigned host,
			const struct traffic_spec *spec, uint16_t type,
			size_t len)
{
	static const struct ip_header ip = {
		.src = { [10] = 0xff, 0xff, 10, 77, 0, 1 },
		.dst = { [10] = 0xff, 0xff, 239, 255, 1, 2 },
		.proto = INET_PROTO_UDP,
		.ttl = 1,
	};
	struct writer w = writer_init(out, len);
	uint8_t dst[6], src[6];

	set_destination(dst, r, spec);
	frame_host_mac(src, host);
	put_ethernet(&w, dst, spec->from_vmac ? frame_vmac : src, spec->vlan,
		     type);
	if (!spec->csum)
		return;
	put_ip(&w, &ip, len - w.len - IPV4_HEADER_MIN);
	put_udp_header(&w, PORT, PORT, len - w.len - UDP_HEADER_LEN);
}

size_t frame_build(uint8_t *out, struct rng *r, unsigned host,
		   const struct traffic_spec *spec, uint64_t id, size_t max,
		   struct offload *offload)
{
	static const uint16_t types[] = { TYPE_LOCAL,	 TYPE_LOCAL,
					  ETH_TYPE_ARP,	 TYPE_LLDP,
					  ETH_TYPE_IPV4, ETH_TYPE_IPV6 };
	size_t tag = spec->vlan ? ETH_TAG_LEN : 0;
	size_t l3 = ETH_HEADER_LEN + tag;
	size_t least = spec->csum
			       ? l3 + IPV4_HEADER_MIN + UDP_HEADER_LEN + ID_LEN
			       : l3;
	uint16_t type;
	size_t len;

	*offload = (struct offload){ 0 };
	if (spec->to == TRAFFIC_GROUP)
		return build_to_group(out, r, host, spec, id, max, offload);
	len = pick_len(r, spec, least, max + tag);
	type = types[rng_below(r, 6)];
	rng_bytes(r, out, len);
	set_headers(out, r, host, spec, spec->csum ? ETH_TYPE_IPV4 : type, len);
	if (spec->csum) {
		*offload = left_to_do(l3);
		store_be64(out + l3 + IPV4_HEADER_MIN + UDP_HEADER_LEN, id);
	} else if (len >= l3 + IPV4_HEADER_MIN + ID_LEN) {
		/* Random bytes after an IP ethertype, but never IGMP or MLD,
		 * which teach the FDB nothing. */
		out[l3] = 0;
		store_be64(out + len - ID_LEN, id);
	} else {
		store_be16(out + l3 - 2, TYPE_LOCAL);
		set_short(out, id);
	}
	return len;
}
