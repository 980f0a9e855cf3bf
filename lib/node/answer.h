/* What peers ask of us: what we heard of a test of theirs, and how our links are. */
#ifndef TAPD_NODE_ANSWER_H
#define TAPD_NODE_ANSWER_H

#include "ether/test_frame.h"
#include "node/peer.h"
#include "tunnel/wire_ask.h"

extern const struct control answer_control;

/* A peer's questions. By its port. */
struct port_answer {
	struct wire_ask question; /* that waits for its answer */
	uint64_t due_us;	  /* then it is answered; 0: none waits */
	uint64_t answered_us;	  /* when one last was; 0: none yet */
	/* The test of its that was heard last. */
	uint64_t token; /* 0: none */
	uint16_t heard, unicast;
	uint64_t first_us; /* when the first to the group was; 0: none */
};

struct answers {
	struct port_answer *ports;
	/* How many were given in this second, and by address. */
	uint64_t second_us;
	uint32_t given;
	struct shares *asked;
};

/* False if memory is short. */
bool answers_init(struct node *n, const uint8_t seed[TABLE_SEED_LEN]);
void answers_free(struct node *n);

/* A frame of the peer's is about to be written to the TAP, which may be one of a test:
 * test_frame_possible. */
void answer_heard(struct node *n, const struct peer *peer,
		  const struct eth_view *v, const uint8_t *frame,
		  uint64_t now_us);

#endif
