#include "node/plain_groups.h"

#include <string.h>

/* Of one port: what is behind it is a host or a few. */
#define GROUPS_MAX    256
#define REPORTERS_MAX 64
/* Of the table of all peers' groups, what has to be free before one that found
 * no room is asked again. */
#define ROOM_SHARE 4

static bool is_active(const struct node *n)
{
	return n->config.snooping && n->config.querier;
}

static struct plain_port *port_of(const struct node *n, const struct peer *peer)
{
	return &n->plain->ports[peer->port];
}

/* ---- what the querier of a port finds ---- */

static void write_query(void *user, const struct querier_query *query)
{
	const struct plain_port *p = user;
	uint8_t frame[QUERIER_FRAME_MAX];
	const size_t len = querier_build(frame, query);
	struct peer *peer = peers_at_port(p->node, p->port);

	plain_send_frame(p->node, peer, frame, len, p->now_us);
}

static void put_group(const struct plain_port *p, const struct group *group,
		      bool wanted)
{
	struct node *n = p->node;

	if (!wanted)
		bridge_port_leave(n->bridge, p->port, group);
	else if (!bridge_port_join(n->bridge, p->port, group))
		node_drop(n, DROP_groups_full);
}

static void group_changed(void *user, const struct group *group, bool wanted)
{
	const struct plain_port *p = user;
	const struct peer *peer = peers_at_port(p->node, p->port);

	put_group(p, group, wanted);
	node_tell_group(p->node, wanted ? NODE_GROUP_JOINED : NODE_GROUP_LEFT,
			group, peer->name);
}

static void vlan_known(void *user, uint16_t vlan, bool known)
{
	const struct group group = group_of_vlan(vlan);

	put_group(user, &group, known);
}

static const struct querier_ops querier_ops = {
	.query = write_query,
	.changed = group_changed,
	.vlan_known = vlan_known,
};

/* ---- what follows for the port ---- */

/* It has groups, and does not answer for them: it may have others. */
static bool is_silent(const struct plain_port *p)
{
	return querier_silent(p->querier, false) ||
	       querier_silent(p->querier, true);
}

static bool is_flooded(const struct node *n, const struct plain_port *p,
		       uint64_t now_us)
{
	return !is_active(n) || !p->querier || !querier_answered(p->querier) ||
	       is_silent(p) || now_us < p->routed_until_us ||
	       querier_want_all(p->querier);
}

static void reconsider(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct plain_port *p = port_of(n, peer);
	uint64_t due_us =
		p->querier ? querier_deadline(p->querier) : CLOCK_NEVER;

	if (p->queried_until_us <= now_us)
		p->queried_until_us = 0;
	else
		due_us = clock_earlier(due_us, p->queried_until_us);
	if (p->routed_until_us <= now_us)
		p->routed_until_us = 0;
	else
		due_us = clock_earlier(due_us, p->routed_until_us);
	bridge_port_set_flood(n->bridge, p->port, is_flooded(n, p, now_us));
	bridge_port_set_router(n->bridge, p->port,
			       now_us < p->queried_until_us);
	timers_set(&n->timers, &peer->timer, due_us);
}

void plain_groups_timer(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct plain_port *p = port_of(n, peer);

	p->now_us = now_us;
	if (p->querier)
		querier_tick(p->querier, now_us);
	reconsider(n, peer, now_us);
}

/* ---- what happens ---- */

static void start(struct node *n, struct peer *peer, uint64_t now_us)
{
	const struct plain_port *p = port_of(n, peer);

	if (p->querier && is_active(n))
		querier_start(p->querier, now_us);
	else if (p->querier)
		querier_stop(p->querier);
	reconsider(n, peer, now_us);
}

void plain_groups_add(struct node *n, struct peer *peer, uint64_t now_us)
{
	const struct querier_config config = { GROUPS_MAX, REPORTERS_MAX };
	struct plain_port *p = port_of(n, peer);
	uint8_t seed[TABLE_SEED_LEN];

	node_random(n, seed, sizeof(seed));
	*p = (struct plain_port){ .node = n, .port = peer->port };
	p->querier = querier_new(&config, &querier_ops, p, seed);
	start(n, peer, now_us);
}

void plain_groups_remove(struct node *n, struct peer *peer)
{
	struct plain_port *p = port_of(n, peer);

	querier_free(p->querier);
	*p = (struct plain_port){ .querier = NULL };
	timers_cancel(&n->timers, &peer->timer);
}

void plain_groups_start(struct node *n, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer;

	while ((peer = peers_next(n, &at)))
		start(n, peer, now_us);
}

/* Queries and routers behind the port. A querier like ours, of another such node, says nothing
 * of a router, although MLD has it give an address. */
static void note_router(struct plain_port *p, const struct forward *f,
			uint64_t now_us)
{
	if (f->membership.kind == REPORT_QUERY) {
		/* Such a node reports to those that asked it, and was not there
		 * when it was asked. */
		if (!p->queried_until_us && !querier_answered(p->querier))
			querier_ask_soon(p->querier, f->view.vlan, now_us);
		p->queried_until_us = now_us + ROUTER_LIFE_US;
	}
	if (f->router && memcmp(f->view.src, querier_mac, ETH_ADDR_LEN) != 0)
		p->routed_until_us = p->queried_until_us =
			now_us + ROUTER_LIFE_US;
}

void plain_groups_heard(struct node *n, struct peer *peer,
			const struct forward *f, uint64_t now_us)
{
	struct plain_port *p = port_of(n, peer);
	bool changed = false;

	if (!p->querier)
		return;
	changed = querier_saw_vlan(p->querier, f->view.vlan, now_us);
	if (f->membership.kind == REPORT_MEMBERS) {
		changed = true;
		if (!querier_report(p->querier, &f->membership, f->view.src,
				    now_us))
			node_drop(n, DROP_groups_full);
	}
	if (f->membership.kind == REPORT_QUERY || f->router) {
		note_router(p, f, now_us);
		changed = true;
	}
	if (changed)
		reconsider(n, peer, now_us);
}

/* ---- when the table of all groups is full ---- */

static void join_again(const struct plain_port *p)
{
	uint32_t at = TABLE_NONE;
	struct group group;

	while (querier_next(p->querier, &at, &group))
		put_group(p, &group, true);
	at = 0;
	while (querier_next_vlan(p->querier, &at, &group.vlan)) {
		group = group_of_vlan(group.vlan);
		put_group(p, &group, true);
	}
}

void plain_groups_make_room(struct node *n)
{
	struct port_set full = *mdb_overflowing(bridge_mdb(n->bridge));

	for (int port = port_set_next(&full, 0); port > 0;
	     port = port_set_next(&full, port)) {
		const struct plain_port *p = &n->plain->ports[port];
		uint32_t room = n->config.mdb_capacity -
				mdb_count(bridge_mdb(n->bridge));

		if (!p->querier || room < n->config.mdb_capacity / ROOM_SHARE)
			continue;
		bridge_port_forget_groups(n->bridge, p->port);
		join_again(p);
	}
}

/* ---- what there is to see ---- */

const char *plain_groups_why_flooded(const struct node *n,
				     const struct peer *peer)
{
	const struct plain_port *p = port_of(n, peer);
	unsigned int reasons = p->querier ? querier_want_all(p->querier) : 0;

	if (port_set_has(mdb_overflowing(bridge_mdb(n->bridge)), peer->port))
		return "it joined more groups than fit here";
	if (!bridge_port_is_flood(n->bridge, peer->port))
		return NULL;
	if (!n->config.querier)
		return "multicast.querier = false: it is not asked";
	if (p->routed_until_us)
		return "a multicast router is behind it";
	if (p->querier && !querier_answered(p->querier))
		return "it never answered a query";
	if (p->querier && is_silent(p))
		return "it does not answer for its groups: a firewall?";
	for (unsigned int i = QUERIER_REASON_COUNT; i-- > 0;)
		if (reasons & 1u << i)
			return i == QUERIER_STARTING
				       ? "its groups are being asked"
				       : querier_reason_text(
						 (enum querier_reason)i);
	return "out of memory";
}
