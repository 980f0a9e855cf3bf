/* IGMP and MLD as hosts and routers send it. */
#ifndef TAPD_SIM_REPORTS_H
#define TAPD_SIM_REPORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ether/group.h"

#define REPORT_GROUPS_MAX 180
#define REPORT_FRAME_MAX  1518

/* Record types of RFC 3376, 4.2.12. */
enum host_report_says {
	REPORT_ANSWER = 2,
	REPORT_LEAVE = 3,
	REPORT_JOIN = 4,
};

struct host_report {
	uint8_t mac[6];	 /* who sends it */
	uint32_t serial; /* no two frames are alike */
	bool old;	 /* IGMPv2, MLDv1: one group */
	enum host_report_says says;
	/* all of one family and VLAN; at least one */
	size_t count;
	struct group groups[REPORT_GROUPS_MAX];
};

/* How many fit a frame of an MTU of 1500. */
size_t report_room(bool v6);
/* Both return the frame's length. */
size_t report_build(uint8_t out[REPORT_FRAME_MAX], const struct host_report *r);
/* A general query of a router; old: IGMPv2. */
size_t router_query_build(uint8_t out[REPORT_FRAME_MAX], const uint8_t mac[6],
			  uint16_t vlan, bool v6, bool old, uint32_t serial);

#endif
