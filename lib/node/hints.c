#include "node/hints.h"

#include <stdlib.h>
#include <string.h>

#include "node/peer.h"
#include "node/sought.h"

/* Room for twice as many as there may be peers: most have one address. */
#define HINTS_MAX(n) (2 * (n)->config.peers_max)
#define PORT_MIN     1024
#define AT_ADDRESS   2
#define IN_SUBNET    8

/* While some are dialled: to see that one is found. */
#define LOOK_US (250 * CLOCK_MS)
/* Until it is asked again what those nearby left it. */
#define NEAR_US (1 * CLOCK_S)

static const uint64_t pauses_us[] = { 10 * CLOCK_S, 60 * CLOCK_S,
				      600 * CLOCK_S };
#define PAUSES (sizeof(pauses_us) / sizeof(pauses_us[0]))

bool hints_init(struct node *n, const uint8_t seed[TABLE_SEED_LEN])
{
	struct hints *h = calloc(1, sizeof(*h));

	if (!h)
		return false;
	n->hints = h;
	h->by_addr = table_new(HINTS_MAX(n), ADDR_KEY_LEN, sizeof(struct hint),
			       seed);
	for (int c = 0; c < HINTS_CLASSES; c++)
		h->shares[c] = shares_new(HINTS_MAX(n), seed);
	h->informants = calloc(n->config.peers_max + 1, sizeof(*h->informants));
	h->timer.kind = NODE_TIMER_HINTS;
	return h->by_addr && h->shares[HINTS_ANYBODYS] &&
	       h->shares[HINTS_LISTED] && h->informants;
}

void hints_free(struct node *n)
{
	struct hints *h = n->hints;

	if (!h)
		return;
	table_free(h->by_addr);
	for (int c = 0; c < HINTS_CLASSES; c++)
		shares_free(h->shares[c]);
	free(h->informants);
	free(h);
}

static struct hint *hints_find(const struct node *n, const struct addr *addr)
{
	uint8_t key[ADDR_KEY_LEN];

	addr_key(addr, key);
	return table_find(n->hints->by_addr, key);
}

static struct hint *hints_next(const struct node *n, uint32_t *at)
{
	*at = table_next(n->hints->by_addr, *at);
	return *at == TABLE_NONE ? NULL : table_at(n->hints->by_addr, *at);
}

static struct informant *informant_of(const struct node *n,
				      const struct hint *hint)
{
	return &n->hints->informants[hint->informants[0]];
}

static struct addr without_port(const struct addr *a)
{
	struct addr out = *a;

	out.port = 0;
	return out;
}

static void no_longer_dialled(struct node *n, struct hint *hint)
{
	if (!hint->dialled)
		return;
	hint->dialled = false;
	n->hints->dialled--;
	n->hints->dialled_of[hint->class]--;
	informant_of(n, hint)->dialled--;
}

/* It is tried, for what its neighbours leave it. */
static bool count(struct node *n, struct hint *hint)
{
	const struct addr at = without_port(&hint->addr);

	if (!hint->counted)
		hint->counted = shares_add(n->hints->shares[hint->class], &at);
	return hint->counted;
}

static void forget(struct node *n, struct hint *hint)
{
	const struct addr at = without_port(&hint->addr);
	uint8_t key[ADDR_KEY_LEN];

	no_longer_dialled(n, hint);
	informant_of(n, hint)->told--;
	if (hint->counted)
		shares_remove(n->hints->shares[hint->class], &at);
	addr_key(&hint->addr, key);
	table_remove(n->hints->by_addr, key);
}

static void arm(struct node *n, uint64_t due_us)
{
	struct timer *t = &n->hints->timer;

	if (!timer_armed(t) || due_us < t->due_us)
		timers_set(&n->timers, t, due_us);
}

void hints_begin(struct node *n, uint64_t now_us)
{
	n->hints->young_until_us = now_us + HINTS_YOUNG_US;
}

bool hints_are_young(const struct node *n, uint64_t now_us)
{
	return now_us < n->hints->young_until_us;
}

/* Whoever has that key is not to be had at that address. */
static void seek(struct node *n, const struct hint *hint, uint64_t now_us)
{
	for (size_t i = 0; i < HINTS_INFORMANTS; i++)
		if (hint->informants[i] || i == 0)
			sought_want(n, &hint->key, hint->informants[i], now_us);
}

/* ---- what is told ---- */

static bool may_be_tried(const struct node *n, const struct public_key *key,
			 const struct addr *addr)
{
	return addr_is_unicast(addr) && !addr_is_loopback(addr) &&
	       !addr_is_link_local(addr) && addr->port >= PORT_MIN &&
	       !public_key_equal(key, &n->key) && node_trusts(n, key);
}

/* It is known already, or who has that key is. */
static bool is_known(const struct node *n, const struct public_key *key,
		     const struct addr *addr)
{
	struct peer *peer = peers_find(n, key);
	const struct endpoint *e = endpoints_find(n, addr);

	if (peer && peer->state == PEER_UP)
		peer->suggested = true;
	return (peer && peer->state == PEER_UP) ||
	       (e && (e->sources || e->peer));
}

/* One that failed is remembered as long as it may have to wait, or it would be told, and
 * tried, again; but whom a source lists is believed rather than anybody. */
static bool may_give_way(const struct hint *hint, bool to_listed,
			 uint64_t now_us)
{
	if (hint->dialled)
		return false;
	return !hint->failures || (to_listed && hint->class != HINTS_LISTED) ||
	       now_us - hint->failed_us >= pauses_us[PAUSES - 1];
}

/* A hint of the informant that told most, if that is more than one of the newcomer's
 * would be. */
static struct hint *find_victim(const struct node *n, uint16_t newcomer,
				uint64_t now_us)
{
	const struct informant *informants = n->hints->informants;
	struct hint *hint, *victim = NULL;
	uint32_t at = TABLE_NONE;
	uint32_t most = informants[newcomer].told + 1u;

	while ((hint = hints_next(n, &at))) {
		const struct informant *i = informant_of(n, hint);

		if (i->told <= most ||
		    !may_give_way(hint, informants[newcomer].listed, now_us))
			continue;
		most = i->told;
		victim = hint;
	}
	return victim;
}

static struct hint *insert(struct node *n, uint16_t informant,
			   const struct addr *addr, uint64_t now_us)
{
	struct hints *h = n->hints;
	uint8_t key[ADDR_KEY_LEN];
	struct hint *hint;

	if (table_count(h->by_addr) == table_capacity(h->by_addr)) {
		hint = find_victim(n, informant, now_us);
		if (!hint)
			return NULL;
		forget(n, hint);
	}
	addr_key(addr, key);
	hint = table_insert(h->by_addr, key);
	h->informants[informant].told++;
	return hint;
}

static void confirm(const struct node *n, struct hint *hint, uint16_t informant,
		    uint64_t now_us)
{
	hint->told_us = now_us;
	if (!hint->counted && n->hints->informants[informant].listed)
		hint->class = HINTS_LISTED;
	if (hint->informants[0] != informant && !hint->informants[1])
		hint->informants[1] = informant;
}

bool hints_add(struct node *n, uint16_t informant, const struct public_key *key,
	       const struct addr *addr, uint64_t now_us)
{
	struct hint *hint;

	if (is_known(n, key, addr)) {
		/* If that is another's address, this one is behind the same NAT, or
		 * came after it. */
		sought_want(n, key, informant, now_us + HINTS_UNHEARD_US);
		return true;
	}
	if (!may_be_tried(n, key, addr) ||
	    now_us < n->hints->informants[informant].mute_until_us)
		goto refused;
	hint = hints_find(n, addr);
	if (hint) {
		/* A liar may have named the address first, with a key of its own. */
		if (!hint->counted && n->hints->informants[informant].listed)
			hint->key = *key;
		else if (!public_key_equal(&hint->key, key))
			sought_want(n, key, informant,
				    now_us + HINTS_UNHEARD_US);
		confirm(n, hint, informant, now_us);
		return true;
	}
	hint = insert(n, informant, addr, now_us);
	if (!hint)
		goto refused;
	hint->addr = *addr;
	hint->key = *key;
	hint->informants[0] = informant;
	confirm(n, hint, informant, now_us);
	arm(n, now_us);
	return true;
refused:
	node_drop(n, DROP_hint_refused);
	return false;
}

void hints_informant_listed(struct node *n, uint16_t informant, bool listed)
{
	struct informant *i = &n->hints->informants[informant];

	i->listed = listed;
	if (listed)
		i->mute_until_us = 0;
}

void hints_informant_removed(struct node *n, uint16_t informant)
{
	struct informant *i = &n->hints->informants[informant];

	i->failed = 0;
	i->mute_until_us = 0;
}

/* Those that only it told of are nobody's now: port 0 is the TAP's. That it was not
 * worth listening to outlives that it is down, or else it need only come again. */
void hints_informant_gone(struct node *n, uint16_t informant)
{
	struct informant *i = &n->hints->informants[informant];
	uint32_t at = TABLE_NONE;
	struct hint *hint;

	i->listed = false;
	while ((hint = hints_next(n, &at))) {
		struct informant *next;

		if (hint->informants[1] == informant)
			hint->informants[1] = 0;
		if (hint->informants[0] != informant)
			continue;
		hint->informants[0] = hint->informants[1];
		hint->informants[1] = 0;
		next = informant_of(n, hint);
		i->told--;
		next->told++;
		i->dialled -= hint->dialled;
		next->dialled += hint->dialled;
	}
}

/* ---- what comes of it ---- */

static void found(struct node *n, struct hint *hint, struct endpoint *e)
{
	informant_of(n, hint)->failed = 0;
	if (e) {
		e->hinted = false;
		if (e->peer)
			e->peer->suggested = true;
		endpoint_release(n, e);
	}
	forget(n, hint);
}

/* What it told and was never tried is forgotten, too. */
static void mute(struct node *n, uint16_t informant, uint64_t now_us)
{
	struct informant *i = &n->hints->informants[informant];
	uint32_t at = TABLE_NONE;
	struct hint *hint;

	i->failed = 0;
	i->mute_until_us = now_us + HINTS_MUTE_US;
	while ((hint = hints_next(n, &at)))
		if (hint->informants[0] == informant && !hint->informants[1] &&
		    !hint->dialled && !hint->failures)
			forget(n, hint);
}

/* Something that it told was wrong. */
static void told_wrong(struct node *n, uint16_t informant, uint64_t now_us)
{
	struct informant *i = &n->hints->informants[informant];

	i->failed++;
	if (informant && !i->listed && i->failed >= HINTS_FAILED)
		mute(n, informant, now_us);
}

static void failed(struct node *n, struct hint *hint, uint64_t now_us)
{
	const uint16_t informant = hint->informants[0];
	/* Each counts once, however often it is tried again. */
	const bool first = hint->failures == 0;

	no_longer_dialled(n, hint);
	seek(n, hint, now_us);
	hint->failed_us = now_us;
	hint->next_us = now_us + node_jitter(n, pauses_us[hint->failures]);
	arm(n, hint->next_us);
	if (hint->failures + 1u < PAUSES)
		hint->failures++;
	if (first)
		told_wrong(n, informant, now_us);
}

bool hints_give_up(struct node *n, struct endpoint *e, uint64_t now_us)
{
	struct hint *hint;

	if (!e->hinted || e->sources || e->peer)
		return false;
	if (e->attempts < HINTS_TRIES * n->secrets_count &&
	    !endpoint_is_refused(e) && !e->pending.mirrored)
		return false;
	e->hinted = false;
	hint = hints_find(n, &e->addr);
	if (hint)
		failed(n, hint, now_us);
	return true;
}

/* ---- whose turn it is ---- */

static void reap(struct node *n, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct hint *hint;

	while (n->hints->dialled > 0 && (hint = hints_next(n, &at))) {
		struct endpoint *e;

		if (!hint->dialled)
			continue;
		e = endpoints_find(n, &hint->addr);
		if (!e || e->peer || e->sources || !timer_armed(&e->timer))
			found(n, hint, e);
		else if (now_us - hint->dialled_us >= HINTS_UNHEARD_US)
			seek(n, hint, now_us);
	}
}

static bool is_near_others(const struct node *n, const struct hint *hint)
{
	const struct addr at = without_port(&hint->addr);
	struct share_counts counts;

	if (hint->counted)
		return false;
	counts = shares_of(n->hints->shares[hint->class], &at);
	return counts.held[SHARES_LEVELS - 1] >= AT_ADDRESS ||
	       (!addr_is_v4(&at) &&
		counts.held[SHARES_LEVELS - 2] >= IN_SUBNET);
}

/* How far its informant is from its turn: those whose hints two tell of come before
 * all others. */
static uint32_t distance(const struct node *n, const struct hint *hint)
{
	const uint32_t ports = n->config.peers_max + 1;
	const uint32_t turn =
		(hint->informants[0] + ports - 1 - n->hints->last % ports) %
		ports;

	return hint->informants[1] ? turn : turn + ports;
}

/* Its class, and its informant, have room for one more. */
static bool has_room(const struct node *n, const struct hint *hint)
{
	const struct hints *h = n->hints;

	if (h->dialled_of[hint->class] >= HINTS_DIALLED - HINTS_DIALLED_EACH)
		return false;
	return hint->class == HINTS_LISTED ||
	       informant_of(n, hint)->dialled < HINTS_DIALLED_EACH;
}

/* The hint that is to be tried; NULL, and when there may be one: *due_us. */
static struct hint *choose(struct node *n, uint64_t now_us, uint64_t *due_us)
{
	struct hint *hint, *best[HINTS_CLASSES] = { NULL };
	const uint8_t turn = !n->hints->last_class;
	uint32_t at = TABLE_NONE;

	*due_us = CLOCK_NEVER;
	while ((hint = hints_next(n, &at))) {
		if (hint->dialled)
			continue;
		if (now_us - hint->told_us >= HINTS_FORGET_US) {
			forget(n, hint);
			continue;
		}
		if (hint->next_us <= now_us && is_near_others(n, hint)) {
			hint->next_us = now_us + NEAR_US;
			seek(n, hint, now_us);
		}
		if (hint->next_us > now_us) {
			*due_us = clock_earlier(*due_us, hint->next_us);
			continue;
		}
		if (has_room(n, hint) &&
		    (!best[hint->class] ||
		     distance(n, hint) < distance(n, best[hint->class])))
			best[hint->class] = hint;
	}
	return best[turn] ? best[turn] : best[!turn];
}

static bool leads_into_tap(const struct node *n, const struct addr *addr)
{
	return n->ops.leads_into_tap && n->ops.leads_into_tap(n->user, addr);
}

/* False if it is not to be dialled after all, and is gone. */
static bool dial(struct node *n, struct hint *hint, uint64_t now_us)
{
	const uint16_t informant = hint->informants[0];
	struct endpoint *e;

	n->hints->last = informant;
	n->hints->last_class = hint->class;
	if (is_known(n, &hint->key, &hint->addr)) {
		forget(n, hint);
		return false;
	}
	if (leads_into_tap(n, &hint->addr)) {
		node_drop(n, DROP_hint_refused);
		forget(n, hint);
		told_wrong(n, informant, now_us);
		return false;
	}
	e = endpoint_get(n, &hint->addr);
	if (!e) {
		node_drop(n, DROP_hint_refused);
		forget(n, hint);
		return false;
	}
	if (!count(n, hint)) {
		endpoint_release(n, e);
		hint->next_us = now_us + NEAR_US;
		return true;
	}
	e->hinted = true;
	e->attempts = 0;
	timers_set(&n->timers, &e->timer, now_us);
	hint->dialled = true;
	hint->dialled_us = now_us;
	n->hints->dialled++;
	n->hints->dialled_of[hint->class]++;
	informant_of(n, hint)->dialled++;
	return true;
}

static uint64_t pace_us(const struct node *n, uint64_t now_us)
{
	return hints_are_young(n, now_us) ? HINTS_PACE_YOUNG_US : HINTS_PACE_US;
}

void hints_stop(struct node *n)
{
	uint32_t at = TABLE_NONE;
	struct hint *hint;

	while ((hint = hints_next(n, &at)))
		if (!hint->dialled)
			forget(n, hint);
}

void hints_timer(struct node *n, uint64_t now_us)
{
	struct hints *h = n->hints;
	uint64_t due_us = CLOCK_NEVER;
	struct hint *hint = NULL;

	reap(n, now_us);
	if (!n->config.peer_exchange)
		hints_stop(n);
	while (h->dialled < HINTS_DIALLED && now_us >= h->next_us &&
	       (hint = choose(n, now_us, &due_us)))
		h->next_us =
			now_us + (dial(n, hint, now_us) ? pace_us(n, now_us)
							: HINTS_PACE_YOUNG_US);
	if (now_us < h->next_us)
		due_us = clock_earlier(due_us, h->next_us);
	if (h->dialled > 0)
		due_us = clock_earlier(due_us, now_us + LOOK_US);
	if (table_count(h->by_addr) > 0 && due_us != CLOCK_NEVER)
		arm(n, due_us);
}

void hints_peer_up(struct node *n, uint64_t now_us)
{
	if (n->hints->dialled > 0)
		arm(n, now_us);
}
