/* Local membership: which groups are wanted on our side of the TAP. */
#ifndef TAPD_BRIDGE_QUERIER_H
#define TAPD_BRIDGE_QUERIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/table.h"
#include "ether/igmp.h"
#include "ether/mld.h"
#include "ether/report.h"

/*
 * A host reports a group when it joins, and then says nothing until asked. So
 * the querier asks: it writes IGMPv3 and MLDv2 queries into the TAP and hears
 * the answers, which never leave the host. It fails open. The set it keeps may
 * have a group too many and, while querier_want_all says nothing, none too few:
 *
 * - At the start, in a new VLAN, and when the TAP dropped frames, it sends two
 *   startup queries a second apart, and all is wanted until the time to answer
 *   them has passed with nothing dropped. Then it sends a general query every
 *   125 s, and startup queries again soon after a new reporter appears.
 * - A group is wanted while it has members. A member is removed only when it
 *   answers a general query without the group: silence, as behind a firewall,
 *   keeps what is known, and querier_silent warns of it once it was asked again,
 *   unless all who are silent may have left unheard, while the TAP was down.
 * - When a member leaves, two last-member queries about the group are sent, a
 *   second apart. If nobody answers, that member is removed, and so are those
 *   that answered the last general query. Members that never answer stay. A group
 *   that goes to all is not asked about: who leaves it is removed.
 * - When the TAP goes down before that, who leaves may join again unheard. So the
 *   startup queries that follow decide: a member that answered the last general
 *   query before, and not these, is removed. Members that never answer stay.
 * - A tick that is late (a stopped process, a long queue) may have left answers
 *   unread: the queries are sent again instead.
 *
 * Time is an argument and grows. The callbacks may not call the querier.
 */
struct querier;

/* The source of our queries: locally administered, never on the network. A
 * frame read from the TAP that has it is our own, and to be dropped. */
extern const uint8_t querier_mac[ETH_ADDR_LEN];

#define QUERIER_GROUPS	  10000
#define QUERIER_REPORTERS 1024
#define QUERIER_VLANS_MAX 64 /* and the untagged frames' */

struct querier_config {
	uint32_t groups_max; /* QUERIER_GROUPS is usual */
	uint32_t
		reporters_max; /* QUERIER_REPORTERS: MACs, twice if they speak both */
};

/* To be written into the TAP: about one group, or all if its ip is zero. */
struct querier_query {
	bool v6;
	struct group group;
	uint32_t response_ms;
};

struct querier_ops {
	/* Only from querier_tick. */
	void (*query)(void *user, const struct querier_query *query);
	/* The first on our side wants the group, or the last one left it. Never
	 * for a group that is for all. */
	void (*changed)(void *user, const struct group *group, bool wanted);
	/* A VLAN (not 0) was asked for the first time: what is known of it is
	 * complete, apart from what querier_want_all says. Or it is no longer
	 * known, for it was not seen for long; its groups go after it. */
	void (*vlan_known)(void *user, uint16_t vlan, bool known);
};

/* NULL if memory is short. It asks nothing before querier_start. */
struct querier *querier_new(const struct querier_config *config,
			    const struct querier_ops *ops, void *user,
			    const uint8_t seed[TABLE_SEED_LEN]);
void querier_free(struct querier *q);

/* ---- what happened ---- */

/* The TAP is up (again): all are asked, and the first set is complete after
 * 2.25 s. What was known is kept. */
void querier_start(struct querier *q, uint64_t now_us);
/* It is down: nothing can be asked, and all is wanted until querier_start. A leave
 * under way is taken back: see above. */
void querier_stop(struct querier *q);
/* The kernel dropped frames on their way to us (tx_dropped grew): reports may
 * have been among them. */
void querier_dropped(struct querier *q, uint64_t now_us);
/* A frame of this VLAN came from our side: what others send names none, for they
 * could name them all. True if the VLAN was not known: what is wanted may have
 * changed. One not seen for five minutes is forgotten. Cheap for those that are
 * known: call it for each frame. */
bool querier_saw_vlan(struct querier *q, uint16_t vlan, uint64_t now_us);
/* Somebody new may be on our side, in a VLAN that is known: it is asked in two seconds. A
 * new reporter needs no such word. */
void querier_ask_soon(struct querier *q, uint16_t vlan, uint64_t now_us);
/* A report read from the TAP, and its source MAC. False if something in it found
 * no room: to be counted; all is wanted until it does. */
bool querier_report(struct querier *q, const struct report *report,
		    const uint8_t mac[ETH_ADDR_LEN], uint64_t now_us);
/*
 * The MACs that the TAP's interface accepts (/proc/net/dev_mcast), one after the
 * other, if they can be known: call it once a second. A MAC that no known group
 * explains has a member whose report nobody heard, as when a host behind a firewall
 * joined before we came: all is wanted from the second call that finds it. In
 * 224.0.0.0/24 and ff02::/16, groups in common use need no explanation.
 */
void querier_listening(struct querier *q, const uint8_t *macs, size_t count,
		       uint64_t now_us);

/* When querier_tick has something to do, or CLOCK_NEVER. */
uint64_t querier_deadline(const struct querier *q);
/* Sends queries, and removes members. Before it is called, what the TAP holds
 * should be read, and querier_dropped called if its tx_dropped grew. It does a
 * bounded part of what is due: the deadline may be past already when it returns. */
void querier_tick(struct querier *q, uint64_t now_us);

/* Room for one query as a frame. */
#define QUERIER_FRAME_MAX MLD_QUERY_MAX
/* The query as a frame; returns its length. */
size_t querier_build(uint8_t frame[QUERIER_FRAME_MAX],
		     const struct querier_query *query);

/* ---- what is known ---- */

/* Why every group's frames are wanted. */
enum querier_reason {
	QUERIER_STARTING, /* not all have been asked since the start, or a drop */
	QUERIER_VLANS,	  /* lately more VLANs than are asked */
	QUERIER_FULL,	  /* more groups, or members of them, than fit */
	QUERIER_UNHEARD, /* a MAC is listened to whose group nobody reported */
	QUERIER_REASON_COUNT
};

/* For people, as in "flooded: …". */
const char *querier_reason_text(enum querier_reason reason);
/* A bit for each reason; 0: the set is complete. */
unsigned int querier_want_all(const struct querier *q);
/* True if the last two rounds of queries in some VLAN brought no answer at all, of this
 * family, though a member is known who has not left and is not one that answered until
 * the TAP last went down: does a firewall drop them? Until it answers, in time or not. */
bool querier_silent(const struct querier *q, bool v6);
/* True if anybody ever answered a general query, of either family: a report of a join
 * is none. */
bool querier_answered(const struct querier *q);
bool querier_wants(const struct querier *q, const struct group *group);
/* Groups that somebody wants, without those that are for all. */
uint32_t querier_count(const struct querier *q);
/* Walks them: *at starts at TABLE_NONE. False at the end. */
bool querier_next(const struct querier *q, uint32_t *at, struct group *out);

/* Walks the VLANs (not 0) whose members are known: *at starts at 0. */
bool querier_next_vlan(const struct querier *q, uint32_t *at, uint16_t *vlan);

#endif
