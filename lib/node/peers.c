#include "node/peers.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

/* A text that ends in a colon is completed with the question about the port. */
static const char *const endpoint_why_texts[] = {
	[ENDPOINT_DIALLING] = "connecting",
	[ENDPOINT_NO_ANSWER] = "no answer:",
	[ENDPOINT_OTHER_SECRET] =
		"different secret? compare secret_file on both hosts",
	[ENDPOINT_UNTRUSTED] =
		"key not trusted: add it to trusted_keys, then reload",
	[ENDPOINT_DUPLICATE] =
		"duplicate key: its key is in use by another live host",
	[ENDPOINT_IGNORED] =
		"it ignores us: is this host's key a copy of another's?",
	[ENDPOINT_SELF] = "this host itself",
	[ENDPOINT_RECURSION] =
		"inside the interface's own network: use its outer address",
	[ENDPOINT_VERSION] = "another protocol version: upgrade the older one",
	[ENDPOINT_UNREACHABLE] =
		"unreachable: no route, or refused by a local filter",
	[ENDPOINT_FULL] = "peer table full",
};
static_assert(sizeof(endpoint_why_texts) / sizeof(char *) == ENDPOINT_WHY_COUNT,
	      "every reason has a text");

static const char *const peer_why_texts[] = {
	[PEER_WHY_NONE] = "",
	[PEER_WHY_HANDSHAKE] = "handshake not complete",
	[PEER_WHY_SILENT] = "no answer:",
	[PEER_WHY_DEAF] = "it does not hear us:",
	[PEER_WHY_BYE] = "stopped: it said goodbye",
	[PEER_WHY_EXPIRED] = "keys expired before a new handshake succeeded",
	[PEER_WHY_UNTRUSTED] = "key not trusted",
	[PEER_WHY_FULL] = "peer table full: a configured peer took its place",
};
static_assert(sizeof(peer_why_texts) / sizeof(char *) == PEER_WHY_COUNT,
	      "every reason has a text");

static const char *print_why(const char *text, uint16_t port, char *buf,
			     size_t len)
{
	size_t text_len = strlen(text);

	if (text_len && text[text_len - 1] == ':')
		snprintf(buf, len, "%s is UDP %u open both ways?", text, port);
	else
		snprintf(buf, len, "%s", text);
	return buf;
}

const char *endpoint_why_print(enum endpoint_why why, uint16_t port, char *buf,
			       size_t len)
{
	return print_why(endpoint_why_texts[why], port, buf, len);
}

const char *peer_why_print(enum peer_why why, uint16_t port, char *buf,
			   size_t len)
{
	return print_why(peer_why_texts[why], port, buf, len);
}

bool peers_init(struct peers *p, uint32_t peers_max,
		const uint8_t seed[TABLE_SEED_LEN])
{
	p->by_key = table_new(peers_max, KEY_LEN, sizeof(struct peer), seed);
	p->by_addr = table_new(3 * peers_max, ADDR_KEY_LEN,
			       sizeof(struct endpoint), seed);
	if (p->by_key && p->by_addr)
		return true;
	peers_free(p);
	return false;
}

void peers_free(struct peers *p)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer;
	struct endpoint *e;

	if (p->by_key) {
		while ((peer = peers_next(p, &at)))
			peers_remove(p, peer);
		table_free(p->by_key);
	}
	if (p->by_addr) {
		at = TABLE_NONE;
		while ((e = endpoints_next(p, &at)))
			endpoints_remove(p, e);
		table_free(p->by_addr);
	}
	memset(p, 0, sizeof(*p));
}

struct peer *peers_find(const struct peers *p, const struct public_key *key)
{
	return table_find(p->by_key, key->bytes);
}

struct peer *peers_add(struct peers *p, const struct public_key *key)
{
	struct peer *peer = table_insert(p->by_key, key->bytes);

	if (!peer)
		return NULL;
	peer->key = *key;
	peer->port = (uint16_t)(table_slot(p->by_key, peer) + 1);
	peer->state = PEER_CONNECTING;
	peer->why = PEER_WHY_HANDSHAKE;
	peer->rival = TABLE_NONE;
	return peer;
}

struct peer *peers_at_port(const struct peers *p, uint16_t port)
{
	return port ? table_at(p->by_key, port - 1u) : NULL;
}

struct peer *peers_next(const struct peers *p, uint32_t *at)
{
	*at = table_next(p->by_key, *at);
	return *at == TABLE_NONE ? NULL : table_at(p->by_key, *at);
}

struct endpoint *endpoints_next(const struct peers *p, uint32_t *at)
{
	*at = table_next(p->by_addr, *at);
	return *at == TABLE_NONE ? NULL : table_at(p->by_addr, *at);
}

bool peer_wanted(const struct peers *p, const struct peer *peer)
{
	uint32_t at = TABLE_NONE;
	const struct endpoint *e;

	while ((e = endpoints_next(p, &at)))
		if (e->peer == peer && e->sources)
			return true;
	return false;
}

struct peer *peers_longest_down(const struct peers *p)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer, *oldest = NULL;

	while ((peer = peers_next(p, &at)))
		if (peer->state == PEER_DOWN && !peer_wanted(p, peer) &&
		    (!oldest || peer->state_us < oldest->state_us))
			oldest = peer;
	return oldest;
}

struct peer *peers_last_up(const struct peers *p)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer, *last = NULL;

	while ((peer = peers_next(p, &at)))
		if (peer->state == PEER_UP && !peer_wanted(p, peer) &&
		    (!last || peer->state_us > last->state_us))
			last = peer;
	return last;
}

void peers_remove(struct peers *p, struct peer *peer)
{
	struct public_key key = peer->key;
	uint32_t at = TABLE_NONE;
	struct endpoint *e;

	while (p->by_addr && (e = endpoints_next(p, &at)))
		if (e->peer == peer)
			e->peer = NULL;
	for (size_t i = 0; i < PEERS_SESSIONS; i++)
		session_wipe(&peer->sessions[i]);
	table_remove(p->by_key, key.bytes);
}

struct endpoint *endpoints_find(const struct peers *p, const struct addr *addr)
{
	uint8_t key[ADDR_KEY_LEN];

	addr_key(addr, key);
	return table_find(p->by_addr, key);
}

struct endpoint *endpoints_add(struct peers *p, const struct addr *addr)
{
	uint8_t key[ADDR_KEY_LEN];
	struct endpoint *e;

	addr_key(addr, key);
	e = table_insert(p->by_addr, key);
	if (e)
		e->addr = *addr;
	return e;
}

void endpoints_remove(struct peers *p, struct endpoint *e)
{
	uint8_t key[ADDR_KEY_LEN];

	addr_key(&e->addr, key);
	noise_wipe(&e->pending.noise);
	bytes_wipe(e->cookie, sizeof(e->cookie));
	table_remove(p->by_addr, key);
}

struct session *peer_session_slot(struct peer *peer, bool we_are_smaller)
{
	struct session *worst = NULL;

	for (size_t i = 0; i < PEERS_SESSIONS; i++) {
		struct session *s = &peer->sessions[i];

		if (s->stage == SESSION_NONE)
			return s;
		if (s != peer->current &&
		    (!worst || session_better(worst, s, we_are_smaller)))
			worst = s;
	}
	return worst;
}

bool peer_choose_session(struct peer *peer, bool we_are_smaller,
			 uint64_t now_us)
{
	struct session *best = NULL, *before = peer->current;

	for (size_t i = 0; i < PEERS_SESSIONS; i++) {
		struct session *s = &peer->sessions[i];

		if (s->stage == SESSION_OPEN && !session_expired(s, now_us) &&
		    (!best || session_better(s, best, we_are_smaller)))
			best = s;
	}
	for (size_t i = 0; i < PEERS_SESSIONS; i++) {
		struct session *s = &peer->sessions[i];

		if (s == best)
			s->retire_us = CLOCK_NEVER;
		else if (best && s->stage == SESSION_OPEN &&
			 s->retire_us == CLOCK_NEVER)
			s->retire_us = now_us + SESSION_RETIRE_US;
	}
	peer->current = best;
	return best != before;
}
