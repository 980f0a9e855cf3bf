/*
 * What this host carries for others. Theory:
 *
 * A leg joins two peers that are up here on paths of their own; what one sends goes to
 * the other as it is, for the keys are theirs. It is no use to whoever is not up here,
 * and a circle of relays cannot be: what a relay sends on goes to a peer's own address.
 *
 * The messages are not authenticated to the relay, which could not afford it: whoever
 * overhears a leg can spend what it may carry, and no more than that, for the budgets
 * are each leg's own. They are taken from the addresses that the peer is proven to be
 * at. What cannot go at once is dropped, sooner than what is this host's own: the run
 * that it leaves in says that it is carried.
 *
 * There are so many legs, and so many of one key; where these are used up the address that
 * has asked for most gives its newest to one that has fewer, so that who has many keys
 * keeps nobody out.
 *
 * A lasting leg is granted by who is set to, each other one is for a handshake: it
 * carries RELAY_BRIEF datagrams in RELAY_BRIEF_US. Both end when either peer is not what
 * it was any more, and both ends are told.
 */
#include "node/relay.h"

#include <stdlib.h>
#include <string.h>

#include "node/leg.h"
#include "node/paths.h"
#include "node/send.h"
#include "tunnel/wire_leg.h"

#define OFFER_US (250 * CLOCK_MS)
/* An ask that the far end does not agree to. */
#define AGREE_US (10 * CLOCK_S)
#define LOOK_US	 (1 * CLOCK_S)

struct relay_index {
	uint32_t slot; /* in by_pair */
	uint32_t end;
};

bool relay_init(struct node *n, const uint8_t seed[TABLE_SEED_LEN])
{
	struct relay *r = calloc(1, sizeof(*r));

	if (!r)
		return false;
	n->relay = r;
	r->by_pair = table_new(RELAY_LEGS_MAX, 2 * sizeof(uint16_t),
			       sizeof(struct relayed), seed);
	r->by_index = table_new(2 * RELAY_LEGS_MAX, sizeof(uint32_t),
				sizeof(struct relay_index), seed);
	r->legs_of = calloc(n->config.peers_max + 1u, sizeof(*r->legs_of));
	r->asks = calloc(n->config.peers_max + 1u, sizeof(*r->asks));
	r->askers = shares_new(RELAY_LEGS_MAX + 1, seed);
	r->timer.kind = NODE_TIMER_RELAY;
	if (!r->by_pair || !r->by_index || !r->legs_of || !r->asks ||
	    !r->askers)
		return false;
	for (uint32_t i = 0; i <= n->config.peers_max; i++)
		r->asks[i] = (struct bucket){ RELAY_ASKS, RELAY_ASKS, 0 };
	return true;
}

void relay_free(struct node *n)
{
	if (!n->relay)
		return;
	table_free(n->relay->by_pair);
	table_free(n->relay->by_index);
	free(n->relay->legs_of);
	free(n->relay->asks);
	shares_free(n->relay->askers);
	free(n->relay);
}

/* ---- the table ---- */

static struct relayed *relayed_next(const struct node *n, uint32_t *at)
{
	*at = table_next(n->relay->by_pair, *at);
	return *at == TABLE_NONE ? NULL : table_at(n->relay->by_pair, *at);
}

static void pair_of(const struct peer *a, const struct peer *b,
		    uint16_t pair[2])
{
	pair[0] = a->port < b->port ? a->port : b->port;
	pair[1] = a->port < b->port ? b->port : a->port;
}

static struct relayed *find_pair(const struct node *n, const struct peer *a,
				 const struct peer *b)
{
	struct relayed *leg;
	uint16_t pair[2];

	pair_of(a, b, pair);
	leg = table_find(n->relay->by_pair, pair);
	return leg && !leg->over ? leg : NULL;
}

static uint32_t fresh_index(struct node *n, const struct relayed *leg,
			    uint32_t end)
{
	struct relay_index *entry;
	uint32_t index;

	do
		node_random(n, &index, sizeof(index));
	while (!index || table_find(n->relay->by_index, &index) ||
	       leg_find(n, index)); /* which would have what is meant for it */
	entry = table_insert(n->relay->by_index, &index);
	entry->slot = table_slot(n->relay->by_pair, leg);
	entry->end = end;
	return index;
}

static void arm(struct node *n, uint64_t due_us)
{
	struct timer *t = &n->relay->timer;

	if (!timer_armed(t) || due_us < t->due_us)
		timers_set(&n->timers, t, due_us);
}

static struct relayed *join(struct node *n, const struct peer *asker,
			    const struct peer *far, uint64_t now_us)
{
	struct relay *r = n->relay;
	struct relayed *leg;
	uint16_t pair[2];

	pair_of(asker, far, pair);
	if (table_find(r->by_pair, pair)) /* the one before it is about to go */
		return NULL;
	leg = table_insert(r->by_pair, pair);
	if (!leg)
		return NULL;
	memcpy(leg->pair, pair, sizeof(pair));
	leg->lasting = n->config.relay;
	leg->asker = asker->path.way.remote;
	leg->asker.port = 0;
	(void)shares_add(r->askers, &leg->asker); /* it has as many places */
	leg->born_us = leg->used_us = now_us;
	leg->left = RELAY_BRIEF;
	leg->datagrams =
		(struct bucket){ RELAY_DATAGRAMS, RELAY_DATAGRAMS, now_us };
	leg->bytes = (struct bucket){ RELAY_BYTES, RELAY_BYTES, now_us };
	for (uint32_t i = 0; i < 2; i++) {
		const struct peer *peer = i ? far : asker;

		leg->ends[i].port = peer->port;
		leg->ends[i].key = peer->key;
		leg->ends[i].index = fresh_index(n, leg, i);
		r->legs_of[peer->port]++;
	}
	arm(n, now_us + LOOK_US);
	return leg;
}

/* In two steps, for this may be said in the midst of what is done for a peer. */
static void end(struct node *n, struct relayed *leg, enum wire_leg_reason why,
		uint64_t now_us)
{
	if (leg->over)
		return;
	leg->over = true;
	leg->reason = (uint8_t)why;
	arm(n, now_us);
}

/* ---- what is said ---- */

static void say(struct node *n, struct peer *to, const struct wire_leg *m,
		uint64_t now_us)
{
	uint8_t record[WIRE_LEG_LEN];

	wire_pack_leg(m, record);
	send_record(n, to, to->current, &to->path.way, record, sizeof(record),
		    0, now_us);
}

static void say_end(struct node *n, struct peer *to,
		    const struct public_key *far, enum wire_leg_reason why,
		    uint64_t now_us)
{
	struct wire_leg m = { .what = WIRE_LEG_END, .reason = (uint8_t)why };

	memcpy(m.key, far->bytes, sizeof(m.key));
	say(n, to, &m, now_us);
}

static void offer(struct node *n, struct relayed *leg, uint32_t to,
		  uint64_t now_us)
{
	struct relay_end *e = &leg->ends[to];
	struct peer *peer = peers_at_port(n, e->port);
	const struct peer *far = peers_at_port(n, leg->ends[!to].port);
	struct wire_leg m = { .what = WIRE_LEG_OFFER,
			      .lasting = leg->lasting,
			      .index = e->index };

	if (!peer || !far || !leg_may_relay(peer) ||
	    (e->offered_us && now_us - e->offered_us < OFFER_US))
		return;
	e->offered_us = now_us;
	memcpy(m.key, far->key.bytes, sizeof(m.key));
	say(n, peer, &m, now_us);
}

/* ---- asks ---- */

static uint32_t end_of(const struct relayed *leg, const struct peer *peer)
{
	return leg->ends[1].port == peer->port;
}

/* One more of the asker's address would be too many that nobody agreed to. */
static bool asks_too_much(const struct node *n, const struct peer *asker)
{
	struct addr from = asker->path.way.remote;
	uint32_t at = TABLE_NONE, count = 0;
	const struct relayed *leg;

	from.port = 0;
	while ((leg = relayed_next(n, &at)))
		count += !leg->ends[1].its && addr_equal(&leg->asker, &from);
	return count >= RELAY_ASKED_BY;
}

static bool has_end(const struct relayed *leg, const struct peer *peer)
{
	return leg->ends[0].port == peer->port ||
	       leg->ends[1].port == peer->port;
}

/* Which peer has all the legs that one may have; NULL: neither. */
static const struct peer *who_is_full(const struct node *n,
				      const struct peer *asker,
				      const struct peer *far)
{
	if (n->relay->legs_of[asker->port] >= RELAY_LEGS_OF_KEY)
		return asker;
	return n->relay->legs_of[far->port] >= RELAY_LEGS_OF_KEY ? far : NULL;
}

/* The newest leg of the address that asked for most of them. full: only those of that
 * peer, or NULL: of all. */
static struct relayed *newest_of_most(const struct node *n,
				      const struct peer *full)
{
	struct share_counts most = { { 0 } };
	struct relayed *leg, *newest = NULL;
	uint32_t at = TABLE_NONE;

	while ((leg = relayed_next(n, &at))) {
		struct share_counts counts;
		int more;

		if (leg->over || (full && !has_end(leg, full)))
			continue;
		counts = shares_of(n->relay->askers, &leg->asker);
		more = newest ? shares_compare(&counts, &most) : 1;
		if (more < 0 || (more == 0 && leg->born_us <= newest->born_us))
			continue;
		newest = leg;
		most = counts;
	}
	return newest;
}

/* True if one more leg is granted, now or when this is asked again. */
static bool make_room(struct node *n, const struct peer *asker,
		      const struct peer *far, uint64_t now_us)
{
	const struct peer *full = who_is_full(n, asker, far);
	struct addr from = asker->path.way.remote;
	struct share_counts own, most;
	struct relayed *leg;

	if (!full && table_count(n->relay->by_pair) < RELAY_LEGS_MAX)
		return true;
	leg = newest_of_most(n, full);
	if (!leg) /* they are about to go */
		return true;
	from.port = 0;
	(void)shares_add(n->relay->askers, &from);
	own = shares_of(n->relay->askers, &from);
	most = shares_of(n->relay->askers, &leg->asker);
	shares_remove(n->relay->askers, &from);
	if (shares_compare(&most, &own) <= 0)
		return false;
	end(n, leg, WIRE_LEG_FULL, now_us);
	return true;
}

static void begin(struct node *n, struct peer *asker,
		  const struct public_key *key, uint32_t index, uint64_t now_us)
{
	const struct peer *far = peers_find(n, key);
	struct relayed *leg = NULL;

	if (!far || far == asker || !leg_may_relay(far)) {
		say_end(n, asker, key, WIRE_LEG_UNKNOWN, now_us);
		return;
	}
	if (asks_too_much(n, asker) || !make_room(n, asker, far, now_us)) {
		say_end(n, asker, key, WIRE_LEG_FULL, now_us);
		return;
	}
	if (!who_is_full(n, asker, far))
		leg = join(n, asker, far, now_us);
	if (!leg) /* one is about to go: this is asked again */
		return;
	leg->ends[0].its = index;
	offer(n, leg, 1, now_us);
}

static void answer(struct node *n, struct relayed *leg, uint32_t me,
		   uint32_t index, uint64_t now_us)
{
	struct relay_end *mine = &leg->ends[me], *other = &leg->ends[!me];
	const bool agrees = !mine->its;

	mine->its = index;
	if (!other->its || agrees)
		offer(n, leg, !me, now_us);
	else
		offer(n, leg, me, now_us);
}

enum drop_reason relay_asked(struct node *n, const struct reading *r,
			     const struct public_key *key, uint32_t index)
{
	const struct peer *far = peers_find(n, key);
	struct relayed *leg = far ? find_pair(n, r->peer, far) : NULL;

	if (leg && leg_may_relay(r->peer)) {
		answer(n, leg, end_of(leg, r->peer), index, r->now_us);
		return DROP_NONE;
	}
	if (!bucket_take(&n->relay->asks[r->peer->port], r->now_us))
		return DROP_leg_rate;
	if (!r->peer->current)
		return DROP_NONE;
	if (!leg_may_relay(r->peer) || r->from->remote.leg)
		say_end(n, r->peer, key, WIRE_LEG_UNKNOWN, r->now_us);
	else
		begin(n, r->peer, key, index, r->now_us);
	return DROP_NONE;
}

void relay_ended(struct node *n, const struct peer *peer,
		 const struct public_key *far, uint64_t now_us)
{
	const struct peer *other = peers_find(n, far);
	struct relayed *leg = other ? find_pair(n, peer, other) : NULL;
	uint32_t me;

	if (!leg)
		return;
	me = end_of(leg, peer);
	end(n, leg, leg->ends[me].its ? WIRE_LEG_GONE : WIRE_LEG_REFUSED,
	    now_us);
	leg->ends[me].its = 0; /* it knows */
	leg->ends[me].offered_us = 0;
}

/* ---- what is carried ---- */

static bool may_carry(struct relayed *leg, size_t len, uint64_t now_us)
{
	if (leg->lasting)
		return bucket_take(&leg->datagrams, now_us) &&
		       bucket_take_many(&leg->bytes, (uint32_t)len, now_us);
	if (!leg->left || len > WIRE_RELAYED_LEN + RELAY_BRIEF_LEN ||
	    now_us - leg->born_us >= RELAY_BRIEF_US)
		return false;
	leg->left--;
	return true;
}

enum drop_reason relay_forward(struct node *n, const struct way *from,
			       uint32_t index, const uint8_t *datagram,
			       size_t len, uint64_t now_us)
{
	struct relay *r = n->relay;
	const struct relay_index *entry = table_find(r->by_index, &index);
	struct relayed *leg = entry ? table_at(r->by_pair, entry->slot) : NULL;
	const struct relay_end *out;
	const struct peer *sender, *to;

	if (!leg || leg->over)
		return DROP_leg_unknown;
	out = &leg->ends[!entry->end];
	sender = peers_at_port(n, leg->ends[entry->end].port);
	to = peers_at_port(n, out->port);
	if (!sender || !paths_has(sender, from))
		return DROP_leg_source;
	if (!to || !leg_may_relay(to) || !out->its)
		return DROP_leg_unknown;
	if (!may_carry(leg, len, now_us))
		return DROP_leg_spent;
	leg->used_us = now_us;
	r->datagrams++;
	r->bytes += len;
	pack_forward(&n->lane.packer, &to->path.way, out->its,
		     datagram + WIRE_RELAYED_LEN, len - WIRE_RELAYED_LEN);
	return DROP_NONE;
}

/* ---- its end ---- */

/* Its port may be another's by now. */
static struct peer *peer_of(const struct node *n, const struct relay_end *e)
{
	struct peer *peer = peers_at_port(n, e->port);

	return peer && public_key_equal(&peer->key, &e->key) ? peer : NULL;
}

static void free_relayed(struct node *n, struct relayed *leg, uint64_t now_us)
{
	struct relay *r = n->relay;
	const uint16_t pair[2] = { leg->pair[0], leg->pair[1] };

	for (int i = 0; i < 2; i++) {
		const struct relay_end *e = &leg->ends[i];
		struct peer *peer = peer_of(n, e);

		/* Whoever was told nothing, or said so itself, is told nothing. */
		if (peer && peer->current && (e->its || e->offered_us))
			say_end(n, peer, &leg->ends[!i].key, leg->reason,
				now_us);
		table_remove(r->by_index, &e->index);
		r->legs_of[e->port]--;
	}
	shares_remove(r->askers, &leg->asker);
	table_remove(r->by_pair, pair);
}

static bool is_up(const struct node *n, const struct relay_end *e)
{
	const struct peer *peer = peer_of(n, e);

	return peer && leg_may_relay(peer);
}

static void look(struct node *n, struct relayed *leg, uint64_t now_us)
{
	const bool agreed = leg->ends[0].its && leg->ends[1].its;

	if (!is_up(n, &leg->ends[0]) || !is_up(n, &leg->ends[1]))
		end(n, leg, WIRE_LEG_GONE, now_us);
	else if (!agreed && now_us - leg->born_us >= AGREE_US)
		end(n, leg, WIRE_LEG_REFUSED, now_us);
	else if (leg->lasting ? now_us - leg->used_us >= RELAY_IDLE_US
			      : now_us - leg->born_us >= RELAY_BRIEF_US)
		end(n, leg, WIRE_LEG_SPENT, now_us);
}

void relay_timer(struct node *n, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct relayed *leg;

	while ((leg = relayed_next(n, &at))) {
		if (!leg->over)
			look(n, leg, now_us);
		if (leg->over)
			free_relayed(n, leg, now_us);
	}
	if (table_count(n->relay->by_pair) > 0)
		arm(n, now_us + LOOK_US);
	else
		timers_cancel(&n->timers, &n->relay->timer);
}

void relay_set(struct node *n, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct relayed *leg;

	while ((leg = relayed_next(n, &at)))
		if (leg->lasting != n->config.relay)
			end(n, leg, WIRE_LEG_SPENT, now_us);
}

static void relay_peer_gone(struct node *n, struct peer *peer)
{
	uint32_t at = TABLE_NONE;
	struct relayed *leg;

	if (!n->relay->legs_of[peer->port])
		return;
	while ((leg = relayed_next(n, &at)))
		if (has_end(leg, peer))
			end(n, leg, WIRE_LEG_GONE, 0);
}

const struct control relay_control = {
	.peer_gone = relay_peer_gone,
	.peer_removed = relay_peer_gone,
};
