#include "node/observed.h"

#include <string.h>

/*
 * An echo carries the address that its probe came from, as its sender saw it. What is
 * told to others is the sum of that: at most four, those that most peers say. A peer that
 * this host's own sources list has more weight than all others, of which a liar has as many
 * as it likes.
 *
 * No peer's word is more than a word: one that lies has others probe an address a few
 * times. So nothing else follows from it. It is never filtered by, and this host does
 * not know itself by it.
 */

/* A peer that says another address each time makes little work. */
#define OBSERVED_EVERY_US (1 * CLOCK_S)
/* Different ones that are counted. */
#define COUNTED_MAX 16

struct count {
	struct addr addr;
	uint32_t weight;
};

#define WEIGHT_LISTED NODE_PEERS_MAX

bool observed_is_private(const struct addr *addr)
{
	static const struct {
		uint8_t ip[2];
		uint8_t mask[2];
	} nets[] = { { { 10, 0 }, { 0xff, 0 } },
		     { { 172, 16 }, { 0xff, 0xf0 } },
		     { { 192, 168 }, { 0xff, 0xff } },
		     { { 100, 64 }, { 0xff, 0xc0 } } };
	const uint8_t *v4 = addr->ip + 12;

	if (!addr_is_v4(addr))
		return (addr->ip[0] & 0xfe) == 0xfc;
	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++)
		if ((v4[0] & nets[i].mask[0]) == nets[i].ip[0] &&
		    (v4[1] & nets[i].mask[1]) == nets[i].ip[1])
			return true;
	return false;
}

/* ---- what one peer says ---- */

void observed_echo(struct node *n, const struct reading *r,
		   const struct wire_probe *echo)
{
	struct punch_state *p = &r->peer->punch;
	const struct addr *addr = &echo->observed;

	if (r->from->remote.leg || !path_goes(&r->peer->path, r->from) ||
	    !addr_is_unicast(addr) || addr->port == 0)
		return;
	if (p->observed_us && addr_equal(addr, &p->observed) &&
	    addr_equal(&r->from->local, &p->of))
		return;
	if (p->observed_us && r->now_us - p->observed_us < OBSERVED_EVERY_US)
		return;
	p->observed = *addr;
	p->observed.leg = 0;
	/* Which of our interfaces it is on only we know. */
	p->observed.scope = addr_is_link_local(addr) ? r->from->local.scope : 0;
	p->of = r->from->local;
	p->observed_us = r->now_us;
	n->observed.stale = true;
}

void observed_forget(struct node *n, struct peer *peer)
{
	if (peer->punch.observed_us)
		n->observed.stale = true;
	peer->punch.observed_us = 0;
}

/* ---- the sum ---- */

static bool same_ip(const struct addr *a, const struct addr *b)
{
	return memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static size_t count_one(struct count *counts, size_t count,
			const struct addr *addr, uint32_t weight)
{
	size_t i = 0;

	while (i < count && !addr_equal(&counts[i].addr, addr))
		i++;
	if (i == COUNTED_MAX)
		return count;
	if (i == count)
		counts[count++] = (struct count){ .addr = *addr };
	counts[i].weight += weight;
	return count;
}

/* First, so that they find a place among those that are counted. */
static size_t count_listed(const struct node *n, struct count *counts)
{
	const struct peer *peer;
	uint32_t at = TABLE_NONE;
	size_t count = 0;

	while ((peer = peers_next(n, &at)))
		if (peer->punch.observed_us && peer->wanted)
			count = count_one(counts, count, &peer->punch.observed,
					  WEIGHT_LISTED);
	return count;
}

static void add_local(struct observed *o, const struct addr *local)
{
	size_t i = 0;

	while (i < o->local_count && !addr_equal(&o->local[i], local))
		i++;
	if (i == o->local_count && i < OBSERVED_MAX)
		o->local[o->local_count++] = *local;
}

static bool is_translated(const struct punch_state *p)
{
	return p->of.port && !addr_equal(&p->observed, &p->of);
}

/* Two that see one address of ours as two. A peer in our own network sees it as it
 * is, whatever the NAT does. */
static void compare(struct observed *o, const struct punch_state *p,
		    const struct punch_state **other)
{
	if (!is_translated(p))
		return;
	o->translated = true;
	if (*other && addr_equal(&p->of, &(*other)->of) &&
	    !addr_equal(&p->observed, &(*other)->observed))
		o->symmetric = true;
	*other = p;
}

static void take_most(struct observed *o, struct count *counts, size_t count)
{
	while (o->seen_count < OBSERVED_MAX) {
		struct count *most = NULL;

		for (size_t i = 0; i < count; i++)
			if (counts[i].weight &&
			    (!most || counts[i].weight > most->weight))
				most = &counts[i];
		if (!most)
			return;
		o->seen[o->seen_count++] = most->addr;
		most->weight = 0;
	}
}

void observed_sum(const struct node *n, struct observed *o)
{
	struct count counts[COUNTED_MAX];
	const struct punch_state *other = NULL;
	const struct peer *peer;
	uint32_t at = TABLE_NONE;
	size_t count;

	peers_note_wanted(n);
	count = count_listed(n, counts);
	*o = (struct observed){ .stale = false };
	while ((peer = peers_next(n, &at))) {
		const struct punch_state *p = &peer->punch;

		if (!p->observed_us)
			continue;
		if (!peer->wanted)
			count = count_one(counts, count, &p->observed, 1);
		if (p->of.port && observed_is_private(&p->of))
			add_local(o, &p->of);
		compare(o, p, &other);
	}
	take_most(o, counts, count);
}

const struct observed *observed_of(struct node *n)
{
	if (n->observed.stale)
		observed_sum(n, &n->observed);
	return &n->observed;
}

bool observed_shares_ip(struct node *n, const struct addr *addr)
{
	const struct observed *o = observed_of(n);

	for (size_t i = 0; i < o->seen_count; i++)
		if (same_ip(&o->seen[i], addr))
			return true;
	return false;
}
