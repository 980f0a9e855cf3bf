#include "node/loop.h"

#include <string.h>

/* One frame in each of these spaces of time is the one that is counted. */
#define CIRCLING_US  (200 * CLOCK_MS)
#define CIRCLING_MAX 100

void loop_moved(struct node *n)
{
	n->loops.came_back = true;
}

static bool is_stopped(struct node *n, const struct peer *peer, uint64_t now_us)
{
	if (now_us < peer->stopped_until_us)
		return true;
	port_set_remove(&n->loops.stopped, peer->port);
	return false;
}

static void stop(struct node *n, struct peer *peer,
		 const uint8_t mac[ETH_ADDR_LEN], uint64_t now_us)
{
	struct node_event event = {
		.type = NODE_LOOP,
		.key = peer->key,
		.peer = peer->name,
		.at = peer->path.way.remote,
		.wanted = peer_wanted(n, peer),
	};

	memcpy(event.mac, mac, sizeof(event.mac));
	peer->stopped_until_us = now_us + LOOP_STOP_US;
	port_set_add(&n->loops.stopped, peer->port);
	n->loops.any = true;
	node_emit(n, event);
}

/* A MAC of our own side came from there. */
static void came_back(struct node *n, struct peer *peer,
		      const uint8_t mac[ETH_ADDR_LEN], uint64_t now_us)
{
	if (now_us - peer->came_back_us >= CLOCK_S) {
		peer->came_back_us = now_us;
		peer->came_back = 0;
	}
	if (++peer->came_back > LOOP_MAX && now_us >= peer->stopped_until_us)
		stop(n, peer, mac, now_us);
}

/* Whether the peer sends this very frame far too often. */
static bool circles(struct peer *peer, const uint8_t *frame, size_t len,
		    uint64_t now_us)
{
	const size_t seen =
		len < sizeof(peer->circling) ? len : sizeof(peer->circling);
	const bool same = len == peer->circling_len &&
			  memcmp(frame, peer->circling, seen) == 0;

	if (now_us - peer->circling_us >= CIRCLING_US) {
		/* The second time it is no burst. */
		peer->circles = same && peer->circled > CIRCLING_MAX;
		memcpy(peer->circling, frame, seen);
		peer->circling_len = (uint32_t)len;
		peer->circling_us = now_us;
		peer->circled = 0;
		return false;
	}
	peer->circled += same;
	return peer->circles && peer->circled > CIRCLING_MAX;
}

/* A stream to a group may well be of one content, which is no circle. */
static bool is_stream(const struct forward *f)
{
	struct group group;

	return f->membership.kind == REPORT_NONE &&
	       group_of_frame(&f->view, &group);
}

/* What came in goes out again only where the TAP is bridged. */
static bool may_circle(const struct node *n, const struct forward *f)
{
	return (n->tap_wants & NODE_TAP_BRIDGED) && eth_is_group(f->view.dst) &&
	       !is_stream(f);
}

static bool is_own_mac(const struct node *n, const uint8_t mac[ETH_ADDR_LEN])
{
	return memcmp(mac, n->config.tap_mac, ETH_ADDR_LEN) == 0;
}

/* It goes to more than the one who has its MAC, or says that it does. */
static bool is_flooded(const struct node *n, const struct eth_view *v,
		       bool from_tap, uint64_t now_us)
{
	int port;

	if (eth_is_group(v->dst))
		return true;
	if (is_own_mac(n, v->dst))
		return false;
	port = fdb_find(bridge_fdb(n->bridge), v->vlan, v->dst, now_us);
	if (!from_tap)
		return port != FDB_PORT_LOCAL;
	return port <= 0 &&
	       tap_macs_find(bridge_tables(n->bridge)->tap_macs, v->dst) <= 0;
}

enum drop_reason loop_check(struct node *n, struct peer *peer,
			    const struct forward *f, const uint8_t *frame,
			    size_t len, uint64_t now_us)
{
	const struct eth_view *v = &f->view;

	/* What comes round was flooded. */
	if ((n->loops.came_back ||
	     (is_own_mac(n, v->src) && eth_is_group(v->dst))) &&
	    is_flooded(n, v, false, now_us))
		came_back(n, peer, v->src, now_us);
	n->loops.came_back = false;
	if (may_circle(n, f) && circles(peer, frame, len, now_us) &&
	    now_us >= peer->stopped_until_us)
		stop(n, peer, v->src, now_us);
	if (!port_set_has(&n->loops.stopped, peer->port) ||
	    !is_stopped(n, peer, now_us) || !is_flooded(n, v, false, now_us))
		return DROP_NONE;
	return DROP_loop;
}

void loop_spare(struct node *n, struct forward *f, uint64_t now_us)
{
	struct port_set stopped;
	uint64_t spared = 0;

	if (!n->loops.any || !is_flooded(n, &f->view, true, now_us))
		return;
	stopped = n->loops.stopped;
	n->loops.any = !port_set_is_empty(&stopped);
	for (int port = port_set_next(&stopped, 0); port > 0;
	     port = port_set_next(&stopped, port)) {
		const struct peer *peer = peers_at_port(n, (uint16_t)port);

		if (!peer) {
			port_set_remove(&n->loops.stopped, (uint16_t)port);
		} else if (is_stopped(n, peer, now_us) &&
			   port_set_has(&f->ports, (uint16_t)port)) {
			port_set_remove(&f->ports, (uint16_t)port);
			spared++;
		}
	}
	if (port_set_is_empty(&f->ports))
		f->reason = DROP_loop;
	else
		n->lane.drops[DROP_loop] += spared;
}
