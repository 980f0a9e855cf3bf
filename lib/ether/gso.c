#include "ether/gso.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/inet.h"

static_assert(
	(ETH_OVERHEAD_MAX + IP_LEN_MAX) / GSO_PAYLOAD_MIN < GSO_SEGMENTS_MAX,
	"no smaller segment size makes more segments than gso_begin allows");

static bool type_is(const struct eth_view *v, enum offload_gso gso)
{
	switch (gso) {
	case OFFLOAD_GSO_NONE:
		return false;
	case OFFLOAD_GSO_TCPV4:
		return v->l3 == ETH_L3_IPV4 && v->ip_proto == INET_PROTO_TCP;
	case OFFLOAD_GSO_TCPV6:
		return v->l3 == ETH_L3_IPV6 && v->ip_proto == INET_PROTO_TCP;
	case OFFLOAD_GSO_UDP_L4:
		return v->ip_proto == INET_PROTO_UDP;
	}
	return false;
}

/* Where the payload starts, or 0 if the L4 header is cut short. */
static size_t headers_len(const struct eth_view *v, const uint8_t *frame,
			  size_t len)
{
	size_t header = UDP_HEADER_LEN;

	if (v->ip_proto == INET_PROTO_TCP) {
		if (len - v->l4_offset < TCP_HEADER_MIN)
			return 0;
		header = (size_t)(frame[v->l4_offset + 12] >> 4) * 4;
		if (header < TCP_HEADER_MIN)
			return 0;
	}
	return header <= len - v->l4_offset ? v->l4_offset + header : 0;
}

/* A segment's payload, or 0 if the GSO frame's segment size cannot be. */
static size_t segment_size(const struct gso *g, size_t gso_size)
{
	size_t room = IP_LEN_MAX - (g->header_len - g->view.l3_offset);
	size_t size = gso_size < g->payload_len ? gso_size : g->payload_len;

	if (gso_size == 0 || g->payload_len > gso_size * GSO_SEGMENTS_MAX)
		return 0;
	if (size <= room)
		return size;
	return g->view.ip_proto == INET_PROTO_TCP ? room : 0;
}

/* The sum without a field that is in it (RFC 1624). */
static uint64_t without(uint64_t sum, size_t field)
{
	return sum + (uint16_t)~field;
}

static uint64_t ipv4_sum(const uint8_t *ip, size_t header_len)
{
	uint64_t sum = checksum_add(0, ip, header_len);

	sum = without(sum, load_be16(ip + 2));
	sum = without(sum, load_be16(ip + 4));
	return without(sum, load_be16(ip + 10));
}

static bool take(struct gso *g, const uint8_t *frame, size_t len,
		 const struct offload *o)
{
	const struct eth_view *v = &g->view;

	/* Receivers do not look behind a third tag for a partial checksum. */
	g->complete = eth_is_tag(v->type);
	eth_skip_tags_gso(&g->view, frame, len);
	if (len > ETH_OVERHEAD_MAX + IP_LEN_MAX || !type_is(v, o->gso) ||
	    !o->csum_partial ||
	    !eth_csum_valid(v, len, o->csum_start, o->csum_offset))
		return false;
	g->header_len = headers_len(v, frame, len);
	if (g->header_len == 0 || g->header_len > GSO_HEADER_MAX)
		return false;
	g->frame = frame;
	g->payload = frame + g->header_len;
	g->payload_len = len - g->header_len;
	g->size_max = segment_size(g, o->gso_size);
	if (g->size_max == 0)
		return false;
	if (v->l3 == ETH_L3_IPV4)
		g->ip_sum = ipv4_sum(frame + v->l3_offset,
				     (size_t)v->l4_offset - v->l3_offset);
	/*
	 * The pseudo-header's sum is in the checksum field. It cannot be made
	 * from the addresses: behind a routing header the destination is
	 * another (RFC 8200, 8.1).
	 */
	g->l4_sum = without(load_be16(frame + o->csum_start + o->csum_offset),
			    len - v->l4_offset);
	g->csum_offset = o->csum_offset;
	if (!g->complete)
		g->offload = (struct offload){ .csum_partial = true,
					       .csum_start = o->csum_start,
					       .csum_offset = o->csum_offset };
	return true;
}

enum drop_reason gso_begin(struct gso *g, const struct eth_view *view,
			   const uint8_t *frame, size_t len,
			   const struct offload *offload)
{
	*g = (struct gso){ .view = *view };
	if (!take(g, frame, len, offload)) {
		*g = (struct gso){ 0 };
		return DROP_offload_bad;
	}
	gso_split(g, SIZE_MAX);
	return DROP_NONE;
}

void gso_complete(struct gso *g)
{
	g->complete = true;
	g->offload = (struct offload){ .csum_partial = false };
}

size_t gso_split(struct gso *g, size_t frame_max)
{
	assert(g->size_max > 0);
	g->at = 0;
	g->index = 0;
	g->size = g->size_max;
	if (g->view.ip_proto == INET_PROTO_TCP &&
	    frame_max >= g->header_len + GSO_PAYLOAD_MIN &&
	    frame_max - g->header_len < g->size)
		g->size = frame_max - g->header_len;
	return (g->payload_len + g->size - 1) / g->size;
}

static void patch_ip(const struct gso *g, uint8_t *ip, size_t ip_len)
{
	uint16_t id;

	if (g->view.l3 == ETH_L3_IPV6) {
		store_be16(ip + 4, (uint16_t)(ip_len - IPV6_HEADER_LEN));
		return;
	}
	id = (uint16_t)(load_be16(ip + 4) + g->index);
	store_be16(ip + 2, (uint16_t)ip_len);
	store_be16(ip + 4, id);
	store_be16(ip + 10, checksum_fold(g->ip_sum + ip_len + id));
}

static void patch_tcp(const struct gso *g, uint8_t *tcp, bool last)
{
	store_be32(tcp + 4, load_be32(tcp + 4) + (uint32_t)g->at);
	if (g->index > 0)
		tcp[13] &= (uint8_t)~TCP_CWR;
	if (!last)
		tcp[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
}

/* From the pseudo-header's sum: to be completed by the receiver, or complete. The
 * headers are of even length, so that the payload's words are the sum's. */
static void patch_checksum(const struct gso *g, uint8_t *l4, size_t l4_len,
			   const struct gso_segment *s)
{
	uint8_t *field = l4 + g->csum_offset;
	uint64_t sum = g->l4_sum + l4_len;
	uint16_t whole;

	store_be16(field, (uint16_t)~checksum_fold(sum));
	if (!g->complete)
		return;
	sum = checksum_add(0, l4, l4_len - s->payload_len);
	whole = checksum_fold(checksum_add(sum, s->payload, s->payload_len));
	store_be16(field, whole ? whole : 0xffff);
}

bool gso_next(struct gso *g, uint8_t *header, struct gso_segment *s)
{
	size_t left = g->payload_len - g->at;
	size_t l4_len;
	uint8_t *l4 = header + g->view.l4_offset;

	*s = (struct gso_segment){ 0 };
	if (left == 0)
		return false;
	s->payload = g->payload + g->at;
	s->payload_len = left < g->size ? left : g->size;
	l4_len = g->header_len - g->view.l4_offset + s->payload_len;
	memcpy(header, g->frame, g->header_len);
	patch_ip(g, header + g->view.l3_offset,
		 (size_t)g->view.l4_offset - g->view.l3_offset + l4_len);
	if (g->view.ip_proto == INET_PROTO_TCP)
		patch_tcp(g, l4, s->payload_len == left);
	else
		store_be16(l4 + 4, (uint16_t)l4_len);
	patch_checksum(g, l4, l4_len, s);
	g->at += s->payload_len;
	g->index++;
	return true;
}

/* The rest is one long segment, as far as its headers go. */
static void make_rest(struct gso *g, uint8_t *header)
{
	struct gso_segment rest;

	g->at = g->size_max;
	g->index = 1;
	g->size = g->payload_len - g->at;
	(void)gso_next(g, header, &rest);
}

bool gso_may_skip_first(struct gso *g, const uint8_t *frame, size_t len,
			const struct offload *o)
{
	struct eth_view view;

	return o->gso != OFFLOAD_GSO_NONE && o->gso != OFFLOAD_GSO_UDP_L4 &&
	       eth_parse_gso(&view, frame, len) == DROP_NONE &&
	       gso_begin(g, &view, frame, len, o) == DROP_NONE &&
	       !g->complete && g->payload_len > g->size_max &&
	       g->header_len <= g->size_max;
}

bool gso_skip_first(uint8_t **frame, size_t *len, struct offload *o)
{
	struct gso g;
	size_t skip;

	if (!gso_may_skip_first(&g, *frame, *len, o))
		return false;
	skip = g.size_max;
	make_rest(&g, *frame + skip);
	*frame += skip;
	*len -= skip;
	o->ecn = false;
	if (*len - g.header_len <= o->gso_size) {
		o->gso = OFFLOAD_GSO_NONE;
		o->gso_size = 0;
	}
	return true;
}
