/* Who wants which group on our side of the TAP: groups, reporters, hosts. */
#ifndef TAPD_BRIDGE_MEMBERS_H
#define TAPD_BRIDGE_MEMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/table.h"
#include "base/timer.h"
#include "ether/group.h"

/*
 * What the querier remembers; what it makes of it is in querier.c. A group is
 * here while anyone who reported it is: its reporters, by MAC. A host is a MAC
 * in a VLAN that spoke one of the two protocols: firewalls differ between them.
 * All three tables are bounded.
 */
struct members;

struct members_config {
	uint32_t groups;
	uint32_t reporters; /* of all groups */
	uint32_t hosts;
};

struct member {
	struct timer timer; /* for the querier */
	uint32_t first;	    /* for members.c: its reporters */
	uint8_t asked;	    /* queries of the leave under way */
	bool leaving;
};

struct reporter {
	uint64_t since_us; /* when it first reported since it last left */
	uint64_t heard_us; /* when it last reported */
	uint32_t next;	   /* for members.c */
	bool leaving;	   /* it said that it left */
	bool answers;	   /* some query about this group, at least once */
};

struct host {
	uint64_t heard_us;
	uint64_t answered_us; /* when it last answered a general query */
	bool has_answered;
	bool slow; /* speaks IGMPv1 */
};

/* NULL if memory is short. */
struct members *members_new(const struct members_config *config,
			    const uint8_t seed[TABLE_SEED_LEN]);
void members_free(struct members *m);

/*
 * The reporter of a group, made if need be, and its group in *member; NULL, and
 * nothing made, if there is no room. Only one just made is told now_us.
 */
struct reporter *members_report(struct members *m, const struct group *group,
				const uint8_t mac[ETH_ADDR_LEN],
				uint64_t now_us, struct member **member);
/* The same for a group that is here, in the place of another reporter of it. */
struct reporter *members_replace(struct members *m, struct member *member,
				 struct reporter *old,
				 const uint8_t mac[ETH_ADDR_LEN],
				 uint64_t now_us);
struct member *members_find(const struct members *m, const struct group *group);
struct reporter *members_reporter(const struct members *m,
				  const struct member *member,
				  const uint8_t mac[ETH_ADDR_LEN]);
/* Borrowed while the group is here. */
const struct group *members_group(const struct members *m,
				  const struct member *member);
/* Walks the groups: *at starts at TABLE_NONE; NULL at the end. The one just
 * returned may be removed. */
struct member *members_next(const struct members *m, uint32_t *at);
/* Walks a group's reporters, from NULL to NULL. */
struct reporter *members_next_reporter(const struct members *m,
				       const struct member *member,
				       const struct reporter *after);
/* Borrowed while the reporter is here. */
const uint8_t *members_mac(const struct members *m,
			   const struct reporter *reporter);

/* Removes the reporters that are gone; true if none is left, and the group with
 * them. Its timer must not be armed then. */
bool members_prune(struct members *m, struct member *member,
		   bool (*is_gone)(const void *user, const struct reporter *r,
				   const struct host *host),
		   const void *user);
/* True if frames to this MAC may be for a group that is here. */
bool members_use_mac(const struct members *m, const uint8_t mac[ETH_ADDR_LEN]);

/* The host, made if need be, and true in *made; NULL if there is no room. */
struct host *members_host(struct members *m, uint16_t vlan, bool v6,
			  const uint8_t mac[ETH_ADDR_LEN], bool *made);
/* Forgets the hosts last heard before then. */
void members_age_hosts(struct members *m, uint64_t before_us);

#endif
