/* Hosts whose memory is copied, or put back: told again what they were told. */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define TYPE_DATA 4
/* receiver(4) salt(4) counter(4) after type(1) lane(1) salt(2): all of the nonce, and
 * what names the key. */
#define NONCE_LEN 16

enum told { TOLD_WANT, TOLD_UDP, TOLD_TAP, TOLD_TICK, TOLD_RANDOM };

/* One datagram run or frame of it. */
struct piece {
	struct addr remote, local;
	size_t len, segment_len;
	struct offload offload;
	uint8_t *bytes;
};

struct call {
	enum told told;
	uint64_t at_us;
	struct clock clock;
	uint64_t sent; /* a digest of all that was sent before */
	struct piece *pieces;
	size_t count;
	struct rng random, salts; /* from then on: TOLD_RANDOM */
};

struct memory {
	struct call *calls;
	size_t count, capacity;
	struct rng random, salts; /* when it started */
	struct clock clock;
	uint64_t sent;
	bool made; /* it is being made */
};

/* Of all hosts with a memory, by digests. */
struct nonces {
	uint64_t *slots; /* 0: free */
	size_t count, capacity;
};

/* ---- nonces ---- */

static bool nonce_is_new(struct nonces *n, uint64_t digest)
{
	size_t at = (size_t)(digest % n->capacity);

	while (n->slots[at] && n->slots[at] != digest)
		at = (at + 1) % n->capacity;
	if (n->slots[at])
		return false;
	n->slots[at] = digest;
	n->count++;
	return true;
}

static void nonces_grow(struct nonces *n)
{
	struct nonces old = *n;

	if (2 * n->count < n->capacity)
		return;
	n->capacity = n->capacity ? 2 * n->capacity : 4096;
	n->count = 0;
	n->slots = test_zalloc(n->capacity, sizeof(*n->slots));
	for (size_t i = 0; i < old.capacity; i++)
		if (old.slots[i])
			nonce_is_new(n, old.slots[i]);
	free(old.slots);
}

void nonces_free(struct sim *s)
{
	if (s->nonces)
		free(s->nonces->slots);
	free(s->nonces);
}

/* The other end of the key is named by its index; of this end there is one identity. */
static void check_nonce(struct host *h, const uint8_t *bytes, size_t len)
{
	struct sim *s = h->sim;

	if (len < NONCE_LEN || bytes[0] != TYPE_DATA)
		return;
	if (!s->nonces)
		s->nonces = test_zalloc(1, sizeof(*s->nonces));
	nonces_grow(s->nonces);
	if (!nonce_is_new(
		    s->nonces,
		    digest_u64(digest_bytes(1, bytes, NONCE_LEN), h->identity) |
			    1))
		sim_fail(s, "h%u uses a nonce that was used before", h->index);
}

bool memory_sends(struct host *h, const uint8_t *bytes, size_t len)
{
	struct memory *m = h->memory;

	if (!m)
		return false;
	m->sent = digest_bytes(m->sent, bytes, len);
	if (!m->made)
		check_nonce(h, bytes, len);
	return m->made;
}

bool memory_is_made(const struct host *h)
{
	return h->memory && h->memory->made;
}

/* ---- what it is told ---- */

void memory_keep(struct sim *s, unsigned host)
{
	struct host *h = &s->hosts[host];

	h->memory = test_zalloc(1, sizeof(*h->memory));
	h->salts = rng_init(rng_u64(&s->net.rng));
	s->copies = true;
}

static void forget_from(struct memory *m, size_t from)
{
	for (size_t i = from; i < m->count; i++) {
		for (size_t j = 0; j < m->calls[i].count; j++)
			free(m->calls[i].pieces[j].bytes);
		free(m->calls[i].pieces);
	}
	m->count = from;
}

void memory_free(struct host *h)
{
	if (!h->memory)
		return;
	forget_from(h->memory, 0);
	free(h->memory->calls);
	free(h->memory);
	h->memory = NULL;
}

void memory_start(struct host *h)
{
	struct memory *m = h->memory;

	if (!m)
		return;
	forget_from(m, 0);
	m->random = h->random;
	m->salts = h->salts;
	m->clock = host_clock(h);
	m->sent = 0;
}

/* NULL: nobody keeps it. */
static struct call *keep(struct host *h, enum told told, size_t count)
{
	struct memory *m = h->memory;
	struct call *c;

	if (!m)
		return NULL;
	if (m->count == m->capacity) {
		m->capacity = m->capacity ? 2 * m->capacity : 1024;
		m->calls =
			test_realloc(m->calls, m->capacity * sizeof(*m->calls));
	}
	c = &m->calls[m->count++];
	*c = (struct call){ .told = told,
			    .at_us = h->sim->net.now_us,
			    .clock = host_clock(h),
			    .sent = m->sent,
			    .count = count };
	c->pieces = test_zalloc(count + 1, sizeof(*c->pieces));
	return c;
}

void memory_want(struct host *h)
{
	struct call *c = keep(h, TOLD_WANT, h->want_count);

	for (size_t i = 0; c && i < c->count; i++)
		c->pieces[i].remote = h->wants[i];
}

void memory_udp(struct host *h, const struct datagram_run *runs, size_t n)
{
	struct call *c = keep(h, TOLD_UDP, n);

	for (size_t i = 0; c && i < n; i++)
		c->pieces[i] = (struct piece){
			.remote = runs[i].remote,
			.local = runs[i].local,
			.len = runs[i].len,
			.segment_len = runs[i].segment_len,
			.bytes = test_copy(runs[i].data, runs[i].len),
		};
}

void memory_tap(struct host *h, const struct frame *frames, size_t n)
{
	struct call *c = keep(h, TOLD_TAP, n);

	for (size_t i = 0; c && i < n; i++)
		c->pieces[i] = (struct piece){
			.len = frames[i].iov->iov_len,
			.offload = frames[i].offload,
			.bytes = test_copy(frames[i].iov->iov_base,
					   frames[i].iov->iov_len),
		};
}

/* Its generators are others from now on. */
static void reseed(struct host *h, bool all)
{
	struct call *c = keep(h, TOLD_RANDOM, 0);

	h->salts = rng_init(rng_u64(&h->sim->net.rng));
	if (all)
		h->random = rng_init(rng_u64(&h->sim->net.rng));
	c->random = h->random;
	c->salts = h->salts;
}

void memory_tick(struct host *h)
{
	keep(h, TOLD_TICK, 0);
}

/* ---- told again ---- */

static void tell_want(struct host *h, const struct call *c)
{
	struct addr wants[HOST_WANTS_MAX];

	for (size_t i = 0; i < c->count; i++)
		wants[i] = c->pieces[i].remote;
	node_want(h->node, NODE_SOURCE_PEERS, wants, c->count, c->clock);
}

/* A copy of the bytes with room before them, for the node may change both. */
static uint8_t *lend(const struct piece *p, size_t room)
{
	uint8_t *block = test_alloc(room + p->len);

	memcpy(block + room, p->bytes, p->len);
	return block;
}

static void tell_udp(struct host *h, const struct call *c)
{
	struct datagram_run *runs = test_zalloc(c->count, sizeof(*runs));

	for (size_t i = 0; i < c->count; i++) {
		const struct piece *p = &c->pieces[i];

		runs[i] = (struct datagram_run){
			.remote = p->remote,
			.local = p->local,
			.len = p->len,
			.segment_len = p->segment_len,
			.data = lend(p, 0),
		};
	}
	node_from_udp(h->node, runs, c->count, c->clock);
	for (size_t i = 0; i < c->count; i++)
		free(runs[i].data);
	free(runs);
}

static void tell_tap(struct host *h, const struct call *c)
{
	struct frame *frames = test_zalloc(c->count, sizeof(*frames));
	struct iovec *iov = test_zalloc(c->count, sizeof(*iov));

	for (size_t i = 0; i < c->count; i++) {
		const struct piece *p = &c->pieces[i];
		uint8_t *block = lend(p, FRAME_HEADROOM);

		iov[i] = (struct iovec){ block + FRAME_HEADROOM, p->len };
		frames[i] = (struct frame){ &iov[i], 1, p->offload };
	}
	node_from_tap(h->node, frames, c->count, c->clock);
	for (size_t i = 0; i < c->count; i++)
		free((uint8_t *)iov[i].iov_base - FRAME_HEADROOM);
	free(frames);
	free(iov);
}

static void tell(struct host *h, const struct call *c)
{
	switch (c->told) {
	case TOLD_WANT:
		tell_want(h, c);
		return;
	case TOLD_UDP:
		tell_udp(h, c);
		return;
	case TOLD_TAP:
		tell_tap(h, c);
		return;
	case TOLD_TICK:
		node_tick(h->node, c->clock);
		return;
	case TOLD_RANDOM:
		h->random = c->random;
		h->salts = c->salts;
		return;
	}
}

/* h, which has no node, gets one that was told the first n of these; their places in
 * m are not touched, and may be its own. */
static void make(struct host *h, const struct memory *m, size_t n)
{
	const struct memory from = *m;
	const uint64_t sent = n < from.count ? from.calls[n].sent : from.sent;

	h->memory->made = true;
	h->memory->sent = 0;
	h->random = from.random;
	h->salts = from.salts;
	h->up = 0;
	sim_make_node(h, from.clock);
	for (size_t i = 0; i < n && h->node; i++)
		tell(h, &from.calls[i]);
	h->memory->made = false;
	if (h->memory->sent != sent)
		sim_fail(h->sim, "h%u is not what it was", h->index);
	h->tick_us = CLOCK_NEVER;
	host_settle(h);
}

/* How many of the calls were made until then. */
static size_t calls_until(const struct memory *m, uint64_t us)
{
	size_t n = m->count;

	while (n > 0 && m->calls[n - 1].at_us > us)
		n--;
	return n;
}

void memory_copy(struct sim *s, unsigned host, unsigned copy, uint64_t us,
		 bool same)
{
	const struct host *from = &s->hosts[host];
	struct host *h = &s->hosts[copy];

	if (s->failed)
		return;
	sim_note(s, "h%u is a copy of what h%u was", copy, host);
	h->config = from->config;
	h->key = from->key;
	h->mono_offset_us = from->mono_offset_us - (int64_t)us;
	h->wall_offset_us = from->wall_offset_us - (int64_t)us;
	h->memory = test_zalloc(1, sizeof(*h->memory));
	make(h, from->memory, calls_until(from->memory, s->net.now_us - us));
	s->same_indices |= same;
	reseed(h, !same);
}

void memory_put_back(struct sim *s, unsigned host, uint64_t us, bool wall,
		     bool same)
{
	struct host *h = &s->hosts[host];
	size_t n;

	if (s->failed)
		return;
	n = calls_until(h->memory, s->net.now_us - us);
	sim_note(s, "h%u is put back", host);
	sim_crash(s, host);
	h->mono_offset_us -= (int64_t)us;
	if (wall)
		h->wall_offset_us -= (int64_t)us;
	make(h, h->memory, n);
	forget_from(h->memory, n);
	s->same_indices |= same;
	reseed(h, !same);
}
