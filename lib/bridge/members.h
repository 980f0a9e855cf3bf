/* Who wants which group on our side of the TAP: groups, members, reporters. */
#ifndef TAPD_BRIDGE_MEMBERS_H
#define TAPD_BRIDGE_MEMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/table.h"
#include "base/timer.h"
#include "ether/group.h"

/*
 * What the querier remembers; what it makes of it is in querier.c. A group has
 * an entry while it has members: the MACs that reported it and are not known to
 * be gone. A reporter is a MAC in a VLAN that sent reports of one of the two
 * protocols: firewalls differ between them. All three tables are bounded.
 */
struct members;

struct members_config {
	uint32_t groups;
	uint32_t members; /* of all groups */
	uint32_t reporters;
};

struct group_entry {
	struct timer timer;   /* for the querier */
	uint32_t first;	      /* for members.c: its members */
	uint8_t queries_sent; /* last-member queries of this leave */
	bool leave_pending;   /* some member left: the others are being asked */
};

struct member {
	uint64_t joined_us; /* when it first reported since it last left */
	uint64_t heard_us;  /* when it last reported */
	uint32_t next;	    /* for members.c */
	bool has_left;	    /* it said that it left */
	/* When the link went down: its leave was cut short, and it is one that
	 * answers; it may be gone unheard, for either of the two. */
	bool leave_cut, maybe_gone;
	bool answers_queries; /* it once answered one, with this group */
};

struct reporter {
	uint64_t heard_us;
	uint64_t general_us;  /* when it last answered a general query */
	bool answers_general; /* it once did */
	bool igmpv1;	      /* speaks IGMPv1 */
};

/* NULL if memory is short. */
struct members *members_new(const struct members_config *config,
			    const uint8_t seed[TABLE_SEED_LEN]);
void members_free(struct members *m);

/*
 * The member of a group, made if need be, and the group's entry in *entry; NULL,
 * and nothing made, if there is no room. now_us is for one just made.
 */
struct member *members_add(struct members *m, const struct group *group,
			   const uint8_t mac[ETH_ADDR_LEN], uint64_t now_us,
			   struct group_entry **entry);
/* The same for a group that has an entry, in the place of another member. */
struct member *members_replace(struct members *m, struct group_entry *entry,
			       struct member *old,
			       const uint8_t mac[ETH_ADDR_LEN],
			       uint64_t now_us);
struct group_entry *members_find_group(const struct members *m,
				       const struct group *group);
struct member *members_find_member(const struct members *m,
				   const struct group_entry *entry,
				   const uint8_t mac[ETH_ADDR_LEN]);
/* NULL if there is none: it had no room, or has aged. */
const struct reporter *members_reporter(const struct members *m,
					const struct member *member);
/* Borrowed while the entry is here. */
const struct group *members_group(const struct members *m,
				  const struct group_entry *entry);
/* Walks the groups: *at starts at TABLE_NONE; NULL at the end. The one just
 * returned may be removed. */
struct group_entry *members_next_group(const struct members *m, uint32_t *at);
/* Walks a group's members, from NULL to NULL. */
struct member *members_next_member(const struct members *m,
				   const struct group_entry *entry,
				   const struct member *after);

/* Removes the members that are gone; true if none is left, and then the group's
 * entry too, whose timer must not be armed. */
bool members_prune(struct members *m, struct group_entry *entry,
		   bool (*is_gone)(const void *user,
				   const struct member *member,
				   const struct reporter *reporter),
		   const void *user);
/* True if frames to this MAC may be for a group that is here. */
bool members_use_mac(const struct members *m, const uint8_t mac[ETH_ADDR_LEN]);

/* The reporter, made if need be, and true in *made; NULL if there is no room. */
struct reporter *members_add_reporter(struct members *m, uint16_t vlan, bool v6,
				      const uint8_t mac[ETH_ADDR_LEN],
				      bool *made);
/* Forgets the reporters last heard before then. */
void members_age_reporters(struct members *m, uint64_t before_us);

#endif
