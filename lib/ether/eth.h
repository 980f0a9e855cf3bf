/* A bounded view of an Ethernet frame: MACs, VLAN, ethertype, L3, L4. */
#ifndef TAPD_ETHER_ETH_H
#define TAPD_ETHER_ETH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/drop.h"
#include "base/frame.h"
#include "base/inet.h"

#define ETH_ADDR_LEN   6
#define ETH_HEADER_LEN 14
#define ETH_TAG_LEN    4
/* Two tags (802.1ad) and the header, on top of the MTU. */
#define ETH_OVERHEAD_MAX (ETH_HEADER_LEN + 2 * ETH_TAG_LEN)

enum eth_type {
	ETH_TYPE_IPV4 = 0x0800,
	ETH_TYPE_ARP = 0x0806,
	ETH_TYPE_VLAN = 0x8100,
	ETH_TYPE_QINQ = 0x88a8,
	ETH_TYPE_IPV6 = 0x86dd,
};

enum eth_l3 { ETH_L3_OTHER, ETH_L3_IPV4, ETH_L3_IPV6 };

/*
 * Only fields that lie inside the frame are set; offsets are from its start.
 * The outermost tag names the VLAN (IEEE 802.1Q); priority-tagged frames are
 * VLAN 0.
 */
struct eth_view {
	uint8_t dst[ETH_ADDR_LEN];
	uint8_t src[ETH_ADDR_LEN];
	uint16_t vlan; /* VID of the outer tag, 0 if untagged */
	/* Ethertype after up to two tags; < 0x600: an 802.3 length. */
	uint16_t type;
	uint16_t l3_offset; /* what follows the ethertype */
	enum eth_l3 l3;	    /* OTHER also if the IP header is malformed */
	uint32_t l3_end;    /* end of the IP packet, padding excluded, or 0 */
	uint8_t ip_proto;   /* enum inet_proto, after IPv6 extension headers; 0
			     * if not known */
	/* 0 unless the L4 header's first byte lies inside the packet and this
	 * is not a later IP fragment. */
	uint16_t l4_offset;
	bool ip_fragment; /* any fragment, the first included */
	/* IPv6: the L4 header should be in this packet, and cannot be found:
	 * the headers before it are too many, malformed, or all that the first
	 * fragment holds (RFC 7112). Of L4 itself only ICMPv6 is missed. */
	bool l4_hidden;
	uint8_t ip_src[16]; /* IPv4 as v4-mapped; zero unless l3 is IP */
	uint8_t ip_dst[16];
};

/*
 * Reads the headers of a frame of len bytes. Malformed IP (a length or version
 * that cannot be) is no error: l3 is OTHER and the frame is still switched by
 * its MACs. Malformed IPv6 extension headers, or more than eight, leave only
 * ip_proto and l4_offset unknown.
 *
 * DROP_frame_short: under 14 bytes, or under 18 with a tag.
 * DROP_frame_bad_source: source MAC has the group bit set, or is all zero.
 * After a drop the view is zero but for the MACs of a bad source.
 */
enum drop_reason eth_parse(struct eth_view *v, const uint8_t *frame,
			   size_t len);

/*
 * The same for a GSO frame (ether/gso.h): the IP packet ends where the frame
 * ends, whatever its length says. It says 0 beyond 65,535 bytes, and a guest
 * behind the TAP may have put anything there; gso_next writes each segment's
 * own. l3_end may then be more than an IP packet's largest length.
 */
enum drop_reason eth_parse_gso(struct eth_view *v, const uint8_t *frame,
			       size_t len);

/*
 * Reads on behind a third tag and all that follow it, of a frame that eth_parse
 * took: the kernel takes off any number of those that name no VLAN. Nothing
 * changes if the type is no tag.
 */
void eth_skip_tags(struct eth_view *v, const uint8_t *frame, size_t len);
/* The same for a GSO frame, which eth_parse_gso took. */
void eth_skip_tags_gso(struct eth_view *v, const uint8_t *frame, size_t len);

/* The largest frame a TAP with this MTU may carry, tags included. */
size_t eth_frame_max(uint32_t mtu);

/* An ethertype that says that a VLAN tag follows. */
bool eth_is_tag(uint16_t type);

bool eth_is_group(const uint8_t mac[ETH_ADDR_LEN]);

/* IGMP in IPv4, or MLD (ICMPv6 130, 131, 132, 143) in IPv6. Such frames teach
 * the FDB nothing: a macvlan's report must not steal a VRRP master's MAC. */
bool eth_is_membership(const struct eth_view *v, const uint8_t *frame,
		       size_t len);

/* The UDP source and destination of an unfragmented IPv4 or IPv6 UDP packet; false,
 * and both zeroed, for anything else. The scope is always 0. */
bool eth_udp_addrs(const struct eth_view *v, const uint8_t *frame, size_t len,
		   struct addr *src, struct addr *dst);

/*
 * A partial checksum is a peer's input to our kernel: true only if start and
 * offset equal the parsed TCP (16) or UDP (6) header's of an unfragmented
 * packet and the checksum field lies inside the packet.
 */
bool eth_csum_valid(const struct eth_view *v, size_t len, uint16_t csum_start,
		    uint16_t csum_offset);

/*
 * Completes a partial checksum that eth_csum_valid let through, in place: for
 * readers of raw frames, which do not know that it is partial (DHCP on UDP 67 and
 * 68, captures), and for a TAP that takes no partial checksums. The field must
 * hold the pseudo-header's sum, which nobody can check. Costs a walk over the
 * payload.
 */
void eth_csum_complete(const struct eth_view *v, uint8_t *frame,
		       uint16_t csum_offset);

#endif
