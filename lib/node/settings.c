/* What may change while a node runs; sessions that need not change stay. */
#include <stdlib.h>
#include <string.h>

#include "node/node_impl.h"

static void forget_endpoint(struct node *n, struct endpoint *e)
{
	if (e->sources || e->peer)
		return;
	handshake_cancel(n, e);
	endpoint_release(n, e);
}

/* True if the endpoint is taken; false if there is no room for it. */
static bool want_one(struct node *n, enum node_source source,
		     const struct addr *addr, uint64_t now_us)
{
	struct endpoint *e;

	e = endpoint_get(n, addr);
	if (!e)
		return false;
	/* Said once for each: these come from our owner, not from strangers. */
	if (e->why != ENDPOINT_RECURSION && endpoint_is_recursive(n, addr)) {
		e->why = ENDPOINT_RECURSION;
		node_emit(n, NODE_RECURSION, NULL, addr, NULL, "");
	}
	e->mark = n->want_mark;
	if (!e->sources && !timer_armed(&e->timer)) {
		uint64_t spread =
			node_jitter(n, NODE_SPREAD_US) - NODE_SPREAD_US * 3 / 4;

		e->attempts = 0;
		timers_set(&n->timers, &e->timer, now_us + spread);
	}
	e->sources |= 1u << source;
	return true;
}

size_t node_want(struct node *n, enum node_source source,
		 const struct addr *endpoints, size_t count, struct clock now)
{
	uint32_t at = TABLE_NONE;
	struct endpoint *e;
	size_t refused = 0;

	n->want_mark++;
	for (size_t i = 0; i < count; i++)
		if (!want_one(n, source, &endpoints[i], now.mono_us))
			refused++;
	while ((e = endpoints_next(&n->peers, &at))) {
		if (e->mark == n->want_mark || !(e->sources & (1u << source)))
			continue;
		e->sources &= ~(1u << source);
		forget_endpoint(n, e);
	}
	return refused;
}

static bool has_secret(const struct node *n, const uint8_t psk[KEY_LEN])
{
	for (size_t i = 0; i < n->secrets_count; i++)
		if (bytes_equal(n->secrets[i].psk, psk, KEY_LEN))
			return true;
	return false;
}

/* Sessions under a secret that is gone are wiped; any under another than the
 * first are made anew beside the old one. */
static void rekey_for_secrets(struct node *n, struct peer *peer,
			      uint64_t now_us)
{
	bool renew = false;

	for (size_t i = 0; i < PEERS_SESSIONS; i++) {
		struct session *s = &peer->sessions[i];

		if (s->stage == SESSION_NONE)
			continue;
		if (!has_secret(n, s->psk)) {
			peer_session_drop(n, peer, s);
			renew = true;
		} else if (s == peer->current &&
			   !bytes_equal(s->psk, n->secrets[0].psk, KEY_LEN)) {
			s->renew = true;
			renew = true;
		}
	}
	if (renew && peer->endpoint)
		endpoint_kick(n, peer->endpoint, now_us);
	if (renew)
		peer_arm(n, peer, now_us);
}

void node_set_secrets(struct node *n, const uint8_t (*secrets)[KEY_LEN],
		      size_t count, struct clock now)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer;
	struct endpoint *e;

	for (size_t i = 0; i < NODE_SECRETS_MAX; i++)
		secret_wipe(&n->secrets[i]);
	n->secrets_count =
		(uint32_t)(count < NODE_SECRETS_MAX ? count : NODE_SECRETS_MAX);
	for (size_t i = 0; i < n->secrets_count; i++)
		secret_init(&n->secrets[i], secrets[i]);
	while ((at = table_next(n->candidates, at)) != TABLE_NONE) {
		struct candidate *c = table_at(n->candidates, at);

		if (!has_secret(n, c->session.psk))
			candidate_drop(n, c);
	}
	at = TABLE_NONE;
	while ((e = endpoints_next(&n->peers, &at)))
		handshake_cancel(n, e);
	at = TABLE_NONE;
	while ((peer = peers_next(&n->peers, &at)))
		rekey_for_secrets(n, peer, now.mono_us);
}

void node_set_trusted(struct node *n, const struct public_key *trusted,
		      size_t count, struct clock now)
{
	struct public_key *copy = NULL;
	uint32_t at = TABLE_NONE;
	struct peer *peer;

	if (trusted) {
		/* An empty list trusts nobody, and is not "no list". */
		copy = calloc(count ? count : 1, sizeof(*copy));
		if (!copy)
			return;
		memcpy(copy, trusted, count * sizeof(*copy));
	}
	free(n->trusted);
	n->trusted = copy;
	n->config.trusted_count = count;
	while ((peer = peers_next(&n->peers, &at))) {
		struct addr where;

		if (node_trusts(n, &peer->key))
			continue;
		where = peer->endpoint->addr;
		peer_drop(n, peer, PEER_WHY_UNTRUSTED, now.mono_us);
		endpoint_blame(n, &where, ENDPOINT_UNTRUSTED);
	}
	at = TABLE_NONE;
	while ((at = table_next(n->candidates, at)) != TABLE_NONE) {
		struct candidate *c = table_at(n->candidates, at);

		if (!node_trusts(n, &c->key))
			candidate_drop(n, c);
	}
	at = TABLE_NONE;
	for (struct endpoint *e; (e = endpoints_next(&n->peers, &at));)
		if (e->why == ENDPOINT_UNTRUSTED && !e->peer && e->sources)
			timers_set(&n->timers, &e->timer, now.mono_us);
}

/* Tells every peer our hello again: its name or MTU changed. */
static void repeat_hellos(struct node *n, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer;

	while ((peer = peers_next(&n->peers, &at))) {
		if (!peer->current)
			continue;
		peer->current->hello_acked = false;
		peer->current->hello_us = now_us;
		peer_arm(n, peer, now_us);
	}
}

void node_set_name(struct node *n, const char *name, struct clock now)
{
	if (!wire_name_valid(name, strlen(name)) ||
	    !strcmp(name, n->config.name))
		return;
	memcpy(n->config.name, name, strlen(name) + 1);
	repeat_hellos(n, now.mono_us);
}

void node_set_tap_mtu(struct node *n, uint16_t mtu, struct clock now)
{
	if (mtu == n->config.tap_mtu)
		return;
	n->config.tap_mtu = mtu;
	repeat_hellos(n, now.mono_us);
}

void node_set_liveness(struct node *n, uint64_t interval_us,
		       uint32_t down_after, uint64_t expire_us,
		       struct clock now)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer;

	n->config.interval_us = interval_us;
	n->config.down_after = down_after;
	n->config.expire_us = expire_us;
	while ((peer = peers_next(&n->peers, &at)))
		peer_arm(n, peer, now.mono_us);
}

void node_set_tap_prefixes(struct node *n, const struct prefix *prefixes,
			   size_t count, struct clock now)
{
	uint32_t at = TABLE_NONE;
	struct endpoint *e;

	if (count > NODE_PREFIXES_MAX)
		count = NODE_PREFIXES_MAX;
	if (count)
		memcpy(n->prefixes, prefixes, count * sizeof(*prefixes));
	n->prefixes_count = count;
	while ((e = endpoints_next(&n->peers, &at))) {
		if (e->why == ENDPOINT_RECURSION &&
		    !endpoint_is_recursive(n, &e->addr)) {
			e->why = ENDPOINT_DIALLING;
			e->attempts = 0;
			timers_set(&n->timers, &e->timer, now.mono_us);
		}
	}
}
