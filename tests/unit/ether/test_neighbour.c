#include <check.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "ether/neighbour.h"
#include "support/main.h"

static const uint8_t mac[ETH_ADDR_LEN] = { 2, 0, 0, 0, 0, 7 };
static const uint8_t other_mac[ETH_ADDR_LEN] = { 2, 0, 0, 0, 0, 8 };
static const uint8_t v4[16] = { [10] = 0xff, 0xff, 10, 77, 0, 1 };
static const uint8_t other_v4[16] = { [10] = 0xff, 0xff, 10, 77, 0, 2 };
static const uint8_t v6[16] = { 0xfd, 0x77, [15] = 1 };
static const uint8_t other_v6[16] = { 0xfd, 0x77, [15] = 2 };
static const uint8_t unspecified[16];

static uint8_t frame[NEIGHBOUR_FRAME_MAX + 8];
static size_t len;

/* What the frame claims: an address, or NULL. */
static const uint8_t *claimed(void)
{
	static struct neighbour_claim claim;
	struct eth_view v;

	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	return neighbour_claims(&v, frame, len, &claim) ? claim.ip : NULL;
}

static void assert_claims(const uint8_t ip[16])
{
	const uint8_t *is = claimed();

	ck_assert_ptr_nonnull(is);
	ck_assert_mem_eq(is, ip, 16);
}

/* ---- what is announced ---- */

/* As arping(8) -U and Linux' arp_notify send it. */
START_TEST(ipv4_is_announced_by_a_gratuitous_request)
{
	static const uint8_t expected[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0,  7,	8, 6,
		0,    1,    8,	  0,	6,    4,    0, 1, 2, 0, 0,  0,	0, 7,
		10,   77,   0,	  1,	0,    0,    0, 0, 0, 0, 10, 77, 0, 1,
	};

	len = neighbour_announce(v4, mac, false, frame);
	ck_assert_uint_eq(len, sizeof(expected));
	ck_assert_mem_eq(frame, expected, len);
	assert_claims(v4);
}
END_TEST

START_TEST(ipv6_is_announced_by_an_overriding_advertisement)
{
	static const uint8_t to[] = { 0x33, 0x33, 0, 0, 0, 1 };
	static const uint8_t all[16] = { 0xff, 2, [15] = 1 };
	const uint8_t pseudo[] = { 0, 0, 0, 32, 0, 0, 0, 58 };
	struct eth_view v;
	uint64_t sum;

	len = neighbour_announce(v6, mac, _i, frame);
	ck_assert_uint_eq(len, NEIGHBOUR_FRAME_MAX);
	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	ck_assert_mem_eq(v.dst, to, sizeof(to));
	ck_assert_mem_eq(v.src, mac, sizeof(mac));
	ck_assert_mem_eq(v.ip_src, v6, 16);
	ck_assert_mem_eq(v.ip_dst, all, 16);
	ck_assert_uint_eq(frame[21], 255);
	ck_assert_uint_eq(v.ip_proto, 58);
	ck_assert_uint_eq(frame[54], 136);
	ck_assert_uint_eq(frame[58], _i ? 0xa0 : 0x20);
	ck_assert_mem_eq(frame + 62, v6, 16);
	ck_assert_uint_eq(frame[78], 2);
	ck_assert_uint_eq(frame[79], 1);
	ck_assert_mem_eq(frame + 80, mac, 6);
	sum = checksum_add(0, v6, 16);
	sum = checksum_add(sum, all, 16);
	sum = checksum_add(sum, pseudo, 8);
	ck_assert_uint_eq(checksum_fold(checksum_add(sum, frame + 54, 32)), 0);
	assert_claims(v6);
}
END_TEST

/* ---- what others say ---- */

static void make_arp(uint8_t operation, const uint8_t sender[16],
		     const uint8_t target[16])
{
	len = neighbour_announce(v4, mac, false, frame);
	frame[21] = operation;
	memcpy(frame + 28, sender + 12, 4);
	memcpy(frame + 38, target + 12, 4);
}

START_TEST(arp_claims_its_sender_and_a_probe_its_target)
{
	make_arp(1, v4, other_v4);
	assert_claims(v4);
	make_arp(2, v4, other_v4);
	assert_claims(v4);
	make_arp(1, other_v4, v4);
	assert_claims(other_v4);
	make_arp(1, unspecified, v4);
	assert_claims(v4);
	make_arp(2, unspecified, v4);
	ck_assert_ptr_null(claimed());
}
END_TEST

START_TEST(arp_claims_the_mac_inside_it)
{
	struct neighbour_claim claim;
	struct eth_view v;

	make_arp(2, v4, other_v4);
	memcpy(frame + 6, other_mac, 6);
	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	ck_assert(neighbour_claims(&v, frame, len, &claim));
	ck_assert_mem_eq(claim.mac, mac, 6);
}
END_TEST

START_TEST(what_is_not_of_ethernet_and_ipv4_claims_nothing)
{
	static const size_t at[] = { 15, 16, 18, 19 };

	make_arp(1, v4, v4);
	frame[at[_i]]++;
	ck_assert_ptr_null(claimed());
}
END_TEST

static void make_nd(uint8_t type, const uint8_t source[16],
		    const uint8_t target[16])
{
	len = neighbour_announce(v6, mac, false, frame);
	frame[54] = type;
	memcpy(frame + 22, source, 16);
	memcpy(frame + 62, target, 16);
}

START_TEST(solicitation_claims_its_source_or_what_it_probes)
{
	make_nd(135, v6, other_v6);
	assert_claims(v6);
	make_nd(135, unspecified, v6);
	assert_claims(v6);
	make_nd(136, other_v6, v6);
	assert_claims(v6);
	make_nd(134, v6, v6);
	ck_assert_ptr_null(claimed());
	make_nd(137, v6, v6);
	ck_assert_ptr_null(claimed());
}
END_TEST

START_TEST(nd_through_a_router_claims_nothing)
{
	make_nd(136, v6, v6);
	frame[21] = 254;
	ck_assert_ptr_null(claimed());
}
END_TEST

START_TEST(truncated_frames_claim_nothing)
{
	size_t whole;

	make_arp(1, v4, v4);
	for (whole = len; len > ETH_HEADER_LEN;) {
		len--;
		ck_assert_ptr_null(claimed());
	}
	ck_assert_uint_eq(whole, 42);
	make_nd(136, v6, v6);
	/* Without its option it says enough. */
	store_be16(frame + 18, 24);
	len = 78;
	assert_claims(v6);
	store_be16(frame + 18, 23);
	while (len > ETH_HEADER_LEN) {
		len--;
		if (len - 54 < 24)
			ck_assert_ptr_null(claimed());
	}
}
END_TEST

START_TEST(other_vlans_claim_nothing_here)
{
	make_arp(1, v4, v4);
	memmove(frame + 16, frame + 12, len - 12);
	len += 4;
	store_be16(frame + 12, ETH_TYPE_VLAN);
	store_be16(frame + 14, 0);
	assert_claims(v4);
	store_be16(frame + 14, 7);
	ck_assert_ptr_null(claimed());
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("neighbour"),
	UNIT_TEST(ipv4_is_announced_by_a_gratuitous_request),
	UNIT_LOOP(ipv6_is_announced_by_an_overriding_advertisement, 2),
	UNIT_TEST(arp_claims_its_sender_and_a_probe_its_target),
	UNIT_TEST(arp_claims_the_mac_inside_it),
	UNIT_LOOP(what_is_not_of_ethernet_and_ipv4_claims_nothing, 4),
	UNIT_TEST(solicitation_claims_its_source_or_what_it_probes),
	UNIT_TEST(nd_through_a_router_claims_nothing),
	UNIT_TEST(truncated_frames_claim_nothing),
	UNIT_TEST(other_vlans_claim_nothing_here),
};

UNIT_MAIN("neighbour", tests)
