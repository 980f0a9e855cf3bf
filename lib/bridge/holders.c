#include "bridge/holders.h"

#include <assert.h>
#include <stdlib.h>

/* What a port may hold of a full table, however many ports there are. */
#define SHARE_MIN 16

struct holder {
	uint32_t count;
	uint32_t hand;	     /* slot of one of its entries; TABLE_NONE: none */
	uint16_t next, prev; /* ports with the same count; HOLDERS_NONE: none */
};

struct holders {
	const struct table *table;
	struct holder *ports;
	uint16_t *first;   /* by count: a port that holds so many */
	uint32_t most;	   /* the largest count; 0: nobody holds anything */
	uint32_t ports_in; /* that hold something, the TAP's port among them */
};

struct holders *holders_new(const struct table *table, uint16_t ports)
{
	struct holders *h = calloc(1, sizeof(*h));
	const size_t counts = (size_t)table_capacity(table) + 1;

	if (!h)
		return NULL;
	h->table = table;
	h->ports = calloc(ports, sizeof(*h->ports));
	h->first = calloc(counts, sizeof(*h->first));
	if (!h->ports || !h->first) {
		holders_free(h);
		return NULL;
	}
	for (uint16_t i = 0; i < ports; i++)
		h->ports[i].hand = TABLE_NONE;
	for (size_t i = 0; i < counts; i++)
		h->first[i] = HOLDERS_NONE;
	return h;
}

void holders_free(struct holders *h)
{
	if (!h)
		return;
	free(h->ports);
	free(h->first);
	free(h);
}

/* ---- ports, by how many they hold ---- */

static void leave_list(struct holders *h, uint16_t port)
{
	const struct holder *p = &h->ports[port];

	if (p->prev != HOLDERS_NONE)
		h->ports[p->prev].next = p->next;
	else
		h->first[p->count] = p->next;
	if (p->next != HOLDERS_NONE)
		h->ports[p->next].prev = p->prev;
}

static void enter_list(struct holders *h, uint16_t port)
{
	struct holder *p = &h->ports[port];

	p->prev = HOLDERS_NONE;
	p->next = h->first[p->count];
	if (p->next != HOLDERS_NONE)
		h->ports[p->next].prev = port;
	h->first[p->count] = port;
}

/* By one more or less, so the largest count is the one it was, or next to it. */
static void set_count(struct holders *h, uint16_t port, uint32_t count)
{
	struct holder *p = &h->ports[port];

	h->ports_in += (count > 0 ? 1u : 0u) - (p->count > 0 ? 1u : 0u);
	if (port == 0) {
		p->count = count;
		return;
	}
	if (p->count > 0)
		leave_list(h, port);
	p->count = count;
	if (count > 0)
		enter_list(h, port);
	if (count > h->most)
		h->most = count;
	else if (h->most > 0 && h->first[h->most] == HOLDERS_NONE)
		h->most--;
}

uint32_t holders_count(const struct holders *h, uint16_t port)
{
	return h->ports[port].count;
}

uint16_t holders_most(const struct holders *h)
{
	return h->most ? h->first[h->most] : HOLDERS_NONE;
}

uint32_t holders_share(const struct holders *h)
{
	uint32_t share = table_capacity(h->table);

	if (h->ports_in)
		share /= h->ports_in;
	return share > SHARE_MIN ? share : SHARE_MIN;
}

/* ---- the ring of a port ---- */

static struct holding *at(const struct holders *h, uint32_t slot)
{
	return table_at(h->table, slot);
}

void holders_take(struct holders *h, struct holding *e, uint16_t port)
{
	struct holder *p = &h->ports[port];
	const uint32_t slot = table_slot(h->table, e);
	struct holding *hand = at(h, p->hand);

	e->port = port;
	e->next = e->prev = slot;
	if (hand) { /* behind the hand: it comes round to it last */
		e->next = p->hand;
		e->prev = hand->prev;
		at(h, hand->prev)->next = slot;
		hand->prev = slot;
	} else {
		p->hand = slot;
	}
	set_count(h, port, p->count + 1);
}

void holders_release(struct holders *h, struct holding *e)
{
	struct holder *p = &h->ports[e->port];
	const uint32_t slot = table_slot(h->table, e);

	assert(p->count > 0);
	at(h, e->prev)->next = e->next;
	at(h, e->next)->prev = e->prev;
	if (p->hand == slot)
		p->hand = e->next == slot ? TABLE_NONE : e->next;
	set_count(h, e->port, p->count - 1);
}

struct holding *holders_at_hand(const struct holders *h, uint16_t port)
{
	return at(h, h->ports[port].hand);
}

struct holding *holders_next(const struct holders *h, const struct holding *e)
{
	return at(h, e->next);
}

void holders_set_hand(struct holders *h, const struct holding *e)
{
	h->ports[e->port].hand = table_slot(h->table, e);
}
