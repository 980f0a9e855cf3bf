/* New keys for a session, made within it. */
#ifndef TAPD_NODE_REKEY_H
#define TAPD_NODE_REKEY_H

#include "node/peer.h"

/* Message 1, and message 2. */
extern const struct control rekey_control, rekey_answer_control;

/* Ends what is under way with this peer, and wipes it. */
void rekey_forget(struct node *n, struct peer *peer);

#endif
