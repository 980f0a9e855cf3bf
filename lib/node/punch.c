#include "node/punch.h"

#include "node/observed.h"
#include "node/paths.h"
#include "node/send.h"
#include "tunnel/wire_leg.h"

/*
 * Two peers that met over a leg tell each other, in their own session, where they are:
 * the addresses at which others see them, and their own ones. Each probes what it is
 * told, within a moment of the other, so that either one's NAT has seen a datagram go
 * out before the other's comes in. The way that echoes is used (paths.c). No third
 * party's word is needed, and no initiation is sent to where somebody points.
 *
 *	a session opened over a leg, or the path came to lead over one: addresses are
 *	sent; again after 1, 2 and 4 s until the peer's have come
 *	they came: they are tried, and ours are sent, if that is not just done
 *	still over a leg: all of it again each minute
 *
 * Two behind one NAT reach each other at its outer address, where it lets them; they
 * tell each other once, and their own network is nearer.
 *
 * A peer names whatever it likes. So what is tried is little: eight addresses in ten
 * seconds, five small datagrams each, and 64 a second for all peers together. Addresses
 * of private networks mean other hosts elsewhere: they are tried if both are seen at
 * one address, and sent to no well-known port.
 */

#define ROUND_US  (60 * CLOCK_S)
#define REPEAT_US (1 * CLOCK_S)
#define REPEATS	  3
/* Ours are not sent again for theirs. */
#define ANSWERED_US (500 * CLOCK_MS)
/* Between two rounds of tries at one peer. */
#define TRY_US (10 * CLOCK_S)
/* Probes a second of ways that peers suggest; and of one of them, as paths.c has it. */
#define PROBE_RATE	64
#define PROBES_EACH	5
#define PORT_UNASSIGNED 1024

void punch_init(struct node *n, uint64_t now_us)
{
	n->observed.stale = true;
	n->punches.probes = (struct bucket){ .rate = PROBE_RATE,
					     .tokens = PROBE_RATE,
					     .at_us = now_us };
}

static bool is_relayed(const struct peer *peer)
{
	return peer->endpoint && path_is_relayed(&peer->path);
}

/* It is reached at the address at which others see us, too. */
static bool is_neighbour(struct node *n, const struct peer *peer)
{
	return peer->endpoint && !path_is_relayed(&peer->path) &&
	       peer->path.rank < PATH_LOCAL && observed_of(n)->translated &&
	       observed_shares_ip(n, &peer->path.way.remote);
}

/* ---- telling ---- */

static void add(struct wire_addresses *out, const struct addr *addr,
		bool observed)
{
	out->is[out->count].observed = observed;
	out->is[out->count++].addr = *addr;
}

/* False: there is nothing to tell yet. */
static bool tell(struct node *n, struct peer *peer, uint64_t now_us)
{
	const struct observed *o = observed_of(n);
	struct wire_addresses addresses = { .count = 0 };
	uint8_t record[WIRE_ADDRESSES_LEN_MAX];
	size_t len;

	for (size_t i = 0; i < o->seen_count; i++)
		add(&addresses, &o->seen[i], true);
	for (size_t i = 0; i < o->local_count; i++)
		add(&addresses, &o->local[i], false);
	if (addresses.count == 0)
		return false;
	len = wire_pack_addresses(&addresses, record);
	send_record(n, peer, peer->current, &peer->path.way, record, len, 0,
		    now_us);
	peer->punch.sent_us = now_us;
	return true;
}

static void begin_round(struct punch_state *p, uint64_t now_us)
{
	p->begun_us = p->next_us = now_us;
	p->repeats = 0;
}

static void end_round(struct node *n, struct punch_state *p, uint64_t now_us)
{
	p->repeats = REPEATS + 1;
	p->next_us = now_us + node_jitter(n, ROUND_US);
}

static void tell_relayed(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct punch_state *p = &peer->punch;

	if (p->repeats > REPEATS)
		begin_round(p, now_us);
	if (p->repeats > 0 && p->heard_us && p->heard_us >= p->begun_us) {
		end_round(n, p, now_us);
		return;
	}
	p->next_us = now_us + REPEAT_US;
	if (!tell(n, peer, now_us))
		return;
	p->next_us = now_us + (REPEAT_US << p->repeats++);
	if (p->repeats > REPEATS)
		end_round(n, p, now_us);
}

static uint64_t punch_deadline(struct node *n, struct peer *peer,
			       uint64_t now_us)
{
	const struct punch_state *p = &peer->punch;

	if (!peer->current || !peer->endpoint)
		return CLOCK_NEVER;
	if (is_relayed(peer))
		return p->is_relayed ? p->next_us : now_us;
	return !p->told && is_neighbour(n, peer) ? now_us : CLOCK_NEVER;
}

static void punch_due(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct punch_state *p = &peer->punch;

	if (!peer->current || !peer->endpoint)
		return;
	if (!is_relayed(peer)) {
		p->is_relayed = false;
		if (!p->told && is_neighbour(n, peer))
			p->told = tell(n, peer, now_us);
		return;
	}
	/* What it said of us while it was reached directly is of another time. */
	observed_forget(n, peer);
	if (!p->is_relayed)
		begin_round(p, now_us);
	p->is_relayed = true;
	if (now_us >= p->next_us)
		tell_relayed(n, peer, now_us);
}

/* ---- trying ---- */

/* It may be probed: a host's, at a port that no well-known service has, and neither
 * ourselves nor on the other side of the TAP. */
static bool may_be_tried(const struct node *n, const struct addr *addr)
{
	const struct observed *o = &n->observed;

	if (!addr_is_unicast(addr) || addr_is_loopback(addr) ||
	    addr_is_link_local(addr) || addr->port < PORT_UNASSIGNED)
		return false;
	for (size_t i = 0; i < o->seen_count; i++)
		if (addr_equal(addr, &o->seen[i]))
			return false;
	for (size_t i = 0; i < o->local_count; i++)
		if (addr_equal(addr, &o->local[i]))
			return false;
	return !n->ops.leads_into_tap || !n->ops.leads_into_tap(n->user, addr);
}

static void try_one(struct node *n, struct peer *peer, const struct addr *addr,
		    enum path_rank rank, uint64_t now_us)
{
	const struct way way = { .remote = *addr };

	if (!may_be_tried(n, addr)) {
		node_drop(n, DROP_hint_refused);
		return;
	}
	/* All of them or none: what is refused takes nothing from others. */
	if (!bucket_take_many(&n->punches.probes, PROBES_EACH, now_us)) {
		node_drop(n, DROP_hint_refused);
		return;
	}
	(void)paths_try(n, peer, &way, rank, now_us);
}

/* Both are seen at one address. */
static bool is_behind_our_nat(struct node *n, const struct wire_addresses *a)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->is[i].observed && observed_shares_ip(n, &a->is[i].addr))
			return true;
	return false;
}

/* Others see it at two addresses of one family. */
static bool says_symmetric(const struct wire_addresses *a)
{
	const struct addr *first[2] = { NULL, NULL };

	for (size_t i = 0; i < a->count; i++) {
		const struct addr *addr = &a->is[i].addr;
		const bool v4 = addr_is_v4(addr);

		if (!a->is[i].observed)
			continue;
		if (first[v4])
			return true;
		first[v4] = addr;
	}
	return false;
}

static void try_all(struct node *n, struct peer *peer,
		    const struct wire_addresses *a, uint64_t now_us)
{
	const bool relayed = is_relayed(peer);

	if (is_behind_our_nat(n, a))
		for (size_t i = 0; i < a->count; i++)
			if (!a->is[i].observed &&
			    observed_is_private(&a->is[i].addr))
				try_one(n, peer, &a->is[i].addr, PATH_LOCAL,
					now_us);
	for (size_t i = 0; relayed && i < a->count; i++)
		if (a->is[i].observed)
			try_one(n, peer, &a->is[i].addr, PATH_DIRECT, now_us);
}

static enum drop_reason addresses_in(struct node *n, struct reading *r,
				     const struct wire_record *record)
{
	struct peer *peer = r->peer;
	struct punch_state *p = &peer->punch;
	struct wire_addresses a;
	enum drop_reason reason = wire_unpack_addresses(&a, record);

	if (reason != DROP_NONE)
		return reason;
	if (!peer->current || a.count == 0 ||
	    !(is_relayed(peer) || is_neighbour(n, peer)))
		return DROP_NONE;
	p->heard_us = r->now_us;
	p->symmetric = says_symmetric(&a);
	if ((!p->sent_us || r->now_us - p->sent_us >= ANSWERED_US) &&
	    tell(n, peer, r->now_us) && p->repeats > REPEATS)
		end_round(n, p, r->now_us);
	if (p->tried_us && r->now_us - p->tried_us < TRY_US)
		return DROP_NONE;
	p->tried_us = r->now_us;
	try_all(n, peer, &a, r->now_us);
	return DROP_NONE;
}

/* ---- the rest ---- */

static bool punch_echoed(struct node *n, const struct reading *r,
			 const struct wire_probe *echo)
{
	observed_echo(n, r, echo);
	return false;
}

static void punch_peer_gone(struct node *n, struct peer *peer)
{
	observed_forget(n, peer);
	peer->punch = (struct punch_state){ .next_us = 0 };
}

const struct control punch_control = {
	.kind = WIRE_ADDRESSES,
	.record = addresses_in,
	.peer_gone = punch_peer_gone,
	.deadline = punch_deadline,
	.due = punch_due,
	.echoed = punch_echoed,
};
