/* Which multicast groups are wanted on our own side of the TAP. */
#ifndef TAPD_NODE_LOCAL_GROUPS_H
#define TAPD_NODE_LOCAL_GROUPS_H

#include "node/core.h"

/*
 * The querier (bridge/querier.h) asks and hears; what it finds goes into the
 * declaration (bridge/declaration.h), from which groups.c tells the peers. Whatever
 * may change what is wanted sets n->groups_dirty.
 */
bool local_groups_init(struct node *n, const uint8_t seed[TABLE_SEED_LEN]);
void local_groups_free(struct node *n);

/* This host gets every group: for what it is, or since what is wanted is not
 * known. */
bool local_groups_want_all(const struct node *n);
/* Asks again, or stops, as the configuration and the TAP are now. */
void local_groups_start(struct node *n, uint64_t now_us);
/* A frame of this VLAN was read from the TAP. */
void local_groups_saw_vlan(struct node *n, uint16_t vlan, uint64_t now_us);
/* What a frame that was read from the TAP says of groups and routers. */
void local_groups_from_tap(struct node *n, const struct forward *f,
			   uint64_t now_us);
void local_groups_router_timer(struct node *n, uint64_t now_us);
/* The querier's timers. */
void local_groups_tick(struct node *n, uint64_t now_us);
/* For people. NULL: it does not want all; it gets what it joined. */
const char *local_groups_why_all(const struct node *n);

#endif
