#include "node/plain_peers.h"

#include <string.h>

#include "node/peer.h"
#include "node/plain_groups.h"
#include "node/wanted.h"

/* As the kernel forgets what it learned of a path: ip-sysctl, mtu_expires. */
#define RAISE_US (600 * CLOCK_S)
/* So long an address that was found to be ours is nobody else's. */
#define SELF_US (60 * CLOCK_S)
/* So long nothing came to the address that a peer is answered from, before another
 * is taken. */
#define ASKED_US (10 * CLOCK_S)

/* ---- by address ---- */

static void place_key(const struct addr *addr, uint8_t key[ADDR_KEY_LEN])
{
	struct addr host = *addr;

	host.port = 0;
	addr_key(&host, key);
}

static bool same_host(const struct addr *a, const struct addr *b)
{
	return memcmp(a->ip, b->ip, sizeof(a->ip)) == 0 && a->scope == b->scope;
}

struct peer *plain_peers_at(const struct node *n, const struct addr *addr)
{
	uint8_t key[ADDR_KEY_LEN];
	struct peer *const *place;

	place_key(addr, key);
	place = table_find(n->plain->places, key);
	return place ? *place : NULL;
}

static void put_place(struct node *n, const struct addr *addr,
		      struct peer *peer)
{
	uint8_t key[ADDR_KEY_LEN];
	struct peer **place;

	place_key(addr, key);
	place = table_insert(n->plain->places, key);
	if (place && !*place)
		*place = peer;
}

static void clear_places(struct node *n)
{
	uint32_t at = TABLE_NONE;

	while ((at = table_next(n->plain->places, at)) != TABLE_NONE) {
		const void *place = table_at(n->plain->places, at);
		uint8_t key[ADDR_KEY_LEN];

		memcpy(key, table_key(n->plain->places, place), sizeof(key));
		table_remove(n->plain->places, key);
	}
}

/* ---- sizes ---- */

static void note_size_min(struct node *n)
{
	uint32_t at = TABLE_NONE;
	const struct peer *peer;

	n->plain->size_min = SIZE_MAX;
	while ((peer = peers_next(n, &at)))
		if (peer->path.pmtu.size &&
		    peer->path.pmtu.size < n->plain->size_min)
			n->plain->size_min = peer->path.pmtu.size;
}

/* What the user says of the underlay, or 0. */
static uint16_t configured_size(const struct node *n, const struct addr *to)
{
	uint16_t headers = addr_is_v4(to) ? IPV4_HEADER_MIN : IPV6_HEADER_LEN;

	if (n->config.encapsulation == NODE_VXLAN)
		headers += UDP_HEADER_LEN;
	return n->config.underlay_mtu > headers
		       ? (uint16_t)(n->config.underlay_mtu - headers)
		       : 0;
}

void plain_peers_too_big(struct node *n, struct peer *peer, size_t size,
			 uint64_t now_us)
{
	struct pmtu *p = &peer->path.pmtu;

	if (p->size && size > p->size)
		return; /* it was on its way when we were told before */
	p->size = pmtu_size_below(size);
	p->raise_us = now_us + RAISE_US;
	note_size_min(n);
}

void plain_peers_age(struct node *n, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer;

	while ((peer = peers_next(n, &at)))
		if (now_us >= peer->path.pmtu.raise_us)
			peer->path.pmtu.size =
				configured_size(n, &peer->path.way.remote);
	note_size_min(n);
}

/* ---- who is one ---- */

/* Its address, where others have their key. */
static struct public_key key_of(const struct addr *addr)
{
	struct public_key key = { .bytes = { 0 } };

	static_assert(sizeof(key.bytes) >= ADDR_KEY_LEN, "there is room");
	place_key(addr, key.bytes);
	return key;
}

static bool is_usable(const struct endpoint *e)
{
	return e->sources && !e->into_tap && e->reason != ENDPOINT_SELF;
}

/* How many IPv4 addresses the endpoint's host is listed with; *one is one of them. */
static unsigned v4_of_host(const struct node *n, const struct endpoint *e,
			   const struct endpoint **one)
{
	const uint16_t host = wanted_host(n, e);
	const struct endpoint *other;
	uint32_t at = TABLE_NONE;
	unsigned count = 0;

	*one = NULL;
	while ((other = endpoints_next(n, &at))) {
		if (!is_usable(other) || !addr_is_v4(&other->addr) ||
		    wanted_host(n, other) != host ||
		    (*one && same_host(&(*one)->addr, &other->addr)))
			continue;
		*one = other;
		count++;
	}
	return count;
}

/* It is reached at this address, rather than another of its. */
static bool is_reached_here(const struct node *n, const struct endpoint *e)
{
	const struct endpoint *v4;

	return is_usable(e) &&
	       (addr_is_v4(&e->addr) || v4_of_host(n, e, &v4) == 0);
}

static void remove_peers(struct node *n, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer;

	while ((peer = peers_next(n, &at))) {
		if (is_reached_here(n, peer->endpoint))
			continue;
		plain_groups_remove(n, peer);
		peer_drop(n, peer, PEER_REASON_UNLISTED, now_us);
	}
}

static struct peer *add_peer(struct node *n, struct endpoint *e,
			     uint64_t now_us)
{
	const struct public_key key = key_of(&e->addr);
	struct peer *peer = peers_add(n, &key, now_us);
	char text[ADDR_STRLEN];

	if (!peer)
		return NULL;
	static_assert(sizeof(peer->name) <= ADDR_STRLEN, "cut, if it must be");
	addr_print_host(&e->addr, text);
	memcpy(peer->name, text, strnlen(text, sizeof(peer->name) - 1));
	e->peer = peer;
	e->users++;
	peer->endpoint = e;
	peer->path.way.remote = e->addr;
	peer->path.pmtu.size = configured_size(n, &e->addr);
	peer->state = PEER_UP;
	peer->reason = PEER_REASON_NONE;
	endpoint_answers(e);
	bridge_port_set_live(n->bridge, peer->port, true);
	plain_groups_add(n, peer, now_us);
	peer_emit(n, NODE_PEER_UP, peer, &e->addr, NULL, "");
	return peer;
}

static size_t add_peers(struct node *n, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct endpoint *e;
	size_t refused = 0;

	while ((e = endpoints_next(n, &at))) {
		struct public_key key = key_of(&e->addr);

		if (e->peer || !is_reached_here(n, e))
			continue;
		e->peer = peers_find(n, &key);
		if (e->peer || add_peer(n, e, now_us))
			continue;
		e->reason = ENDPOINT_FULL;
		refused++;
	}
	return refused;
}

/* Addresses that are not sent to belong to a peer, too, where it is clear to which. */
static void note_places(struct node *n)
{
	uint32_t at = TABLE_NONE;
	const struct endpoint *v4;
	struct endpoint *e;
	struct peer *peer;

	clear_places(n);
	while ((peer = peers_next(n, &at)))
		put_place(n, &peer->endpoint->addr, peer);
	at = TABLE_NONE;
	while ((e = endpoints_next(n, &at))) {
		if (is_reached_here(n, e) || !is_usable(e) ||
		    v4_of_host(n, e, &v4) != 1)
			continue;
		e->peer = v4->peer;
		if (e->peer)
			put_place(n, &e->addr, e->peer);
	}
}

/* Whose the other addresses are is found out again; some are ourselves. */
static void forget_others(struct node *n)
{
	uint32_t at = TABLE_NONE;
	struct endpoint *e;

	n->plain->selves = 0;
	while ((e = endpoints_next(n, &at))) {
		n->plain->selves += e->sources && e->reason == ENDPOINT_SELF;
		if (!e->peer || e->peer->endpoint == e)
			continue;
		e->peer = NULL;
		endpoint_release(n, e);
	}
}

size_t plain_peers_review(struct node *n, uint64_t now_us)
{
	size_t refused;

	wanted_review(n);
	forget_others(n);
	remove_peers(n, now_us);
	refused = add_peers(n, now_us);
	note_places(n);
	note_size_min(n);
	memset(n->plain->own, 0, sizeof(n->plain->own));
	return refused;
}

/* ---- ourselves ---- */

/* True if there is one, and it was not known. */
static bool note_self(struct node *n, const struct addr *own, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct endpoint *e;
	bool found = false;

	while ((e = endpoints_next(n, &at))) {
		if (!is_usable(e) || !same_host(&e->addr, own))
			continue;
		e->reason = ENDPOINT_SELF;
		e->self_us = now_us;
		node_emit(n, (struct node_event){ .type = NODE_SELF,
						  .at = e->addr });
		found = true;
	}
	return found;
}

/* An address that was ours is another host's now. Not so soon: a program on this host,
 * too, may send from one of its addresses to another. */
static bool is_other_now(struct node *n, const struct addr *addr,
			 uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct endpoint *e;
	bool found = false;

	while ((e = endpoints_next(n, &at))) {
		if (e->reason != ENDPOINT_SELF || !same_host(&e->addr, addr) ||
		    now_us - e->self_us < SELF_US)
			continue;
		e->reason = ENDPOINT_DIALLING;
		found = true;
	}
	return found;
}

/* Looks whether an address of ours is listed, if it was not seen lately. */
static void note_own(struct node *n, const struct addr *own, uint64_t now_us)
{
	struct plain *p = n->plain;

	for (size_t i = 0; i < PLAIN_OWN_MAX; i++)
		if (same_host(own, &p->own[i]))
			return;
	if (note_self(n, own, now_us))
		plain_peers_review(n, now_us);
	p->own[p->own_next++ % PLAIN_OWN_MAX] = *own;
}

struct peer *plain_peers_heard(struct node *n, const struct way *from,
			       uint64_t now_us)
{
	struct peer *peer;

	if (way_is_pinned(from))
		note_own(n, &from->local, now_us);
	peer = plain_peers_at(n, &from->remote);
	if (peer || !n->plain->selves || !way_is_pinned(from) ||
	    addr_is_loopback(&from->local) ||
	    same_host(&from->local, &from->remote) ||
	    !is_other_now(n, &from->remote, now_us))
		return peer;
	plain_peers_review(n, now_us);
	return plain_peers_at(n, &from->remote);
}

void plain_peers_asked(struct node *n, struct peer *peer,
		       const struct way *from, uint64_t now_us)
{
	struct plain_port *p = &n->plain->ports[peer->port];
	struct way *way = &peer->path.way;

	if (!way_is_pinned(from) ||
	    addr_is_v4(&from->local) != addr_is_v4(&way->remote))
		return;
	if (way_is_pinned(way) && !same_host(&from->local, &way->local) &&
	    now_us - p->asked_us < ASKED_US)
		return;
	way->local = from->local;
	p->asked_us = now_us;
}
