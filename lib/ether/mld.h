/* MLD, which speaks of IPv6 groups: RFC 2710, RFC 3810. */
#ifndef TAPD_ETHER_MLD_H
#define TAPD_ETHER_MLD_H

#include "ether/report.h"

/*
 * As snoop_parse, for frames with an IPv6 header. BAD: a fragment, a wrong
 * checksum, an impossible length, a group that is none; and a query that no host
 * would answer, since it is not from a link-local address, with hop limit 1 and
 * behind a hop-by-hop header (RFC 3810, 6.2): its sender is no router.
 * Reports may come from anywhere: the first ones of a host come from "::".
 */
enum report_kind mld_parse(struct report *m, const struct eth_view *v,
			   const uint8_t *frame, size_t len);

/* An MLDv2 query as a frame, with a tag. */
#define MLD_QUERY_MAX (ETH_HEADER_LEN + ETH_TAG_LEN + IPV6_HEADER_LEN + 8 + 28)

/*
 * Writes an MLDv2 query from this MAC and its link-local address, tagged unless
 * its VLAN is 0; about all groups if group->ip is zero. response_ms: up to
 * 32,767. Returns the frame's length.
 */
size_t mld_build_query(uint8_t out[MLD_QUERY_MAX], const struct group *group,
		       uint32_t response_ms, const uint8_t mac[ETH_ADDR_LEN]);

#endif
