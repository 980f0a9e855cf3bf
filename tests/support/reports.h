/* IGMP and MLD for tests: frames around messages, and the parser under watch. */
#ifndef TAPD_TESTS_REPORTS_H
#define TAPD_TESTS_REPORTS_H

#include <stddef.h>
#include <stdint.h>

#include "ether/report.h"

#define REPORT_MAX    2048
#define RECORDS_MAX   128
#define REPORT_SENDER "\x02\0\0\0\0\x01"

/* A group from text, for tests. */
struct group group_parse(uint16_t vlan, const char *ip);

/*
 * A frame from REPORT_SENDER around a message, which is given in hex with
 * whatever for its checksum: that is put right. IGMP comes from 10.77.0.1 with
 * the router alert option, MLD from fe80::1 behind a hop-by-hop header. vlan 0:
 * untagged. Returns its length.
 */
size_t igmp_frame(uint8_t out[REPORT_MAX], uint16_t vlan, const char *hex);
size_t mld_frame(uint8_t out[REPORT_MAX], uint16_t vlan, const char *hex);
/* A report about groups of one VLAN and family: IGMPv1 to 3, MLDv1 to 2. type:
 * the record type of RFC 3376, 4.2.12; old versions have one group, and leave it
 * if that is REPORT_TO_NONE. Returns its length. */
enum report_type {
	REPORT_IS_ALL = 2,  /* the answer to a query */
	REPORT_TO_NONE = 3, /* a leave */
	REPORT_TO_ALL = 4,  /* a join */
	REPORT_BLOCK = 6,   /* of one source */
};
size_t report_frame(uint8_t out[REPORT_MAX], unsigned int version,
		    enum report_type type, const struct group *groups,
		    size_t count);
/* Puts the message's checksum right again. */
void igmp_repair(uint8_t *frame, size_t len);
void mld_repair(uint8_t *frame, size_t len);

/* What snoop_parse and report_next say of a frame; it is held to the
 * header's contract. They get a heap copy of exactly its length, so that
 * AddressSanitizer sees the first byte read past the end. */
struct heard {
	struct report m;
	struct group_record records[RECORDS_MAX];
	size_t count;
};

struct heard hear(const uint8_t *frame, size_t len);
struct heard hear_igmp(const char *hex);
struct heard hear_mld(const char *hex);
/* Fails the test unless record i is of this group and says this. */
void heard_assert(const struct heard *h, size_t i, const char *ip,
		  enum report_says says, bool current);

#endif
