#include "node/leg.h"

#include <stdlib.h>
#include <string.h>

/* A relay may have many to tell of at once. */
#define HEARD_RATE 64

#define PAIR_LEN (2 + KEY_LEN)

static void pair_key(uint16_t relay, const struct public_key *far,
		     uint8_t key[PAIR_LEN])
{
	store_be16(key, relay);
	memcpy(key + 2, far->bytes, KEY_LEN);
}

bool leg_init(struct node *n, const uint8_t seed[TABLE_SEED_LEN])
{
	struct legs *l = calloc(1, sizeof(*l));

	if (!l)
		return false;
	n->legs = l;
	l->by_index =
		table_new(LEGS_MAX, sizeof(uint32_t), sizeof(struct leg), seed);
	l->by_pair = table_new(LEGS_MAX, PAIR_LEN, sizeof(uint32_t), seed);
	l->relays = calloc(n->config.peers_max + 1u, sizeof(*l->relays));
	l->timer.kind = NODE_TIMER_LEGS;
	if (!l->by_index || !l->by_pair || !l->relays)
		return false;
	for (uint32_t i = 0; i <= n->config.peers_max; i++)
		l->relays[i].heard =
			(struct bucket){ HEARD_RATE, HEARD_RATE, 0 };
	return true;
}

void leg_free_all(struct node *n)
{
	if (!n->legs)
		return;
	table_free(n->legs->by_index);
	table_free(n->legs->by_pair);
	free(n->legs->relays);
	free(n->legs);
}

struct leg *leg_find(const struct node *n, uint32_t index)
{
	struct leg *leg = table_find(n->legs->by_index, &index);

	return leg && !leg->over ? leg : NULL;
}

struct leg *leg_find_pair(const struct node *n, uint16_t relay,
			  const struct public_key *far)
{
	uint8_t key[PAIR_LEN];
	const uint32_t *index;

	pair_key(relay, far, key);
	index = table_find(n->legs->by_pair, key);
	return index ? leg_find(n, *index) : NULL;
}

struct leg *legs_next(const struct node *n, uint32_t *at)
{
	*at = table_next(n->legs->by_index, *at);
	return *at == TABLE_NONE ? NULL : table_at(n->legs->by_index, *at);
}

/* 0 is no leg. */
static uint32_t unused_index(struct node *n)
{
	uint32_t index;

	do
		node_random(n, &index, sizeof(index));
	while (!index || table_find(n->legs->by_index, &index));
	return index;
}

struct leg *leg_new(struct node *n, const struct peer *relay,
		    const struct public_key *far)
{
	struct legs *l = n->legs;
	uint32_t *paired, index;
	uint8_t key[PAIR_LEN];
	struct leg *leg;

	pair_key(relay->port, far, key);
	if (l->relays[relay->port].count >= LEGS_OF_RELAY_MAX ||
	    table_find(l->by_pair, key))
		return NULL;
	index = unused_index(n);
	leg = table_insert(l->by_index, &index);
	if (!leg)
		return NULL;
	paired = table_insert(l->by_pair, key);
	*paired = index; /* it has as many places */
	l->relays[relay->port].count++;
	leg->index = index;
	leg->far = *far;
	leg->relay = relay->port;
	leg->addr = relay->path.way.remote;
	leg->addr.leg = index;
	return leg;
}

void legs_arm(struct node *n, uint64_t due_us)
{
	struct timer *t = &n->legs->timer;

	if (!timer_armed(t) || due_us < t->due_us)
		timers_set(&n->timers, t, due_us);
}

/* In two steps, for this may be said in the midst of what is done for another peer. */
void leg_end(struct node *n, struct leg *leg, bool tell, uint64_t now_us)
{
	if (leg->over)
		return;
	leg->over = true;
	leg->tell = tell;
	legs_arm(n, now_us);
}

void leg_remove(struct node *n, struct leg *leg)
{
	const uint32_t index = leg->index;
	uint8_t key[PAIR_LEN];

	pair_key(leg->relay, &leg->far, key);
	n->legs->relays[leg->relay].count--;
	table_remove(n->legs->by_pair, key);
	table_remove(n->legs->by_index, &index);
}

bool leg_may_relay(const struct peer *peer)
{
	return peer->state == PEER_UP && peer->current &&
	       !peer->path.way.remote.leg;
}

struct peer *leg_relay_of(const struct node *n, const struct leg *leg)
{
	struct peer *peer = peers_at_port(n, leg->relay);

	return peer && leg_may_relay(peer) ? peer : NULL;
}

bool leg_resolve(const struct node *n, const struct way *way, struct way *wire)
{
	const struct leg *leg;
	const struct peer *relay;

	*wire = *way;
	if (!way->remote.leg)
		return true;
	leg = leg_find(n, way->remote.leg);
	relay = leg && leg->relay_index ? leg_relay_of(n, leg) : NULL;
	if (!relay)
		return false;
	*wire = relay->path.way;
	wire->remote.leg = leg->relay_index;
	return true;
}

const struct peer *leg_relay(const struct node *n, uint32_t leg)
{
	const struct leg *l = leg_find(n, leg);

	return l ? peers_at_port(n, l->relay) : NULL;
}

bool leg_is_lasting(const struct node *n, uint32_t leg)
{
	const struct leg *l = leg_find(n, leg);

	return l && l->lasting;
}

void leg_is_used(const struct node *n, uint32_t leg, uint64_t now_us)
{
	struct leg *l = leg ? leg_find(n, leg) : NULL;

	if (l)
		l->used_us = now_us;
}

const struct public_key *leg_far(const struct node *n, uint32_t leg)
{
	const struct leg *l = leg_find(n, leg);

	return l ? &l->far : NULL;
}

bool leg_may_lead_to(const struct node *n, const struct addr *remote,
		     const struct public_key *key)
{
	const struct public_key *far;

	if (!remote->leg)
		return true;
	far = leg_far(n, remote->leg);
	return far && public_key_equal(far, key);
}

void leg_is_bad(struct node *n, uint32_t leg, uint64_t now_us)
{
	struct leg *l = leg_find(n, leg);
	struct legs *all = n->legs;
	struct leg_bad *bad = NULL;

	if (!l)
		return;
	/* Whoever is found bad again takes no second place. */
	for (size_t i = 0; i < LEGS_BAD_MAX && !bad; i++)
		if (all->bad[i].relay == l->relay &&
		    public_key_equal(&all->bad[i].far, &l->far))
			bad = &all->bad[i];
	if (!bad)
		bad = &all->bad[all->bad_next++ % LEGS_BAD_MAX];
	*bad = (struct leg_bad){
		.relay = l->relay,
		.far = l->far,
		.until_us = now_us + LEGS_BAD_US,
	};
	all->bad_until_us = now_us + LEGS_BAD_US;
}

void leg_forget_bad(struct node *n, uint16_t relay)
{
	for (size_t i = 0; i < LEGS_BAD_MAX; i++)
		if (n->legs->bad[i].relay == relay)
			n->legs->bad[i].until_us = 0;
}

bool leg_was_bad(const struct node *n, uint16_t relay,
		 const struct public_key *far, uint64_t now_us)
{
	if (now_us >= n->legs->bad_until_us)
		return false;
	for (size_t i = 0; i < LEGS_BAD_MAX; i++) {
		const struct leg_bad *bad = &n->legs->bad[i];

		if (bad->until_us > now_us && bad->relay == relay &&
		    public_key_equal(&bad->far, far))
			return true;
	}
	return false;
}
