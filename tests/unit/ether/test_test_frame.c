/* ether/test_frame: made as the kernel would, and read back. */
#include <check.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "ether/test_frame.h"
#include "support/main.h"

static const uint8_t src[] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t one[] = { 2, 0, 0, 0, 0, 2 };

static const struct {
	struct group group;
	uint8_t ip[16];
} families[] = {
	{ { 0, { [10] = 0xff, 0xff, 239, 1, 2, 3 } },
	  { [10] = 0xff, 0xff, 10, 77, 0, 1 } },
	{ { 0, { 0xff, 0x0e, [15] = 9 } }, { 0xfe, 0x80, [15] = 1 } },
};

static size_t make(int family, bool unicast, uint8_t out[TEST_FRAME_MAX])
{
	const struct test_frame t = { families[family].group, 5,
				      0x0123456789abcdef };
	uint8_t dst[ETH_ADDR_LEN];

	group_mac(&t.group, dst);
	return test_frame_make(&t, unicast ? one : dst, src,
			       families[family].ip, out);
}

/* True if the UDP checksum is right: the pseudo header as it is on the wire. */
static bool udp_sums(const struct eth_view *v, const uint8_t *frame)
{
	const size_t len = v->l3_end - v->l4_offset;
	const uint8_t pseudo[4] = { 0, INET_PROTO_UDP, 0, (uint8_t)len };
	const size_t skip = v->l3 == ETH_L3_IPV4 ? 12 : 0;
	uint64_t sum = checksum_add(0, pseudo, sizeof(pseudo));

	sum = checksum_add(sum, v->ip_src + skip, 16 - skip);
	sum = checksum_add(sum, v->ip_dst + skip, 16 - skip);
	sum = checksum_add(sum, frame + v->l4_offset, len);
	return checksum_fold(sum) == 0;
}

START_TEST(it_is_a_packet_to_the_group)
{
	uint8_t frame[TEST_FRAME_MAX];
	size_t len = make(_i, false, frame);
	struct test_frame got;
	struct eth_view v;
	struct group group;

	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	ck_assert(v.l3 == (_i ? ETH_L3_IPV6 : ETH_L3_IPV4));
	ck_assert_uint_eq(v.l3_end, len);
	ck_assert(udp_sums(&v, frame));
	if (_i == 0)
		ck_assert_uint_eq(
			checksum_fold(checksum_add(0, frame + v.l3_offset,
						   IPV4_HEADER_MIN)),
			0);
	/* Decided by its members, as an application's would be. */
	ck_assert(group_of_frame(&v, &group));
	ck_assert_mem_eq(group.ip, families[_i].group.ip, 16);
	ck_assert(test_frame_possible(&v, frame));
	ck_assert(test_frame_read(&v, frame, &got));
	ck_assert_mem_eq(got.group.ip, families[_i].group.ip, 16);
	ck_assert_uint_eq(got.sequence, 5);
	ck_assert_uint_eq(got.token, 0x0123456789abcdef);
}
END_TEST

START_TEST(or_to_one_host)
{
	uint8_t frame[TEST_FRAME_MAX];
	size_t len = make(_i, true, frame);
	struct test_frame got;
	struct eth_view v;

	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	ck_assert(!eth_is_group(v.dst));
	ck_assert(test_frame_possible(&v, frame));
	ck_assert(test_frame_read(&v, frame, &got));
}
END_TEST

/* Its bytes, one after the other, changed; and cut short. */
START_TEST(what_is_none_is_not_read)
{
	uint8_t frame[TEST_FRAME_MAX];
	size_t len = make(_i, false, frame);
	struct test_frame got;
	struct eth_view v;

	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	for (size_t i = 0; i < 4; i++) { /* the magic */
		uint8_t *at = frame + v.l4_offset + UDP_HEADER_LEN + i;

		*at ^= 1;
		ck_assert(!test_frame_read(&v, frame, &got));
		*at ^= 1;
	}
	frame[v.l4_offset + 3] ^= 1; /* the port */
	ck_assert(!test_frame_possible(&v, frame));
	frame[v.l4_offset + 3] ^= 1;
	for (size_t cut = ETH_HEADER_LEN; cut < len; cut++) {
		ck_assert_int_eq(eth_parse(&v, frame, cut), DROP_NONE);
		ck_assert(!test_frame_possible(&v, frame));
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("test_frame"),
	UNIT_EACH(it_is_a_packet_to_the_group, families),
	UNIT_EACH(or_to_one_host, families),
	UNIT_EACH(what_is_none_is_not_read, families),
};

UNIT_MAIN("test_frame", tests)
