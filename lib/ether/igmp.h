/* IGMP, which speaks of IPv4 groups: RFC 1112, RFC 2236, RFC 3376. */
#ifndef TAPD_ETHER_IGMP_H
#define TAPD_ETHER_IGMP_H

#include "ether/report.h"

/*
 * As snoop_parse, for frames with an IPv4 header. BAD: a fragment, a wrong
 * checksum, an impossible length, a group that is none. TTL and router alert are
 * ignored: many hosts set neither, and their members count too.
 */
enum report_kind igmp_parse(struct report *m, const struct eth_view *v,
			    const uint8_t *frame, size_t len);

/* An IGMPv3 query as a frame, with a tag. */
#define IGMP_QUERY_MAX (ETH_HEADER_LEN + ETH_TAG_LEN + 24 + 12)

/*
 * Writes an IGMPv3 query from 0.0.0.0 and this MAC, tagged unless its VLAN is 0;
 * about all groups if group->ip is zero. response_ms: up to 12,700, counted in
 * tenths of a second. Returns the frame's length.
 */
size_t igmp_build_query(uint8_t out[IGMP_QUERY_MAX], const struct group *group,
			uint32_t response_ms, const uint8_t mac[ETH_ADDR_LEN]);

#endif
