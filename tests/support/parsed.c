/* For tests: a few real frames, and eth's parser under watch. */
#include "support/parsed.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/alloc.h"
#include "support/vectors.h"

const struct sample samples[SAMPLES] = {
	/* vrrp.pcap, the first: VRRPv2 by the virtual MAC of VRID 42 */
	{ "vrrp", "01005e000012 00005e00012a 0800"
		  "45000030 12340000 ff70bebc 0a00005b e0000012"
		  "212abf03 010af11f 0a042a01 0a042a02 0a042a03 61626364"
		  "65666768" },
	/* IGMP_V2.pcap, the first: a query with Ethernet padding */
	{ "igmp query", "01005e000001 001b11102611 0800"
			"4500001c 65510000 0102b2e3 c0a80102 e0000001"
			"1164ee9b 00000000"
			"000000000000 000000000000 000000000000" },
	/* IGMP_V2.pcap, the second: a report behind the router alert option */
	{ "igmp report", "01005e7ffffa 001c23aabead 0800"
			 "46000020 8c620000 0102e692 c0a80140 effffffa"
			 "94040000 1600fa04 effffffa" },
	/* 802.1ad_QinQ.pcap, the first: S-VID 200, C-VID 2001 */
	{ "qinq arp", "ffffffffffff 0020d25afb3f 88a800c8 810007d1 0806"
		      "00010800 06040001 0020d25afb3f ac154f61"
		      "000000000000 ac154f64"
		      "0000 00000000 00000000 00000000" },
	/* OSPFv3_broadcast_adjacency.pcap, the first: a hello */
	{ "ospfv3", "333300000005 c2001ffa0001 86dd"
		    "6e000000 00245901"
		    "fe800000000000000000000000000001"
		    "ff020000000000000000000000000005"
		    "03010024 01010101 00000001 fb860000 00000005"
		    "01000013 000a0028 00000000 00000000" },
	/* 802.1w_rapid_STP.pcap, the first */
	{ "rstp", "0180c2000000 001906eab88c 0027"
		  "424203 0000 02 02 0e 8001001906eab880 00000000"
		  "8001001906eab880 800c 0000 1400 0200 0f00"
		  "00 0000000000 00" },
	/* ptp_ethernet.pcap, the first */
	{ "ptp", "011b19000000 7483ef01ac5b 88f7"
		 "0002 002c 0000 0200 0000000000000000 00000000"
		 "7483efffff01ac16 0112 0000 00 00 00000000000000000000"
		 "0000" },
};

size_t sample_decode(uint8_t out[SAMPLE_MAX], const char *name)
{
	for (size_t i = 0; i < SAMPLES; i++)
		if (strcmp(samples[i].name, name) == 0)
			return hex_decode(out, SAMPLE_MAX, samples[i].hex);
	ck_abort_msg("no sample %s", name);
}

static bool all_zero(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

static bool view_is_sane(const struct eth_view *v, size_t len)
{
	if (v->vlan > 0xfff || v->l3_offset < 14 || v->l3_offset > 22 ||
	    v->l3_offset > len || v->l3_end > len)
		return false;
	if (v->l3 == ETH_L3_OTHER)
		return v->l3_end == 0 && v->ip_proto == 0 &&
		       v->l4_offset == 0 && !v->ip_fragment &&
		       all_zero(v->ip_src, 16) && all_zero(v->ip_dst, 16);
	if (v->l3_end < v->l3_offset + (v->l3 == ETH_L3_IPV4 ? 20u : 40u))
		return false;
	return v->l4_offset == 0 ||
	       (v->l4_offset > v->l3_offset && v->l4_offset < v->l3_end);
}

struct frame_parsed frame_parse(const uint8_t *frame, size_t len)
{
	struct frame_parsed p = { .len = len };
	uint8_t *copy = test_copy(frame, len);

	memset(&p.v, 0xaa, sizeof(p.v));
	p.reason = eth_parse(&p.v, copy, len);
	if (p.reason == DROP_NONE) {
		p.membership = eth_is_membership(&p.v, copy, len);
		p.udp = eth_udp_addrs(&p.v, copy, len, &p.udp_src, &p.udp_dst);
		if (p.udp && !eth_csum_valid(&p.v, len, p.v.l4_offset, 6))
			ck_abort_msg("UDP without room for its checksum");
		if (!view_is_sane(&p.v, len))
			ck_abort_msg("a view that breaks its contract");
	}
	free(copy);
	return p;
}

struct frame_parsed frame_parse_written(const struct writer *w)
{
	ck_assert(writer_ok(w));
	return frame_parse(w->start, w->len);
}

void frame_assert_ip(const uint8_t ip[16], const char *text)
{
	struct addr want, have = { .port = 1 };
	char buf[ADDR_STRLEN];

	ck_assert(addr_parse(&want, text, 1));
	memcpy(have.ip, ip, 16);
	ck_assert_msg(addr_equal(&want, &have), "%s, not %s",
		      addr_print_host(&have, buf), text);
}
