#include "node/watch.h"

#include <string.h>

#include "node/loop.h"

static const char *name_at(const struct node *n, int port)
{
	const struct peer *peer;

	if (port == FDB_PORT_LOCAL)
		return NODE_OWN_SIDE;
	peer = port > 0 ? peers_at_port(n, (uint16_t)port) : NULL;
	return peer ? peer->name : NULL;
}

static void mac_moved(void *user, uint16_t vlan,
		      const uint8_t mac[ETH_ADDR_LEN], int from, uint16_t to)
{
	struct node *n = user;
	struct node_change change = { .type = NODE_MAC_MOVED, .vlan = vlan };

	if (from == FDB_PORT_LOCAL)
		loop_moved(n);
	if (!n->changed)
		return;
	change.from = name_at(n, from);
	change.to = name_at(n, to);
	memcpy(change.mac, mac, sizeof(change.mac));
	n->changed(n->user, &change);
}

void node_watch(struct node *n, node_changed *changed)
{
	n->changed = changed;
}

void watch_moves(struct node *n)
{
	bridge_on_move(n->bridge, mac_moved, n);
}

void node_capture(struct node *n, node_seen *seen)
{
	n->seen = seen;
}
