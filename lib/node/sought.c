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
	all->told = calloc(n->config.peers_max + 1u, sizeof(*all->told));
	return all->by_key && all->told;
}

void sought_free(struct node *n)
{
	if (!n->search)
		return;
	table_free(n->search->by_key);
	free(n->search->told);
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

	n->search->told[s->informants[0]]--;
	table_remove(n->search->by_key, key.bytes);
}

/* The first stays the first, for it is the one that counts. */
static void add_informant(struct node *n, struct sought *s, uint16_t informant)
{
	size_t i = 0;

	while (i < SOUGHT_INFORMANTS && s->informants[i] &&
	       s->informants[i] != informant)
		i++;
	if (i == SOUGHT_INFORMANTS || s->informants[i])
		return;
	n->search->told[s->informants[0]]--;
	s->informants[i] = informant;
	n->search->told[s->informants[0]]++;
}

static void remove_informant(struct node *n, struct sought *s,
			     uint16_t informant)
{
	size_t kept = 0;

	n->search->told[s->informants[0]]--;
	for (size_t i = 0; i < SOUGHT_INFORMANTS; i++)
		if (s->informants[i] != informant)
			s->informants[kept++] = s->informants[i];
	while (kept < SOUGHT_INFORMANTS)
		s->informants[kept++] = 0;
	n->search->told[s->informants[0]]++;
}

static bool remove_one_of(struct node *n, uint16_t informant)
{
	uint32_t at = TABLE_NONE;
	struct sought *s;

	while ((s = sought_next(n, &at)))
		if (s->informants[0] == informant && !s->leg &&
		    !peers_find(n, &s->key)) {
			sought_remove(n, s);
			return true;
		}
	return false;
}

/* Of the hosts that are hearsay and not asked for at the moment, one that nobody tells of
 * any more, or one of the peer that told of most of them. Hosts that were peers are known
 * by more than hearsay. */
static void make_room(struct node *n, uint16_t informant, bool is_peer)
{
	const uint16_t *told = n->search->told;
	uint16_t most = 0;

	if (told[0] && remove_one_of(n, 0))
		return;
	for (uint32_t port = 1; port <= n->config.peers_max; port++)
		if (told[port] && (!most || told[port] > told[most]))
			most = (uint16_t)port;
	if (most && (is_peer || told[most] > told[informant] + 1))
		(void)remove_one_of(n, most);
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
		n->search->told[0]++;
		s->key = *key;
		s->next_us = now_us;
		if (public_key_compare(&n->key, key) > 0)
			s->next_us += GREATER_WAITS_US;
		sought_arm(n, s->next_us);
	}
	s->told_us = now_us;
	if (informant)
		add_informant(n, s, informant);
}

void sought_informant_gone(struct node *n, uint16_t port)
{
	uint32_t at = TABLE_NONE;
	struct sought *s;

	while ((s = sought_next(n, &at))) {
		port_set_remove(&s->tried, port);
		remove_informant(n, s, port);
	}
}

void sought_again(struct node *n, uint64_t at_us)
{
	uint32_t at = TABLE_NONE;
	struct sought *s;

	while ((s = sought_next(n, &at))) {
		if (s->leg || s->next_us <= at_us + CLOCK_S)
			continue;
		s->next_us = at_us + node_jitter(n, CLOCK_S);
		sought_arm(n, s->next_us);
	}
}
