/* How a session begins and ends: hello and bye. */
#ifndef TAPD_NODE_HELLO_H
#define TAPD_NODE_HELLO_H

#include <assert.h>

#include "node/peer.h"

extern const struct control hello_control, bye_control;

/* Every hello fills its datagram to one size, so that the answer to one that was
 * caught and sent on by a stranger is no larger than what the stranger sent. */
#define HELLO_SIZE 128
static_assert(HELLO_SIZE >=
		      WIRE_DATA_OVERHEAD + WIRE_HELLO_MAX + WIRE_RECORD_LEN,
	      "the longest hello fits");
/* Between two answers on a session that is not open: they go where it is heard. */
#define HELLO_ANSWER_US (50 * CLOCK_MS)

/* On a peer's session. ack: we hold the peer's own. */
void hello_send(struct node *n, struct peer *peer, struct session *s,
		const struct way *to, bool ack, uint64_t now_us);
/* On a session that is not a peer's yet: the initiator's first word. peer: who has
 * its key, or NULL. */
void hello_send_first(struct node *n, const struct peer *peer,
		      struct session *s, const struct way *to, uint64_t now_us);
/* Our name, MTU or MAC changed: every peer is told. */
void hello_repeat(struct node *n, uint64_t now_us);
void bye_send(struct node *n, struct peer *peer, uint64_t now_us);

#endif
