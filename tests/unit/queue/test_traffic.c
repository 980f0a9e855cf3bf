#include "queue/traffic.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/alloc.h"
#include "support/frames.h"
#include "support/main.h"
#include "support/rng.h"

#define CONTROL TRAFFIC_CONTROL
#define TCP	TRAFFIC_TCP
#define REST	TRAFFIC_REST

static const uint8_t key[SIPHASH_KEY_LEN] = { 4, 5, 6 };

enum ip { NO_IP, V4, V6 };

/* An IP packet, or a frame of another type, with these bytes behind its header. */
static const struct {
	const char *what;
	enum traffic_class class;
	enum ip ip;
	uint16_t proto; /* or the frame's type */
	uint8_t payload[44];
	size_t len; /* of the payload */
	bool membership;
} kinds[] = {
	{ "ARP", CONTROL, NO_IP, 0x0806, { 0, 1, 8, 0, 6, 4 }, 28, false },
	{ "LLDP", REST, NO_IP, 0x88cc, { 2 }, 40, false },
	{ "PPPoE", REST, NO_IP, 0x8864, { 0x11 }, 40, false },
	{ "MPLS", REST, NO_IP, 0x8847, { 0 }, 40, false },
	{ "a length: STP", REST, NO_IP, 38, { 0x42, 0x42, 3 }, 40, false },
	{ "TCP", TCP, V4, 6, { 1, 2, 3, 4, [12] = 0x50 }, 20, false },
	{ "TCP over IPv6", TCP, V6, 6, { 1, 2, 3, 4, [12] = 0x50 }, 20, false },
	{ "TCP cut short", REST, V4, 6, { 1, 2, 3, 4 }, 19, false },
	{ "TCP cut short in IPv6", REST, V6, 6, { 1, 2, 3, 4 }, 19, false },
	{ "TCP without a byte", REST, V4, 6, { 0 }, 0, false },
	{ "UDP", REST, V4, 17, { 1, 2, 3, 4 }, 20, false },
	{ "UDP over IPv6", REST, V6, 17, { 1, 2, 3, 4 }, 20, false },
	{ "BFD",
	  CONTROL,
	  V4,
	  17,
	  { 0xc0, 0, 3784 >> 8, 3784 & 255 },
	  32,
	  false },
	{ "BFD, echo",
	  CONTROL,
	  V6,
	  17,
	  { 0xc0, 0, 3785 >> 8, 3785 & 255 },
	  32,
	  false },
	{ "BFD, many hops",
	  CONTROL,
	  V4,
	  17,
	  { 0xc0, 0, 4784 >> 8, 4784 & 255 },
	  32,
	  false },
	{ "from BFD's port",
	  REST,
	  V4,
	  17,
	  { 3784 >> 8, 3784 & 255, 1, 2 },
	  32,
	  false },
	{ "BFD cut short",
	  REST,
	  V4,
	  17,
	  { 0xc0, 0, 3784 >> 8, 3784 & 255 },
	  7,
	  false },
	{ "VXLAN",
	  REST,
	  V4,
	  17,
	  { 0xc0, 0, 4789 >> 8, 4789 & 255 },
	  40,
	  false },
	{ "ping", REST, V4, 1, { 8 }, 40, false },
	{ "ping over IPv6", REST, V6, 58, { 128 }, 40, false },
	{ "router solicitation", CONTROL, V6, 58, { 133 }, 40, false },
	{ "router advertisement", CONTROL, V6, 58, { 134 }, 40, false },
	{ "neighbour solicitation", CONTROL, V6, 58, { 135 }, 40, false },
	{ "neighbour advertisement", CONTROL, V6, 58, { 136 }, 40, false },
	{ "redirect", CONTROL, V6, 58, { 137 }, 40, false },
	{ "ICMPv6 before them", REST, V6, 58, { 129 }, 40, false },
	{ "ICMPv6 behind them", REST, V6, 58, { 138 }, 40, false },
	{ "ICMPv6 in IPv4", REST, V4, 58, { 135 }, 40, false },
	{ "MLD query", CONTROL, V6, 58, { 130 }, 40, true },
	{ "MLD report", CONTROL, V6, 58, { 131 }, 40, true },
	{ "MLD done", CONTROL, V6, 58, { 132 }, 40, true },
	{ "MLDv2 report", CONTROL, V6, 58, { 143 }, 40, true },
	{ "IGMP query", CONTROL, V4, 2, { 0x11 }, 8, true },
	{ "IGMP report", CONTROL, V4, 2, { 0x22 }, 40, true },
	{ "IGMP in IPv6", REST, V6, 2, { 0x22 }, 40, false },
	{ "VRRP, CARP", CONTROL, V4, 112, { 0x21 }, 20, false },
	{ "VRRP over IPv6", CONTROL, V6, 112, { 0x31 }, 20, false },
	{ "OSPF", CONTROL, V4, 89, { 2 }, 40, false },
	{ "OSPFv3", CONTROL, V6, 89, { 3 }, 40, false },
	{ "PIM", CONTROL, V4, 103, { 0x20 }, 40, false },
	{ "GRE around TCP",
	  REST,
	  V4,
	  47,
	  { 0, 0, 8, 0, 0x45, [13] = 6 },
	  44,
	  false },
	{ "IPv4 in IPv4", REST, V4, 4, { 0x45, [9] = 6 }, 40, false },
	{ "IPv6 in IPv4", REST, V4, 41, { 0x60, [6] = 6 }, 44, false },
	{ "ESP", REST, V4, 50, { 1 }, 40, false },
	{ "AH around TCP in IPv4", REST, V4, 51, { 6 }, 40, false },
	{ "SCTP", REST, V4, 132, { 1 }, 40, false },
	{ "hop-by-hop, then MLD",
	  CONTROL,
	  V6,
	  0,
	  { 58, 0, 5, 2, 0, 0, 1, 0, 143 },
	  28,
	  true },
	{ "destination options, then TCP",
	  TCP,
	  V6,
	  60,
	  { 6, 0, 1, 4, [20] = 0x50 },
	  28,
	  false },
	{ "first fragment of TCP",
	  REST,
	  V6,
	  44,
	  { 6, 0, 0, 1, [20] = 0x50 },
	  28,
	  false },
	{ "later fragment of TCP", REST, V6, 44, { 6, 0, 0, 9 }, 28, false },
	{ "atomic fragment of TCP",
	  REST,
	  V6,
	  44,
	  { 6, 0, 0, 0, [20] = 0x50 },
	  28,
	  false },
	{ "no next header", REST, V6, 59, { 0 }, 28, false },
};

static uint8_t frame[1600];

static size_t build(unsigned n, unsigned tags)
{
	struct writer w = writer_init(frame, sizeof(frame));
	const uint16_t type = kinds[n].ip == V4	  ? 0x0800
			      : kinds[n].ip == V6 ? 0x86dd
						  : kinds[n].proto;
	uint8_t macs[] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };

	writer_bytes(&w, macs, sizeof(macs));
	for (unsigned i = 0; i < tags; i++) {
		writer_u16(&w, i + 1 < tags ? 0x88a8 : 0x8100);
		writer_u16(&w, (uint16_t)(7 + i));
	}
	writer_u16(&w, type);
	if (kinds[n].ip == V4)
		put_ipv4(&w, (uint8_t)kinds[n].proto, kinds[n].len);
	else if (kinds[n].ip == V6)
		put_ipv6(&w, (uint8_t)kinds[n].proto, kinds[n].len);
	writer_bytes(&w, kinds[n].payload, kinds[n].len);
	ck_assert(writer_ok(&w));
	return w.len;
}

static struct traffic look(size_t len, bool gso)
{
	uint8_t *copy = test_copy(frame, len);
	struct traffic t;

	traffic_of(&t, copy, len, gso, key);
	free(copy);
	return t;
}

START_TEST(each_kind_is_in_its_class)
{
	for (unsigned tags = 0; tags < 4; tags++) {
		struct traffic t = look(build((unsigned)_i, tags), false);
		/* Nobody looks behind a third tag. */
		enum traffic_class class = tags < 3 ? kinds[_i].class : REST;

		ck_assert_msg(t.class == class, "%s, %u tags: %d",
			      kinds[_i].what, tags, t.class);
		ck_assert_int_eq(t.membership,
				 tags < 3 && kinds[_i].membership);
		ck_assert(!t.group);
		frame[0] = 3;
		ck_assert(look(build((unsigned)_i, tags), false).class ==
			  class);
	}
}
END_TEST

START_TEST(group_address_is_noticed)
{
	size_t len = build((unsigned)_i, 0);

	frame[0] = 3;
	ck_assert(look(len, false).group);
	memset(frame, 0xff, 6);
	ck_assert(look(len, false).group);
}
END_TEST

/* What is many frames in one is no control, whatever it says. */
START_TEST(gso_frame_is_no_control)
{
	struct traffic t = look(build((unsigned)_i, 0), true);

	ck_assert_int_ne(t.class, CONTROL);
	if (kinds[_i].class == TCP)
		ck_assert_int_eq(t.class, TCP);
}
END_TEST

START_TEST(fragment_is_never_tcp)
{
	static const uint16_t fragments[] = { 0x2000, 0x0001, 0x2001, 0x3fff };

	for (unsigned n = 0; n < UNIT_COUNT(kinds); n++)
		for (unsigned i = 0; i < UNIT_COUNT(fragments); i++) {
			size_t len = build(n, 0);

			if (kinds[n].ip != V4)
				continue;
			store_be16(frame + 20, fragments[i]);
			ck_assert_int_ne(look(len, false).class, TCP);
		}
}
END_TEST

/* All fragments of a packet keep their order, and so do they among the others: none
 * of a packet of REST is control. */
START_TEST(fragments_of_a_packet_are_of_one_class)
{
	for (unsigned n = 0; n < UNIT_COUNT(kinds); n++) {
		size_t len = build(n, 0);
		enum traffic_class first, later;

		if (kinds[n].ip != V4 || kinds[n].len < 8)
			continue;
		store_be16(frame + 20, 0x2000);
		first = look(len, false).class;
		store_be16(frame + 20, 0x0009);
		later = look(len, false).class;
		ck_assert_msg(first == later, "%s: %d, %d", kinds[n].what,
			      first, later);
	}
}
END_TEST

START_TEST(any_cut_and_any_change_is_read_in_bounds)
{
	struct rng r = rng_init((uint64_t)_i);

	for (size_t len = build((unsigned)_i, 1) + 1; len-- > 0;) {
		struct traffic t = look(len, false);

		if (len < 18) {
			ck_assert_int_eq(t.class, REST);
			ck_assert(!t.group && !t.membership);
		}
	}
	for (int i = 0; i < 500; i++) {
		size_t len = build((unsigned)_i, (unsigned)rng_below(&r, 4));

		for (uint64_t n = 1 + rng_below(&r, 4); n > 0; n--)
			frame[rng_below(&r, len)] = (uint8_t)rng_u64(&r);
		(void)look(rng_below(&r, len + 1), rng_chance(&r, 0.5));
	}
}
END_TEST

START_TEST(bad_source_is_rest)
{
	size_t len = build(0, 0);

	frame[6] = 1;
	ck_assert_int_eq(look(len, false).class, REST);
	memset(frame + 6, 0, 6);
	ck_assert_int_eq(look(len, false).class, REST);
}
END_TEST

/* ---- flows ---- */

static uint32_t hash_with(size_t len, size_t at, uint8_t byte)
{
	const uint8_t was = frame[at];
	uint32_t hash;

	frame[at] = byte;
	hash = look(len, false).hash;
	frame[at] = was;
	return hash;
}

START_TEST(flow_is_addresses_protocol_and_ports)
{
	size_t len = build(5, 1); /* TCP, one tag */
	const uint32_t hash = look(len, false).hash;
	const size_t ip = 18, tcp = 38;
	const size_t differ[] = { 15,	   ip + 15, ip + 19, tcp,
				  tcp + 1, tcp + 2, tcp + 3 };
	const size_t same[] = { 3,	8,	 14,	   ip + 1,  ip + 5,
				ip + 8, tcp + 7, tcp + 11, tcp + 15 };

	for (size_t i = 0; i < UNIT_COUNT(differ); i++)
		ck_assert_uint_ne(hash_with(len, differ[i], 0x3c), hash);
	for (size_t i = 0; i < UNIT_COUNT(same); i++)
		ck_assert_uint_eq(hash_with(len, same[i], 0x10), hash);
}
END_TEST

/* The ports are in the first alone: they are not looked at. */
START_TEST(fragments_are_one_flow)
{
	size_t len = build(10, 0); /* UDP */
	uint32_t hash;

	store_be16(frame + 20, 0x2000);
	hash = look(len, false).hash;
	store_be16(frame + 20, 0x0009);
	ck_assert_uint_eq(look(len, false).hash, hash);
	store_be16(frame + 20, 0x2000);
	ck_assert_uint_eq(hash_with(len, 34, 0x55), hash);
}
END_TEST

START_TEST(nobody_knows_the_hash)
{
	const uint8_t other[SIPHASH_KEY_LEN] = { 4, 5, 7 };
	size_t len = build(5, 0);
	struct traffic a, b;

	traffic_of(&a, frame, len, false, key);
	traffic_of(&b, frame, len, false, other);
	ck_assert_uint_ne(a.hash, b.hash);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("classes"),
	UNIT_EACH(each_kind_is_in_its_class, kinds),
	UNIT_EACH(group_address_is_noticed, kinds),
	UNIT_EACH(gso_frame_is_no_control, kinds),
	UNIT_TEST(fragment_is_never_tcp),
	UNIT_TEST(fragments_of_a_packet_are_of_one_class),
	UNIT_EACH(any_cut_and_any_change_is_read_in_bounds, kinds),
	UNIT_TEST(bad_source_is_rest),
	UNIT_CASE("flows"),
	UNIT_TEST(flow_is_addresses_protocol_and_ports),
	UNIT_TEST(fragments_are_one_flow),
	UNIT_TEST(nobody_knows_the_hash),
};

UNIT_MAIN("traffic", tests)
