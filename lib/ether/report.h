/* What a host says about its groups, in IGMP or MLD of any version. */
#ifndef TAPD_ETHER_REPORT_H
#define TAPD_ETHER_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "ether/eth.h"
#include "ether/group.h"

enum report_kind {
	REPORT_NONE,	/* neither IGMP nor MLD */
	REPORT_BAD,	/* malformed: to be flooded, and counted */
	REPORT_OTHER,	/* of a type that says nothing of groups: flood */
	REPORT_QUERY,	/* general, of a group, or of a group's sources */
	REPORT_MEMBERS, /* reports, leaves, dones: see report_next */
};

/*
 * Sources are ignored: a member that wants a group from some sources gets it from
 * all (RFC 4541, 2.2.3 lets a switch do so). So a group record says one of three
 * things.
 */
enum report_says {
	REPORT_WANTS,
	REPORT_LEAVES,
	/* BLOCK_OLD_SOURCES: the last source was left, or only one of many. */
	REPORT_UNSURE,
};

/* One message. The bytes it was parsed from are borrowed until report_next was
 * called for the last time. */
struct report {
	enum report_kind kind;
	bool v6;	 /* MLD */
	uint8_t version; /* IGMP 1 to 3, MLD 1 to 2 */
	uint16_t vlan;
	/* of a query; a general one's group is all zero but for the VLAN */
	bool has_source; /* the querier has an address: not a snooping switch */
	uint32_t response_ms;
	struct group group; /* also the only one of an old report */
	/* of a report */
	enum report_says says; /* what an old one says */
	uint16_t records;      /* group records left to read */
	struct cursor at;
};

struct group_record {
	struct group group;
	enum report_says says;
	/* A current-state record (RFC 3376, 4.2.12): sent only in answer to a
	 * query. Old reports do not tell an answer from a join. */
	bool current;
};

/* Reports with one group and no record types: IGMPv1, IGMPv2, MLDv1. */
bool report_is_old(const struct report *m);

/* The next group of a report; false at the end. Records of unknown type are
 * skipped (RFC 3376, 4.2.12). */
bool report_next(struct report *m, struct group_record *out);

/* ---- for igmp.c and mld.c ---- */

/* The multicast address at the cursor, as m's group; false if it is none. */
bool report_read_group(const struct report *m, struct cursor *c,
		       struct group *out);
/* Checks `count` group records of IGMPv3 or MLDv2 at the cursor and makes *m the
 * report that has them; false if they are malformed. */
bool report_take_records(struct report *m, const struct cursor *c,
			 uint16_t count);
/* A floating-point code of 8 or 16 bits: RFC 3376, 4.1.1; RFC 3810, 5.1.3. */
uint32_t report_decode(uint32_t code, unsigned int mantissa_bits);
/* The Ethernet header of a frame to a group, tagged unless its VLAN is 0. */
void report_put_ethernet(struct writer *w, const struct group *to,
			 const uint8_t src[ETH_ADDR_LEN], enum eth_type type);

#endif
