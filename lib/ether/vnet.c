#include "ether/vnet.h"

/* linux/virtio_net.h; older headers lack UDP_L4. */
#define F_NEEDS_CSUM 0x01
#define GSO_NONE     0x00
#define GSO_TCPV4    0x01
#define GSO_TCPV6    0x04
#define GSO_UDP_L4   0x05
#define GSO_ECN	     0x80

static uint16_t load_le16(const uint8_t *p)
{
	return (uint16_t)(p[1] << 8 | p[0]);
}

static void store_le16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static uint8_t gso_pack(const struct offload *o)
{
	uint8_t ecn = o->ecn ? GSO_ECN : 0;

	switch (o->gso) {
	case OFFLOAD_GSO_NONE:
		return GSO_NONE;
	case OFFLOAD_GSO_TCPV4:
		return GSO_TCPV4 | ecn;
	case OFFLOAD_GSO_TCPV6:
		return GSO_TCPV6 | ecn;
	case OFFLOAD_GSO_UDP_L4:
		return GSO_UDP_L4;
	}
	return GSO_NONE;
}

void vnet_pack(const struct offload *o, uint8_t hdr[VNET_HDR_LEN])
{
	hdr[0] = o->csum_partial ? F_NEEDS_CSUM : 0;
	hdr[1] = gso_pack(o);
	store_le16(hdr + 2, o->hdr_len);
	store_le16(hdr + 4, o->gso_size);
	store_le16(hdr + 6, o->csum_start);
	store_le16(hdr + 8, o->csum_offset);
}

static bool gso_unpack(struct offload *o, uint8_t type)
{
	switch (type) {
	case GSO_NONE:
		return true;
	case GSO_TCPV4:
	case GSO_TCPV4 | GSO_ECN:
		o->gso = OFFLOAD_GSO_TCPV4;
		break;
	case GSO_TCPV6:
	case GSO_TCPV6 | GSO_ECN:
		o->gso = OFFLOAD_GSO_TCPV6;
		break;
	case GSO_UDP_L4:
		o->gso = OFFLOAD_GSO_UDP_L4;
		break;
	default:
		return false;
	}
	o->ecn = (type & GSO_ECN) != 0;
	return true;
}

bool vnet_unpack(struct offload *o, const uint8_t hdr[VNET_HDR_LEN])
{
	*o = (struct offload){ 0 };
	if (!gso_unpack(o, hdr[1]))
		return false;
	if (o->gso != OFFLOAD_GSO_NONE) {
		o->hdr_len = load_le16(hdr + 2);
		o->gso_size = load_le16(hdr + 4);
		if (o->gso_size == 0) {
			*o = (struct offload){ 0 };
			return false;
		}
	}
	/* The other flags (checksum known good, RSC) leave nothing to do. */
	if (hdr[0] & F_NEEDS_CSUM) {
		o->csum_partial = true;
		o->csum_start = load_le16(hdr + 6);
		o->csum_offset = load_le16(hdr + 8);
	}
	return true;
}
