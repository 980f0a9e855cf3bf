#include "ether/test_frame.h"

#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"

#define MAGIC	UINT32_C(0x74617064) /* "tapd" */
#define UDP_LEN (UDP_HEADER_LEN + TEST_FRAME_PAYLOAD)

static void put_ipv4(struct writer *w, const uint8_t src[16],
		     const uint8_t dst[16])
{
	uint8_t *header = w->start + w->len;

	writer_u16(w, 0x4500);
	writer_u16(w, IPV4_HEADER_MIN + UDP_LEN);
	writer_u16(w, 0);
	writer_u16(w, IPV4_DF);
	writer_u8(w, 1);
	writer_u8(w, INET_PROTO_UDP);
	writer_zeros(w, 2);
	writer_bytes(w, src + 12, 4);
	writer_bytes(w, dst + 12, 4);
	store_be16(header + 10,
		   checksum_fold(checksum_add(0, header, IPV4_HEADER_MIN)));
}

static void put_ipv6(struct writer *w, const uint8_t src[16],
		     const uint8_t dst[16])
{
	writer_u32(w, 0x60000000);
	writer_u16(w, UDP_LEN);
	writer_u8(w, INET_PROTO_UDP);
	writer_u8(w, 1);
	writer_bytes(w, src, 16);
	writer_bytes(w, dst, 16);
}

/* The pseudo header is summed with IPv4 addresses as mapped ones: what is before them
 * sums to 0xffff twice, which changes nothing. */
static void put_udp(struct writer *w, const struct test_frame *t,
		    const uint8_t src[16])
{
	const uint8_t pseudo[4] = { 0, INET_PROTO_UDP, 0, UDP_LEN };
	uint8_t *udp = w->start + w->len;
	uint64_t sum = checksum_add(0, pseudo, sizeof(pseudo));
	uint16_t folded;

	writer_u16(w, TEST_FRAME_PORT);
	writer_u16(w, TEST_FRAME_PORT);
	writer_u16(w, UDP_LEN);
	writer_zeros(w, 2);
	writer_u32(w, MAGIC);
	writer_u32(w, t->sequence);
	writer_u64(w, t->token);
	sum = checksum_add(sum, src, 16);
	sum = checksum_add(sum, t->group.ip, 16);
	folded = checksum_fold(checksum_add(sum, udp, UDP_LEN));
	store_be16(udp + UDP_CSUM_OFFSET, folded ? folded : UINT16_MAX);
}

size_t test_frame_make(const struct test_frame *t,
		       const uint8_t dst[ETH_ADDR_LEN],
		       const uint8_t src[ETH_ADDR_LEN], const uint8_t ip[16],
		       uint8_t out[TEST_FRAME_MAX])
{
	const bool v4 = group_is_v4(&t->group);
	struct writer w = writer_init(out, TEST_FRAME_MAX);

	writer_bytes(&w, dst, ETH_ADDR_LEN);
	writer_bytes(&w, src, ETH_ADDR_LEN);
	writer_u16(&w, v4 ? ETH_TYPE_IPV4 : ETH_TYPE_IPV6);
	if (v4)
		put_ipv4(&w, ip, t->group.ip);
	else
		put_ipv6(&w, ip, t->group.ip);
	put_udp(&w, t, ip);
	return w.len;
}

bool test_frame_read(const struct eth_view *v, const uint8_t *frame,
		     struct test_frame *out)
{
	struct cursor c = cursor_init(frame + v->l4_offset + UDP_HEADER_LEN,
				      TEST_FRAME_PAYLOAD);
	const bool ours = cursor_u32(&c) == MAGIC;

	*out = (struct test_frame){ .group.vlan = v->vlan };
	if (!ours || v->ip_fragment)
		return false;
	out->sequence = cursor_u32(&c);
	out->token = cursor_u64(&c);
	memcpy(out->group.ip, v->ip_dst, sizeof(out->group.ip));
	return true;
}
