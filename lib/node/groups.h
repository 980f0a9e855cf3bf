/* Who wants which multicast group: declared to the peers, and heard from them. */
#ifndef TAPD_NODE_GROUPS_H
#define TAPD_NODE_GROUPS_H

#include "node/local_groups.h"
#include "node/peer.h"

extern const struct control groups_control;

/* A peer's part in who wants which group: groups.c. By its port. */
struct port_groups {
	/* what it declared */
	uint32_t announced;  /* the newest version it spoke of; 0: none */
	uint32_t registered; /* the version that is in the MDB; 0: none */
	bool want_all, router;
	uint64_t anew_us; /* when a whole set last took another's place */
	/* what we declared */
	uint32_t sent, acked; /* versions; 0: none */
	/* Until then it may hold acked or more; 0: it was told nothing. */
	uint64_t holds_until_us;
	uint32_t flight;  /* records since all was acknowledged */
	uint32_t retries; /* in a row */
	uint64_t retry_us;
};

bool groups_init(struct node *n, const uint8_t seed[TABLE_SEED_LEN]);
void groups_free(struct node *n);
/* Declares what has changed, if anything has: cheap if nothing did. */
void groups_tell(struct node *n, uint64_t now_us);
/* Asks those again whose groups found no room, when there is some. */
void groups_make_room(struct node *n, uint64_t now_us);
/* For people. NULL: it gets what it joined, no more. */
const char *groups_why_flooded(const struct node *n, const struct peer *peer);

#endif
