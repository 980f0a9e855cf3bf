/* A multicast group in a VLAN: the key of every table about membership. */
#ifndef TAPD_ETHER_GROUP_H
#define TAPD_ETHER_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "ether/eth.h"

/*
 * IPv4 groups are v4-mapped. There is no padding, so the struct itself is a
 * table key of GROUP_LEN bytes, and equal groups are equal bytes.
 */
struct group {
	uint16_t vlan; /* VID of the outer tag, 0 if untagged */
	uint8_t ip[16];
};

#define GROUP_LEN sizeof(struct group)
_Static_assert(GROUP_LEN == 18, "a table key has no padding");

/* 0xef010203 is 239.1.2.3. */
struct group group_v4(uint16_t vlan, uint32_t ip);
/* No group but the VLAN itself: 0.0.0.0. */
struct group group_of_vlan(uint16_t vlan);
bool group_is_vlan(const struct group *g);
/* A multicast address in a valid VLAN; or a VLAN. */
bool group_is_valid(const struct group *g);
bool group_is_v4(const struct group *g);

/*
 * Groups that go to all whoever joined: 224.0.0.0/24 and ff02::/16 (RFC 4541,
 * sections 2.1.2 and 3), and ff?0::/16 and ff?1::/16, which hosts never report
 * (RFC 3810, section 6).
 */
bool group_is_for_all(const struct group *g);

/* The MAC that the group's frames go to: RFC 1112, 6.4; RFC 2464, 7. */
void group_mac(const struct group *g, uint8_t mac[ETH_ADDR_LEN]);
/* True if an interface may accept this MAC without a group having been reported:
 * it is no group's MAC, or one of a common group for all, such as mDNS's or
 * VRRP's. 31 other IPv4 groups share each of these, and are rarely used. */
bool group_mac_is_for_all(const uint8_t mac[ETH_ADDR_LEN]);

/*
 * The group whose members a frame is for. False, and *g zeroed, if it is for
 * everybody instead: broadcast, not IP, malformed IP, a group that
 * group_is_for_all, or an IP destination that does not belong to the MAC, since a
 * host that accepts that MAC alone has reported no group.
 */
bool group_of_frame(const struct eth_view *v, struct group *g);

#endif
