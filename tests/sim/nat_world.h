/* Hosts behind NATs that know one public host, and who meets whom there. */
#ifndef TAPD_SIM_NAT_WORLD_H
#define TAPD_SIM_NAT_WORLD_H

#include "scenario.h"

/* How a host has another up. */
enum reached { REACHED_NOT, REACHED_BY_RELAY, REACHED_DIRECTLY };

struct nat_plan {
	unsigned publics; /* hosts that are behind no NAT, the first of all */
	unsigned relays;  /* of those, which carry for others: the last ones */
	unsigned behind;  /* hosts behind NATs */
	unsigned crowd;	  /* at most so many behind one */
};

/* None is running. All list the first host; each pair's delay is its own, and the same
 * both ways at all times: so order holds by whatever way. */
void nat_world(struct sim *s, const struct nat_plan *plan);
/* The same of so many public hosts and two, each behind a symmetric NAT of its own. */
void nat_two_apart(struct sim *s, unsigned publics, unsigned relays);
/* One more public host than relays, and some behind NATs, most of them symmetric. */
void nat_several_apart(struct sim *s, unsigned relays);
/* The same delays for hosts that were added since. */
void nat_world_links(struct sim *s);
/* Each at some time within that. */
void nat_world_start(struct sim *s, uint64_t within_us);
/* They could send to each other without a relay. */
bool nat_can_meet(const struct sim *s, unsigned a, unsigned b);
enum reached nat_reached(struct sim *s, unsigned host, unsigned other);

/* For sim_await: of all that run every pair is up; is up as it can be at best. */
bool nat_all_up(struct sim *s);
bool nat_all_at_best(struct sim *s);
/* Those that are not, to the trace. */
void nat_note_rest(struct sim *s);

/* From now on frames must reach all; how many peers went down is counted from here. */
void nat_steady(struct sim *s, uint64_t period_us);
/* They did, and nobody went down. */
void nat_was_steady(struct sim *s);

/* What was begun with traffic_start ends; then each host's frames reach all. */
void nat_check_frames(struct sim *s);

#endif
