#include <check.h>
#include <string.h>

#include "ether/group.h"
#include "support/group_equal.h"
#include "support/main.h"
#include "support/parsed.h"
#include "support/reports.h"

START_TEST(v4_groups_are_v4_mapped)
{
	struct group g = group_v4(7, 0xef010203);
	const struct group parsed = group_parse(0, "239.1.2.3");

	ck_assert(group_is_v4(&g));
	ck_assert_uint_eq(g.vlan, 7);
	frame_assert_ip(g.ip, "239.1.2.3");
	g.vlan = 0;
	ck_assert(group_equal(&g, &parsed));
	g = group_parse(0, "ff0e::1");
	ck_assert(!group_is_v4(&g));
}
END_TEST

static const struct {
	const char *ip;
	bool for_all;
	uint8_t mac[ETH_ADDR_LEN];
} known[] = {
	{ "224.0.0.1", true, { 1, 0, 0x5e, 0, 0, 1 } },
	{ "224.0.0.255", true, { 1, 0, 0x5e, 0, 0, 0xff } },
	{ "224.0.1.0", false, { 1, 0, 0x5e, 0, 1, 0 } },
	{ "225.0.0.50", false, { 1, 0, 0x5e, 0, 0, 50 } },
	{ "239.255.255.250", false, { 1, 0, 0x5e, 0x7f, 0xff, 0xfa } },
	{ "239.127.255.250", false, { 1, 0, 0x5e, 0x7f, 0xff, 0xfa } },
	{ "232.1.1.1", false, { 1, 0, 0x5e, 1, 1, 1 } },
	{ "ff02::fb", true, { 0x33, 0x33, 0, 0, 0, 0xfb } },
	{ "ff02::1:ff12:3456", true, { 0x33, 0x33, 0xff, 0x12, 0x34, 0x56 } },
	/* node-local and reserved scope: nobody reports them */
	{ "ff01::1", true, { 0x33, 0x33, 0, 0, 0, 1 } },
	{ "ff00::1", true, { 0x33, 0x33, 0, 0, 0, 1 } },
	{ "ff11::1", true, { 0x33, 0x33, 0, 0, 0, 1 } },
	{ "ff12::7", false, { 0x33, 0x33, 0, 0, 0, 7 } },
	{ "ff05::2", false, { 0x33, 0x33, 0, 0, 0, 2 } },
	{ "ff3e::8000:1", false, { 0x33, 0x33, 0x80, 0, 0, 1 } },
};

START_TEST(each_group_has_its_mac_and_who_it_is_for)
{
	struct group g = group_parse(0, known[_i].ip);
	uint8_t mac[ETH_ADDR_LEN];

	group_mac(&g, mac);
	ck_assert_mem_eq(mac, known[_i].mac, ETH_ADDR_LEN);
	ck_assert_int_eq(group_is_for_all(&g), known[_i].for_all);
}
END_TEST

static struct eth_view view_to(const char *ip)
{
	struct group g = group_parse(0, ip);
	struct eth_view v = {
		.vlan = 5,
		.l3 = group_is_v4(&g) ? ETH_L3_IPV4 : ETH_L3_IPV6,
	};

	memcpy(v.ip_dst, g.ip, sizeof(v.ip_dst));
	group_mac(&g, v.dst);
	return v;
}

START_TEST(frame_is_for_its_group_unless_for_all)
{
	struct eth_view v = view_to(known[_i].ip);
	struct group g, want = group_parse(0, known[_i].ip);

	want.vlan = 5;
	ck_assert_int_eq(group_of_frame(&v, &g), !known[_i].for_all);
	if (known[_i].for_all)
		want = (struct group){ 0 };
	ck_assert(group_equal(&g, &want));
}
END_TEST

START_TEST(broadcast_mac_is_for_all_whatever_the_ip)
{
	struct eth_view v = view_to("239.1.2.3");
	struct group g;

	memset(v.dst, 0xff, sizeof(v.dst));
	ck_assert(!group_of_frame(&v, &g));
}
END_TEST

START_TEST(mac_of_another_group_is_for_all)
{
	struct eth_view v = view_to("239.1.2.3");
	struct group g;

	v.dst[5] = 4;
	ck_assert(!group_of_frame(&v, &g));
}
END_TEST

START_TEST(unicast_ip_behind_a_group_mac_is_for_all)
{
	struct eth_view v = view_to("239.1.2.3");
	struct group g;

	v.ip_dst[12] = 10;
	ck_assert(!group_of_frame(&v, &g));
}
END_TEST

/* 16 bytes that are an IPv4 group's elsewhere, in an IPv6 header. */
START_TEST(v6_packet_to_a_v4_mapped_group_is_for_all)
{
	struct eth_view v = view_to("239.1.2.3");
	struct group g;

	v.l3 = ETH_L3_IPV6;
	ck_assert(!group_of_frame(&v, &g));
	v.l3 = ETH_L3_OTHER;
	ck_assert(!group_of_frame(&v, &g));
}
END_TEST

START_TEST(no_sample_frame_is_mistaken)
{
	uint8_t frame[SAMPLE_MAX];
	struct eth_view v;
	struct group g;
	size_t len;

	for (size_t i = 0; i < SAMPLES; i++) {
		len = sample_decode(frame, samples[i].name);
		ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
		/* All but one are for all: 239.255.255.250's report. */
		ck_assert_int_eq(group_of_frame(&v, &g),
				 strcmp(samples[i].name, "igmp report") == 0);
	}
}
END_TEST

START_TEST(a_vlan_is_named_by_no_address)
{
	struct group g = group_of_vlan(7);

	ck_assert(group_is_vlan(&g));
	ck_assert_uint_eq(g.vlan, 7);
	frame_assert_ip(g.ip, "0.0.0.0");
	g = group_parse(7, "239.1.2.3");
	ck_assert(!group_is_vlan(&g));
	g = group_parse(7, "::");
	ck_assert(!group_is_vlan(&g));
	g = group_parse(7, "ff0e::1");
	ck_assert(!group_is_vlan(&g));
}
END_TEST

static const struct {
	uint16_t vlan;
	const char *ip;
	bool valid;
} declared[] = {
	{ 0, "239.1.2.3", true },
	{ 0, "224.0.0.0", true },
	{ 4095, "239.255.255.255", true },
	{ 0, "ff00::", true },
	{ 4095, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true },
	{ 0, "0.0.0.0", true },
	{ 4095, "0.0.0.0", true },
	{ 4096, "239.1.2.3", false },
	{ 65535, "ff0e::1", false },
	{ 4096, "0.0.0.0", false },
	{ 0, "0.0.0.1", false },
	{ 0, "223.255.255.255", false },
	{ 0, "240.0.0.0", false },
	{ 0, "255.255.255.255", false },
	{ 0, "10.77.0.1", false },
	{ 0, "::", false },
	{ 0, "::1", false },
	{ 0, "fe80::1", false },
	{ 0, "feff::1", false },
};

START_TEST(what_is_no_group_and_no_vlan_is_not_valid)
{
	const struct group g = group_parse(declared[_i].vlan, declared[_i].ip);

	ck_assert_int_eq(group_is_valid(&g), declared[_i].valid);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_TEST(v4_groups_are_v4_mapped),
	UNIT_EACH(each_group_has_its_mac_and_who_it_is_for, known),
	UNIT_EACH(frame_is_for_its_group_unless_for_all, known),
	UNIT_TEST(broadcast_mac_is_for_all_whatever_the_ip),
	UNIT_TEST(mac_of_another_group_is_for_all),
	UNIT_TEST(unicast_ip_behind_a_group_mac_is_for_all),
	UNIT_TEST(v6_packet_to_a_v4_mapped_group_is_for_all),
	UNIT_TEST(no_sample_frame_is_mistaken),
	UNIT_TEST(a_vlan_is_named_by_no_address),
	UNIT_EACH(what_is_no_group_and_no_vlan_is_not_valid, declared),
};

UNIT_MAIN("group", tests)
