#include "node/sought.h"

#include <stdlib.h>

/* Of two hosts that seek each other, the one with the greater key waits for the other to
 * ask. */
#define GREATER_WAITS_US (1500 * CLOCK_MS)

bool sought_init(struct node *n, const uint8_t seed[TABLE_SEED_LEN])
{
	struct search *all = calloc(1, sizeof(*all));

	if (!all)
		return false;
	n->search = all;
	all->timer.kind = NODE_TIMER_SEEK;
	all->last = TABLE_NONE;
	all->by_key =
		table_new(SOUGHT_MAX(n), KEY_LEN, sizeof(struct sought), seed);
	return all->by_key != NULL;
}

void sought_free(struct node *n)
{
	if (n->search)
		table_free(n->search->by_key);
	free(n->search);
}

void sought_arm(struct node *n, uint64_t due_us)
{
	struct timer *t = &n->search->timer;

	if (!timer_armed(t) || due_us < t->due_us)
		timers_set(&n->timers, t, due_us);
}

struct sought *sought_find(const struct node *n, const struct public_key *key)
{
	return table_find(n->search->by_key, key->bytes);
}

struct sought *sought_next(const struct node *n, uint32_t *at)
{
	*at = table_next(n->search->by_key, *at);
	return *at == TABLE_NONE ? NULL : table_at(n->search->by_key, *at);
}

void sought_remove(struct node *n, struct sought *s)
{
	const struct public_key key = s->key;

	table_remove(n->search->by_key, key.bytes);
}

static void add_informant(struct sought *s, uint16_t informant)
{
	uint16_t *free_place = NULL;

	for (size_t i = 0; i < SOUGHT_INFORMANTS; i++) {
		if (s->informants[i] == informant)
			return;
		if (!s->informants[i] && !free_place)
			free_place = &s->informants[i];
	}
	if (free_place)
		*free_place = informant;
}

/* Of the hosts that are hearsay and not asked for at the moment, one of the peer that
 * told of most of them. Hosts that were peers are known by more than hearsay. */
static void make_room(struct node *n, uint16_t informant, bool is_peer)
{
	uint16_t of[NODE_PEERS_MAX + 1] = { 0 }, most = 0;
	uint32_t at = TABLE_NONE;
	struct sought *s;

	while ((s = sought_next(n, &at)))
		if (s->informants[0] && !s->leg &&
		    ++of[s->informants[0]] > of[most])
			most = s->informants[0];
	if (!most || (!is_peer && of[most] <= of[informant] + 1))
		return;
	while ((s = sought_next(n, &at)))
		if (s->informants[0] == most && !s->leg &&
		    !peers_find(n, &s->key)) {
			sought_remove(n, s);
			return;
		}
}

static struct sought *add(struct node *n, const struct public_key *key,
			  uint16_t informant, bool is_peer)
{
	struct sought *s = table_insert(n->search->by_key, key->bytes);

	if (!s) {
		make_room(n, informant, is_peer);
		s = table_insert(n->search->by_key, key->bytes);
	}
	return s;
}

void sought_want(struct node *n, const struct public_key *key,
		 uint16_t informant, uint64_t now_us)
{
	const struct peer *peer;
	struct sought *s;

	if (n->plain || public_key_equal(key, &n->key) || !node_trusts(n, key))
		return;
	peer = peers_find(n, key);
	if (peer && peer->state == PEER_UP)
		return;
	s = sought_find(n, key);
	if (!s) {
		s = add(n, key, informant, peer != NULL);
		if (!s)
			return;
		s->key = *key;
		s->next_us = now_us;
		if (public_key_compare(&n->key, key) > 0)
			s->next_us += GREATER_WAITS_US;
		sought_arm(n, s->next_us);
	}
	s->told_us = now_us;
	if (informant)
		add_informant(s, informant);
}

void sought_informant_gone(struct node *n, uint16_t port)
{
	uint32_t at = TABLE_NONE;
	struct sought *s;

	while ((s = sought_next(n, &at))) {
		port_set_remove(&s->tried, port);
		for (size_t i = 0; i < SOUGHT_INFORMANTS; i++)
			if (s->informants[i] == port)
				s->informants[i] = 0;
	}
}

void sought_again(struct node *n, uint64_t at_us)
{
	uint32_t at = TABLE_NONE;
	struct sought *s;

	while ((s = sought_next(n, &at))) {
		const uint64_t soon_us = at_us + node_jitter(n, CLOCK_S);

		if (s->leg || s->next_us <= soon_us)
			continue;
		s->next_us = soon_us;
		sought_arm(n, soon_us);
	}
}
