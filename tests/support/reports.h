/* IGMP and MLD for tests, as hosts and routers send them. */
#ifndef TAPD_TESTS_REPORTS_H
#define TAPD_TESTS_REPORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ether/group.h"
#include "ether/report.h"

#define REPORT_MAX	  2048
#define REPORT_GROUPS_MAX 180
#define REPORT_SENDER	  "\x02\0\0\0\0\x01"

/* A group from text. */
struct group group_parse(uint16_t vlan, const char *ip);

/* Record types of RFC 3376, 4.2.12. */
enum report_type {
	REPORT_ANSWER = 2, /* to a query */
	REPORT_LEAVE = 3,
	REPORT_JOIN = 4,
	REPORT_BLOCK = 6, /* of one source */
};

struct host_report {
	uint8_t mac[ETH_ADDR_LEN]; /* who sends it */
	uint32_t serial;	   /* no two frames are alike */
	/* How far its version is behind IGMPv3 and MLDv2. Old reports have one
	 * group, and no record type but that a leave is one. */
	unsigned int old;
	enum report_type says;
	/* all of one family and VLAN; at least one */
	size_t count;
	struct group groups[REPORT_GROUPS_MAX];
};

/* How many groups fit a frame of an MTU of 1500. */
size_t report_room(bool v6);
/* These return the frame's length. */
size_t report_build(uint8_t out[REPORT_MAX], const struct host_report *r);
/* The same from REPORT_SENDER. version: of IGMP, 1 to 3, or MLD, 1 to 2. */
size_t report_frame(uint8_t out[REPORT_MAX], unsigned int version,
		    enum report_type type, const struct group *groups,
		    size_t count);
/* A general query of a router; old: IGMPv2. */
size_t router_query_build(uint8_t out[REPORT_MAX],
			  const uint8_t mac[ETH_ADDR_LEN], uint16_t vlan,
			  bool v6, bool old, uint32_t serial);
/*
 * A frame from REPORT_SENDER to all who snoop around a message, which is given
 * in hex with whatever for its checksum: that is put right. vlan 0: untagged.
 */
size_t igmp_frame(uint8_t out[REPORT_MAX], uint16_t vlan, const char *hex);
size_t mld_frame(uint8_t out[REPORT_MAX], uint16_t vlan, const char *hex);
/* Puts the message's checksum right again. */
void igmp_repair(uint8_t *frame, size_t len);
void mld_repair(uint8_t *frame, size_t len);

#endif
