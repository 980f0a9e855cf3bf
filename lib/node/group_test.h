/* Frames to a group, and who of the peers heard them. */
#ifndef TAPD_NODE_GROUP_TEST_H
#define TAPD_NODE_GROUP_TEST_H

#include "node/ask.h"
#include "node/peer.h"
#include "tunnel/wire_ask.h"

enum test_phase { TEST_NONE, TEST_SENDS, TEST_ASKS, TEST_DONE };

/* A peer's part in it. By its port. */
struct test_part {
	bool takes_part; /* it was up when it began */
	unsigned asked;	 /* so often */
	uint64_t ask_us; /* again */
	struct node_test_host host;
};

struct test {
	struct timer timer;
	enum test_phase phase;
	struct group group;
	uint64_t token;
	unsigned frames, sent;
	uint64_t first_us, next_us;
	struct test_part *parts;
};

/* False if memory is short. */
bool group_test_init(struct node *n);
void group_test_free(struct node *n);
void group_test_timer(struct node *n, uint64_t now_us);
/* The peer's answer to a question about one. */
void group_test_answered(struct node *n, const struct peer *peer,
			 const struct wire_answer *a, uint64_t now_us);
/* The peer went down; is about to be removed. */
void group_test_peer_gone(struct node *n, const struct peer *peer);
void group_test_peer_removed(struct node *n, const struct peer *peer);

#endif
