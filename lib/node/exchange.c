/* Hosts that peers tell each other of. */
#include "node/node.h"

#include "node/core.h"

void node_set_peer_exchange(struct node *n, bool on, struct clock now)
{
	(void)now;
	n->config.peer_exchange = on;
}
