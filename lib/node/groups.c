/*
 * Who wants which multicast group: declared to the peers, and heard from them.
 *
 * Each node keeps a declaration (bridge/declaration.h): the groups wanted on its
 * side of the TAP, in versions, and two flags, WANT_ALL and ROUTER. Per peer it
 * remembers the version sent and the version the peer said it holds, in every
 * probe and echo. What lies between leaves in groups records, as many as a window
 * allows; when nothing is heard for a while, from what the peer holds once more.
 * A peer applies a record that begins at or below what it holds and ends above
 * it; one that begins at 0 replaces all it had.
 *
 * Invariants, for the receiver of declarations:
 *
 *  - A peer has a flood port (it gets every group) unless it is up and the newest
 *    version that it announced is registered. Records name that newest version
 *    too: whatever is lost, late or does not fit a window, a peer whose news has
 *    arrived in part has a flood port.
 *  - What a peer declared is forgotten when it goes down.
 *
 * … and for the sender:
 *
 *  - The first record about a change leaves before the call that learned of it
 *    returns, and before any frame read after it.
 *  - A leave is remembered until no peer that could know the join lacks it. That a
 *    peer is down to us it may not know: one that was stopped goes on with what
 *    it held, and says so. So it counts until its sessions must have run out.
 */
#include "node/groups.h"

#include <stdlib.h>
#include <string.h>

#include "node/plain_groups.h"
#include "node/probe.h"
#include "node/send.h"

/* Records in flight to one peer: a set of thousands of groups must not swamp the
 * path. The first record about a change goes in any case. */
#define WINDOW	     16
#define RETRY_US     (200 * CLOCK_MS)
#define RETRY_LAST   5 /* doublings */
#define FORGOTTEN_US (50 * CLOCK_MS)
/* Between two whole sets of one peer in the place of all that it declared. */
#define ANEW_US	   (100 * CLOCK_MS)
#define RECORD_LEN (PMTU_MAX - WIRE_DATA_OVERHEAD)
/* So long after a peer went down it may still take itself for up: its end of a
 * session may be younger than ours by what a handshake takes. */
#define UNAWARE_US (SESSION_LIFE_US + SESSION_HALF_OPEN_US)
/* Of the table of all peers' groups, what has to be free before one that found
 * no room is asked again. */
#define ROOM_SHARE 4

bool groups_init(struct node *n, const uint8_t seed[TABLE_SEED_LEN])
{
	n->ports = calloc(n->config.peers_max + 1, sizeof(*n->ports));
	return n->ports && local_groups_init(n, seed);
}

void groups_free(struct node *n)
{
	local_groups_free(n);
	free(n->ports);
}

/* ---- to the peers ---- */

/* Makes the record that leads from m->sent on, which is *at in the declaration,
 * with room for `size` bytes; *version is where it leads to. */
static size_t make_record(const struct node *n, const struct peer *peer,
			  const struct port_groups *m, uint32_t *at,
			  size_t size, bool last, uint8_t *out,
			  uint32_t *version)
{
	struct wire_groups g = {
		.want_all = n->want_all_sent,
		.router = n->router_sent,
		.epoch = peer_shown_epoch(n, peer),
		.base = m->sent,
		.latest = declaration_version(n->declaration),
	};
	struct declaration_entry e;
	size_t len = WIRE_GROUPS_LEN;

	g.version = g.latest;
	while (declaration_next(n->declaration, at, &e)) {
		struct wire_change change = { .left = e.left,
					      .vlan = e.group.vlan };

		memcpy(change.ip, e.group.ip, sizeof(change.ip));
		len += wire_pack_change(&change, out + len);
		g.version = e.version;
		if (len + WIRE_CHANGE_MAX > size)
			break;
	}
	if (*at == TABLE_NONE)
		g.version = g.latest;
	g.ack = last || g.version == g.latest;
	wire_pack_groups(&g, len - WIRE_GROUPS_LEN, out);
	*version = g.version;
	return len;
}

static uint64_t retry_us(const struct port_groups *m, const struct peer *peer)
{
	return (RETRY_US + 2 * (uint64_t)peer->path.rtt_us) << m->retries;
}

/* Sends what the peer lacks: at least one record, since until the peer holds our
 * newest version it floods to us. */
static void tell(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct port_groups *m = &n->ports[peer->port];
	uint8_t record[RECORD_LEN];
	size_t size = peer->path.pmtu.size - WIRE_DATA_OVERHEAD;
	uint32_t at;

	if (!peer->current || peer->state != PEER_UP ||
	    m->sent == declaration_version(n->declaration))
		return;
	at = declaration_after(n->declaration, m->sent);
	do {
		bool last = m->flight + 1 >= WINDOW;
		size_t len = make_record(n, peer, m, &at, size, last, record,
					 &m->sent);

		send_record(n, peer, peer->current, &peer->path.way, record,
			    len, 0, now_us);
		m->holds_until_us = CLOCK_NEVER;
		m->flight++;
	} while (m->flight < WINDOW &&
		 m->sent != declaration_version(n->declaration));
	m->retry_us = now_us + retry_us(m, peer);
	peer_arm(n, peer, now_us);
}

/* What all hold who may hold anything. That may be a peer that is down, or one that
 * was removed and whose port nobody else has got. */
static uint32_t held_by_all(const struct node *n, uint64_t now_us)
{
	uint32_t all_hold = UINT32_MAX;

	for (uint32_t port = 1; port <= n->config.peers_max; port++) {
		const struct port_groups *m = &n->ports[port];

		if (m->holds_until_us > now_us && m->acked < all_hold)
			all_hold = m->acked;
	}
	return all_hold;
}

/* Declares again what is wanted, for some of it had no room. */
static void retry_joins(struct node *n)
{
	uint32_t at = TABLE_NONE;
	struct group group;

	n->groups_dirty = true;
	while (querier_next(n->querier, &at, &group))
		declaration_set(n->declaration, &group, true);
	at = 0;
	while (querier_next_vlan(n->querier, &at, &group.vlan)) {
		group = group_of_vlan(group.vlan);
		declaration_set(n->declaration, &group, true);
	}
}

/* Drops leaves that every peer has acknowledged, then tries joins again that did
 * not fit. */
static void forget_leaves(struct node *n, uint64_t now_us)
{
	if (declaration_left(n->declaration))
		declaration_forget(n->declaration, held_by_all(n, now_us));
	if (declaration_is_incomplete(n->declaration) &&
	    !declaration_left(n->declaration) &&
	    declaration_retry(n->declaration))
		retry_joins(n);
}

void groups_tell(struct node *n, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer;
	bool all;

	if (!n->groups_dirty)
		return;
	n->groups_dirty = false;
	/* There may be nobody who has to know; or nobody any more. */
	forget_leaves(n, now_us);
	/* Again, for the very last version wants all whatever it is about. */
	while ((all = local_groups_want_all(n)) != n->want_all_sent ||
	       bridge_has_router(n->bridge) != n->router_sent) {
		n->want_all_sent = all;
		n->router_sent = bridge_has_router(n->bridge);
		declaration_touch(n->declaration);
	}
	if (n->announced == declaration_version(n->declaration))
		return;
	n->announced = declaration_version(n->declaration);
	while ((peer = peers_next(n, &at))) {
		n->ports[peer->port].retries = 0;
		tell(n, peer, now_us);
	}
}

static uint64_t groups_deadline(struct node *n, struct peer *peer,
				uint64_t now_us)
{
	const struct port_groups *m = &n->ports[peer->port];

	(void)now_us;
	if (!peer->current || peer->state != PEER_UP ||
	    m->acked == declaration_version(n->declaration))
		return CLOCK_NEVER;
	return m->retry_us;
}

static void groups_due(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct port_groups *m = &n->ports[peer->port];

	if (now_us < groups_deadline(n, peer, now_us))
		return;
	m->sent = m->acked;
	m->flight = 0;
	if (m->retries < RETRY_LAST)
		m->retries++;
	tell(n, peer, now_us);
}

/* ---- from the peers ---- */

/* Sets what is to be sent to it, from what is known of it. */
static void reconsider(struct node *n, const struct peer *peer)
{
	const struct port_groups *m = &n->ports[peer->port];
	bool known = peer->state == PEER_UP && m->registered &&
		     m->registered == m->announced;

	bridge_port_set_flood(n->bridge, peer->port, !known || m->want_all);
	bridge_port_set_router(n->bridge, peer->port, m->router);
}

/* Until when a peer that is gone may hold what it was told. */
static uint64_t holds_until_us(const struct port_groups *m,
			       const struct peer *peer)
{
	/* Who says goodbye has forgotten us. */
	if (peer->state == PEER_DOWN && peer->reason == PEER_REASON_BYE)
		return 0;
	return m->holds_until_us == CLOCK_NEVER ? peer->state_us + UNAWARE_US
						: m->holds_until_us;
}

/* It is another process, or is gone: nothing is known of it. It may hold nothing
 * of ours, or all that it held. */
static void groups_peer_gone(struct node *n, struct peer *peer)
{
	struct port_groups *m = &n->ports[peer->port];

	*m = (struct port_groups){
		.acked = m->acked,
		.holds_until_us = holds_until_us(m, peer),
	};
	bridge_port_forget_groups(n->bridge, peer->port);
	bridge_port_set_flood(n->bridge, peer->port, true);
	bridge_port_set_router(n->bridge, peer->port, false);
}

static void groups_peer_came_up(struct node *n, struct peer *peer,
				uint64_t now_us)
{
	struct port_groups *m = &n->ports[peer->port];

	/* Told from the beginning, it lacks all until it says otherwise. */
	if (!m->sent)
		m->acked = 0;
	reconsider(n, peer);
	tell(n, peer, now_us);
}

static bool is_joined(const struct node *n, const struct peer *peer,
		      const struct group *group)
{
	struct port_set members = { .words = { 0 } };

	mdb_registered(bridge_mdb(n->bridge), group, &members);
	return port_set_has(&members, peer->port);
}

static void apply_change(struct node *n, const struct peer *peer,
			 const struct group *group, bool left)
{
	bool was = n->changed && is_joined(n, peer, group);

	if (left)
		bridge_port_leave(n->bridge, peer->port, group);
	else if (!bridge_port_join(n->bridge, peer->port, group))
		node_drop(n, DROP_groups_full);
	if (n->changed && was != is_joined(n, peer, group))
		node_tell_group(n, was ? NODE_GROUP_LEFT : NODE_GROUP_JOINED,
				group, peer->name);
}

static void apply(struct node *n, const struct peer *peer,
		  struct wire_groups *g)
{
	struct wire_change change;

	while (wire_next_change(g, &change)) {
		struct group group = { .vlan = change.vlan };

		memcpy(group.ip, change.ip, sizeof(group.ip));
		if (!group_is_valid(&group))
			node_drop(n, DROP_record_bad);
		else
			apply_change(n, peer, &group, change.left);
	}
}

/* Forgets what the peer declared, for it begins again from nothing. False if it did
 * so just before: what is to be forgotten is looked for among the groups of all. */
static bool begin_anew(struct node *n, const struct peer *peer, uint64_t now_us)
{
	struct port_groups *m = &n->ports[peer->port];

	m->registered = 0;
	if (mdb_port_count(bridge_mdb(n->bridge), peer->port)) {
		if (m->anew_us && now_us - m->anew_us < ANEW_US)
			return false;
		m->anew_us = now_us;
	}
	bridge_port_forget_groups(n->bridge, peer->port);
	return true;
}

static enum drop_reason groups_in(struct node *n, struct reading *r,
				  const struct wire_record *record)
{
	struct peer *peer = r->peer;
	struct port_groups *m = &n->ports[peer->port];
	struct wire_groups g;
	enum drop_reason reason = wire_unpack_groups(&g, record);

	if (reason != DROP_NONE)
		return reason;
	if (g.epoch != peer->epoch)
		return DROP_groups_epoch;
	peer->owes_probe |= g.ack;
	if (g.latest >= m->announced) {
		m->announced = g.latest;
		m->want_all = g.want_all || g.router;
		m->router = g.router;
	} else if (g.base == 0) {
		/* It came late. It would bring back groups whose leave is
		 * forgotten by now, for we acknowledged it. */
		return DROP_NONE;
	}
	if (g.base == 0
		    ? begin_anew(n, peer, r->now_us)
		    : g.base <= m->registered && g.version > m->registered) {
		apply(n, peer, &g);
		m->registered = g.version;
	}
	reconsider(n, peer);
	return DROP_NONE;
}

/* It holds what we sent up to there. */
static void acknowledged(struct node *n, struct peer *peer, uint32_t held,
			 uint64_t now_us)
{
	struct port_groups *m = &n->ports[peer->port];

	m->acked = held;
	m->retries = 0;
	forget_leaves(n, now_us);
	if (m->acked != m->sent)
		return;
	m->flight = 0;
	if (m->sent != declaration_version(n->declaration))
		tell(n, peer, now_us);
}

static void groups_reported(struct node *n, struct peer *peer,
			    const struct wire_probe *probe, uint64_t now_us)
{
	struct port_groups *m = &n->ports[peer->port];

	if (probe->own > m->announced) {
		m->announced = probe->own;
		reconsider(n, peer);
	}
	/* Of what it was told before it was down, nothing is concluded. */
	if (!m->sent || probe->held == m->acked || probe->held > m->sent)
		return;
	if (probe->held > m->acked) {
		acknowledged(n, peer, probe->held, now_us);
		return;
	}
	/* It has forgotten what it had. Not at once: it may have us do this
	 * again and again. */
	m->acked = m->sent = 0;
	m->flight = 0;
	m->retry_us = now_us + FORGOTTEN_US;
	peer_arm(n, peer, now_us);
}

/* Peers whose groups found no room, when there is some again: what they declared
 * is forgotten, and the probe tells them so. */
void groups_make_room(struct node *n, uint64_t now_us)
{
	struct port_set full = *mdb_overflowing(bridge_mdb(n->bridge));

	for (int port = port_set_next(&full, -1); port >= 0;
	     port = port_set_next(&full, port)) {
		struct peer *peer = peers_at_port(n, (uint16_t)port);
		uint32_t room = n->config.mdb_capacity -
				mdb_count(bridge_mdb(n->bridge));

		if (!peer || !peer->current ||
		    room < n->config.mdb_capacity / ROOM_SHARE)
			continue;
		bridge_port_forget_groups(n->bridge, peer->port);
		n->ports[port].registered = 0;
		reconsider(n, peer);
		probe_send(n, peer, &peer->path.way, now_us);
	}
}

static void groups_stamp(struct node *n, const struct peer *peer,
			 struct wire_probe *probe)
{
	probe->own = declaration_version(n->declaration);
	probe->held = n->ports[peer->port].registered;
}

const struct control groups_control = {
	.kind = WIRE_GROUPS,
	.record = groups_in,
	.peer_up = groups_peer_came_up,
	.peer_gone = groups_peer_gone,
	.deadline = groups_deadline,
	.due = groups_due,
	.stamp = groups_stamp,
	.reported = groups_reported,
};

/* ---- what the owner tells ---- */

static void run_querier(struct node *n, uint64_t now_us)
{
	local_groups_start(n, now_us);
	groups_tell(n, now_us);
	pack_flush(&n->lane.packer);
}

void node_set_multicast(struct node *n, bool snooping, bool querier,
			struct clock now)
{
	if (snooping == n->config.snooping && querier == n->config.querier)
		return;
	n->config.snooping = snooping;
	bridge_set_snooping(n->bridge, snooping);
	n->config.querier = querier;
	run_querier(n, now.mono_us);
	if (n->plain)
		plain_groups_start(n, now.mono_us);
}

void node_tap_up(struct node *n, struct clock now)
{
	n->tap_up = true;
	run_querier(n, now.mono_us);
}

void node_tap_down(struct node *n, struct clock now)
{
	n->tap_up = false;
	run_querier(n, now.mono_us);
}

void node_tap_dropped(struct node *n, struct clock now)
{
	n->groups_dirty = true;
	querier_dropped(n->querier, now.mono_us);
	groups_tell(n, now.mono_us);
	pack_flush(&n->lane.packer);
}

void node_tap_listening(struct node *n, const uint8_t *macs, size_t count,
			struct clock now)
{
	n->groups_dirty = true;
	querier_listening(n->querier, macs, count, now.mono_us);
	groups_tell(n, now.mono_us);
	pack_flush(&n->lane.packer);
}

void node_set_tap_wants(struct node *n, unsigned int wants, struct clock now)
{
	n->groups_dirty = true;
	n->tap_wants = wants;
	groups_tell(n, now.mono_us);
	pack_flush(&n->lane.packer);
}

const char *groups_why_flooded(const struct node *n, const struct peer *peer)
{
	const struct port_groups *m = &n->ports[peer->port];

	if (n->plain)
		return plain_groups_why_flooded(n, peer);
	if (m->router)
		return "a multicast router is behind it";
	if (m->want_all)
		return "it wants every group";
	if (port_set_has(mdb_overflowing(bridge_mdb(n->bridge)), peer->port))
		return "it joined more groups than fit here";
	if (bridge_port_is_flood(n->bridge, peer->port))
		return "its groups are not known yet";
	return NULL;
}
