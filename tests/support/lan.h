/* A querier on a virtual clock, and what hosts say to it: for tests. */
#ifndef TAPD_TESTS_LAN_H
#define TAPD_TESTS_LAN_H

#include "bridge/querier.h"
#include "support/reports.h"

#define LAN_START      (1000 * CLOCK_S)
#define LAN_GROUPS_MAX 8
#define LAN_LOG_MAX    4096

/* Hosts, by the last byte of their MAC. */
enum { HOST = 1, MACVLAN = 2, OTHER = 3 };

/* The one under test; what it asked and what it told since a test last reset the
 * counts. */
extern struct lan {
	struct querier *q;
	uint64_t now;
	struct querier_query queries[LAN_LOG_MAX];
	size_t queries_count;
	unsigned int changes;
	unsigned int vlans_known, vlans_forgotten;
	struct group last_changed;
	bool last_wanted;
	struct group g1, g2; /* 239.1.1.1 and 2 */
	struct group g6;     /* ff0e::1:1 */
	struct group mdns;   /* 224.0.0.251 */
} lan;

/* Checked fixture; lan_setup_big has room for QUERIER_GROUPS. */
void lan_setup(void);
void lan_setup_big(void);
void lan_teardown(void);

/* On by that much, or to that long after the start, with every tick on time. */
void advance(uint64_t us);
void advance_to(uint64_t us);
/* Through the start's two queries, which nobody answers. */
void start(void);
/* … and then HOST joins the group. */
void start_joined(const struct group *group);
/* To 5 s after the next general query; and 10 s on, when it is over. */
void next_general_query(void);
void end_general_query(void);
/* Both, and between them this host says that, with say. */
void general_query(uint8_t host, enum report_type type,
		   const struct group *group);

/* A report of IGMPv3 or MLDv2; of IGMPv2 or MLDv1; of any version. */
void say(uint8_t host, enum report_type type, const struct group *group);
void say_old(uint8_t host, enum report_type type, const struct group *group);
bool say_all(uint8_t host, unsigned int version, enum report_type type,
	     const struct group *groups, size_t count);
/* An answer that says nothing but that it is one. */
void answer(uint8_t host);

/* True if this is the one reason to want all. */
bool wants_all_for(enum querier_reason reason);
/* Fails the test unless these two queries are general ones. */
void assert_queries(size_t from, uint16_t vlan, uint32_t response_ms);

#endif
