/* The multicast groups of plain peers, which are asked for them. */
#ifndef TAPD_NODE_PLAIN_GROUPS_H
#define TAPD_NODE_PLAIN_GROUPS_H

#include "node/plain.h"

/*
 * What is behind a plain peer declares nothing: it answers queries, as on any
 * Ethernet. So there is a querier for each port (bridge/querier.h), as there is one for
 * the TAP, and what it finds are the port's groups. In doubt the port is flooded:
 *
 *  - Until the first startup queries are over, and for the other reasons that
 *    the querier wants all for.
 *  - As long as it never answered a query: it may be that it cannot. That it reports
 *    what it joins is no answer, for it may have joined other groups before. For the
 *    same reason if it has groups, and answers for none of one family.
 *  - While a multicast router is behind it.
 *
 * Nobody hears another's reports, so that none keeps silent for another's. A port from
 * which queries come is sent our side's reports for a while, and no other is. So two
 * such nodes ask each other, and each has its own side answer.
 */

void plain_groups_add(struct node *n, struct peer *peer, uint64_t now_us);
void plain_groups_remove(struct node *n, struct peer *peer);
/* A frame of the peer was parsed. */
void plain_groups_heard(struct node *n, struct peer *peer,
			const struct forward *f, uint64_t now_us);
/* The peer's timer. */
void plain_groups_timer(struct node *n, struct peer *peer, uint64_t now_us);
/* As the configuration is now: asks all, or none. */
void plain_groups_start(struct node *n, uint64_t now_us);
/* Peers whose groups found no room, when there is some again. */
void plain_groups_make_room(struct node *n);
/* For people. NULL: it gets what it joined, no more. */
const char *plain_groups_why_flooded(const struct node *n,
				     const struct peer *peer);

#endif
