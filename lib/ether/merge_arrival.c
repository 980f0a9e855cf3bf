/* Frames that came, as far as is needed to merge them. */
#include "base/bytes.h"
#include "base/checksum.h"
#include "base/inet.h"
#include "ether/merge_impl.h"

/* An unfragmented packet without options or extension headers, and nothing
 * behind it. */
static bool is_plain_ip(const struct eth_view *v, size_t len)
{
	size_t header =
		v->l3 == ETH_L3_IPV4 ? IPV4_HEADER_MIN : IPV6_HEADER_LEN;

	return v->l4_offset != 0 && !v->ip_fragment && v->l3_end == len &&
	       (size_t)v->l3_offset + header == v->l4_offset;
}

/* They fit 16 bits: an IPv6 packet has at most 65,575 bytes with its header. */
static void set_lengths(struct arrival *a, size_t l4_header)
{
	a->header_len = (uint16_t)(a->view->l4_offset + l4_header);
	a->payload_len = (uint16_t)(a->len - a->header_len);
}

/* False if a merge would lose something of this frame. */
static bool may_merge(const struct arrival *a, const struct offload *o)
{
	return a->payload_len > 0 && o->gso == OFFLOAD_GSO_NONE &&
	       o->csum_partial && o->csum_start == a->view->l4_offset &&
	       o->csum_offset == a->csum_offset &&
	       (a->view->l3 != ETH_L3_IPV4 ||
		checksum_fold(checksum_add(0, l3_of(a), IPV4_HEADER_MIN)) == 0);
}

bool arrival_read_tcp(struct arrival *a, const struct offload *o)
{
	const uint8_t *tcp = l4_of(a);
	size_t left, header;

	if (!is_plain_ip(a->view, a->len))
		return false;
	left = a->len - a->view->l4_offset;
	if (left < TCP_HEADER_MIN)
		return false;
	header = (size_t)(tcp[12] >> 4) * 4;
	if (header < TCP_HEADER_MIN || header > left)
		return false;
	set_lengths(a, header);
	a->csum_offset = TCP_CSUM_OFFSET;
	a->merges = (tcp[12] & 0x0f) == 0 && (tcp[13] & ~TCP_PSH) == TCP_ACK &&
		    may_merge(a, o);
	return true;
}

bool arrival_read_udp(struct arrival *a, const struct offload *o)
{
	if (!is_plain_ip(a->view, a->len) ||
	    a->len - a->view->l4_offset < UDP_HEADER_LEN ||
	    load_be16(l4_of(a) + 4) != a->len - a->view->l4_offset)
		return false;
	set_lengths(a, UDP_HEADER_LEN);
	a->csum_offset = UDP_CSUM_OFFSET;
	a->merges = may_merge(a, o);
	return a->merges;
}

bool arrival_read_next(struct arrival *a, const struct held *h,
		       const struct offload *o)
{
	const uint8_t *l3 = a->frame + h->l3_offset;
	const uint8_t *tcp = a->frame + h->l4_offset;
	const size_t ip_len = a->len - h->l3_offset;
	const size_t tcp_len = (size_t)h->header_len - h->l4_offset;

	if (a->len <= h->header_len || o->gso != OFFLOAD_GSO_NONE ||
	    !o->csum_partial || o->csum_start != h->offload.csum_start ||
	    o->csum_offset != h->offload.csum_offset ||
	    tcp[12] != tcp_len * 4 || (tcp[13] & ~TCP_PSH) != TCP_ACK)
		return false;
	a->header_len = h->header_len;
	a->payload_len = (uint16_t)(a->len - h->header_len);
	if (!h->ipv4)
		return load_be16(l3 + 4) == ip_len - IPV6_HEADER_LEN;
	return load_be16(l3 + 2) == ip_len &&
	       checksum_fold(checksum_add(0, l3, IPV4_HEADER_MIN)) == 0;
}
