/* Snooping: what a frame says about multicast groups, be it IGMP or MLD. */
#ifndef TAPD_ETHER_SNOOP_H
#define TAPD_ETHER_SNOOP_H

#include "ether/report.h"

/*
 * Parses a frame for which eth_is_membership is true. *m is zeroed but for its kind
 * if that is NONE, BAD or OTHER. A message that is not BAD was read to its end, so
 * report_next cannot fail half-way.
 */
enum report_kind snoop_parse(struct report *m, const struct eth_view *v,
			     const uint8_t *frame, size_t len);

#endif
