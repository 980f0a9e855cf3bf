/* The underlay: links that lose and reorder, and a tap on the wire. */
#include "sim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tunnel/wire.h"

#include "attacker.h"
#include "hops.h"
#include "insider.h"
#include "memory.h"
#include "nat.h"
#include "watch.h"

/* docs/PROTOCOL: of data: type(1) lane(1) salt(2) receiver(4) salt(4)
 * counter(4). */
#define TYPE_DATA	4
#define DATA_HEADER_LEN 16
/* No path carries more, so nothing larger is ever tried: PMTU_MAX. */
#define DATAGRAM_MAX 9188
#define RUN_MAX	     64
#define RUN_LEN_MAX  65507
/* Keys die at 180 s; the first datagram may leave right after they were made.*/
#define KEYS_LIVE_US (181 * SIM_S)
#define GATHER_MAX   64

/* ---- the tap: what holds for every datagram sent ---- */

/* One direction of a session, as the wire shows it. */
#define SEEN_WORDS 16
#define SEEN	   (SEEN_WORDS * UINT64_C(64))

struct direction {
	uint64_t name;	  /* (sender, receiver index) + 1; 0: free */
	uint64_t counter; /* the highest */
	uint64_t first_us;
	uint64_t seen[SEEN_WORDS]; /* bits: of the counters up to that one */
};

struct sessions {
	struct direction *slots;
	size_t count, capacity; /* a power of two */
	unsigned per_host[SIM_HOSTS_MAX];
};

struct sessions *sessions_new(void)
{
	struct sessions *t = test_zalloc(1, sizeof(*t));

	t->capacity = 1024;
	t->slots = test_zalloc(t->capacity, sizeof(*t->slots));
	return t;
}

void sessions_free(struct sessions *t)
{
	if (!t)
		return;
	free(t->slots);
	free(t);
}

static struct direction *session_slot(struct sessions *t, uint64_t name)
{
	size_t at = (size_t)(digest_u64(0, name) % t->capacity);

	while (t->slots[at].name && t->slots[at].name != name)
		at = (at + 1) % t->capacity;
	return &t->slots[at];
}

static void sessions_grow(struct sessions *t)
{
	struct direction *old = t->slots;
	size_t count = t->capacity;

	t->capacity *= 2;
	t->slots = test_zalloc(t->capacity, sizeof(*t->slots));
	for (size_t i = 0; i < count; i++)
		if (old[i].name)
			*session_slot(t, old[i].name) = old[i];
	free(old);
}

unsigned sim_sessions(const struct sim *s, unsigned host)
{
	return s->sessions->per_host[host];
}

/* True if that counter is new; one so old that nobody knows any more is not. */
static bool note_counter(struct direction *e, uint64_t counter)
{
	uint64_t bit = UINT64_C(1) << counter % 64;
	uint64_t *word = &e->seen[counter % SEEN / 64];

	if (counter + SEEN <= e->counter)
		return false;
	if (counter >= e->counter + SEEN)
		memset(e->seen, 0, sizeof(e->seen));
	else
		for (uint64_t c = e->counter + 1; c <= counter; c++)
			e->seen[c % SEEN / 64] &= ~(UINT64_C(1) << c % 64);
	if (*word & bit)
		return false;
	*word |= bit;
	if (counter > e->counter)
		e->counter = counter;
	return true;
}

/*
 * A sender seals in one order and its counters never repeat. They leave in that order,
 * too, but for what is held while a peer's path changes (lib/node/hold.h): probes and
 * answers that go other ways pass it.
 */
static void tap_data(struct host *h, const uint8_t *data, size_t len)
{
	/* Keys age by the host's own clock. */
	const uint64_t now_us = host_clock(h).mono_us;
	struct sim *s = h->sim;
	struct direction *e;
	uint32_t index;
	uint64_t counter, highest, name;

	/* What is put back has counters of its past: memory.c looks at nonces. */
	if (len < DATA_HEADER_LEN || h->memory || s->same_indices)
		return;
	index = load_be32(data + 4);
	counter = load_be32(data + 12);
	name = ((uint64_t)h->index << 32 | index) + 1;
	e = session_slot(s->sessions, name);
	if (!e->name) {
		*e = (struct direction){ .name = name,
					 .counter = counter,
					 .first_us = now_us };
		note_counter(e, counter);
		s->sessions->per_host[h->index]++;
		if (2 * ++s->sessions->count > s->sessions->capacity)
			sessions_grow(s->sessions);
		return;
	}
	highest = e->counter;
	if (!note_counter(e, counter))
		sim_fail(s,
			 "h%u sends counter %" PRIu64 " after %" PRIu64
			 " with receiver index %08" PRIx32,
			 h->index, counter, highest, index);
	if (now_us - e->first_us > KEYS_LIVE_US)
		sim_fail(s,
			 "h%u still sends with receiver index %08" PRIx32
			 " after %" PRIu64 " s",
			 h->index, index, (now_us - e->first_us) / SIM_S);
}

static void tap_datagram(struct host *h, const struct addr *to,
			 const uint8_t *data, size_t len)
{
	struct sim *s = h->sim;
	struct outside *o = &s->outside;

	s->digest = digest_u64(s->digest, s->net.now_us << 8 | h->index);
	s->digest = digest_bytes(s->digest, data, len);
	h->sent_datagrams++;
	h->sent_bytes += len;
	if (len == 0 || len > DATAGRAM_MAX)
		sim_fail(s, "h%u sends a datagram of %zu bytes", h->index, len);
	else if (data[0] == TYPE_DATA)
		tap_data(h, data, len);
	if (o->injecting && addr_equal(&o->from, to))
		o->answer_len += len;
	else if (attacker_owns(to))
		sim_fail(s, "h%u sends %zu bytes to a stranger, unasked",
			 h->index, len);
	hops_see(s, h->index, data, len);
	watch_see(s, h, to, data, len);
	insiders_see(s, h->index, to, data, len);
}

/* ---- links ---- */

struct link link_ideal(void)
{
	return (struct link){ .delay_min_us = 100, .delay_max_us = 400 };
}

void sim_isolate(struct sim *s, unsigned host, bool cut)
{
	sim_note(s, "h%u is %s", host, cut ? "cut off" : "back on the network");
	net_isolate(&s->net, host, cut);
}

void sim_heal(struct sim *s)
{
	struct link ideal = link_ideal();

	sim_note(s, "the network is healed");
	net_all_links(&s->net, &ideal);
	for (unsigned i = 0; i < s->host_count; i++)
		sim_resume(s, i);
}

static void link_send(struct host *h, const struct addr *from,
		      const struct addr *to, const uint8_t *data, size_t len,
		      double delay)
{
	static const char *const fates[] = { [NET_SENT] = "sends",
					     [NET_LOST] = "lost",
					     [NET_TOO_BIG] = "too big" };
	struct sim *s = h->sim;
	struct addr seen = *from;
	struct host *other = nat_leave(h, to, &seen);
	enum net_fate fate;
	struct flight *f;

	if (!other || s->failed)
		return;
	attacker_reflect(s, h->index, from, to, data, len);
	f = flight_new(h->index, &seen, to, data, len);
	fate = net_send(&s->net, other->index, f, delay);
	trace_datagram(s, fates[fate], h->index, f);
	if (fate != NET_SENT)
		free(f);
	if (fate == NET_TOO_BIG &&
	    net_link(&s->net, h->index, other->index)->too_big_tells)
		node_send_failed(h->node, to, DROP_send_too_big, len, 1,
				 host_clock(h));
}

static void check_run(struct host *h, const struct datagram_run *r)
{
	size_t each = r->segment_len ? r->segment_len : r->len;

	if (r->len == 0 || r->len > RUN_LEN_MAX ||
	    (r->len + each - 1) / each > RUN_MAX)
		sim_fail(h->sim,
			 "h%u sends a run of %zu bytes in pieces of %zu",
			 h->index, r->len, each);
	if (!addr_is_unicast(&r->remote) || r->remote.port == 0)
		sim_fail(h->sim, "h%u sends to no address", h->index);
}

/* As a kernel does, and the daemon's sockets: an address that is the host's no more
 * leaves the choice to the kernel, and the node is told. */
static const struct addr *leaves_from(struct host *h,
				      const struct datagram_run *r, int family)
{
	const struct way way = { r->remote, r->local };

	if (way_is_pinned(&way) && network_has(h, &way.local))
		return &r->local;
	if (way_is_pinned(&way))
		node_local_gone(h->node, &way);
	return &h->addr[family];
}

/* All that it sends so is others': it is public, and needs no relay itself. */
static bool is_lost_by_relay(const struct host *h, const uint8_t *data,
			     size_t len)
{
	return h->sim->loses.above && h->sim->loses.relay == h->index &&
	       data[0] == WIRE_RELAYED && len > h->sim->loses.above;
}

void network_send(void *user, const struct datagram_run *runs, size_t n)
{
	struct host *h = user;
	struct sim *s = h->sim;

	for (size_t i = 0; i < n && !s->failed; i++) {
		const struct datagram_run *r = &runs[i];
		int family = addr_is_v4(&r->remote) ? FAMILY_V4 : FAMILY_V6;
		double delay = memory_is_made(h) ? 0 : net_draw_delay(&s->net);
		size_t each = r->segment_len ? r->segment_len : r->len;

		check_run(h, r);
		for (size_t at = 0; at < r->len && !s->failed; at += each) {
			size_t len = r->len - at < each ? r->len - at : each;

			if (memory_sends(h, r->data + at, len))
				continue;
			tap_datagram(h, &r->remote, r->data + at, len);
			if (is_lost_by_relay(h, r->data + at, len))
				continue;
			if (h->has[family])
				link_send(h, leaves_from(h, r, family),
					  &r->remote, r->data + at, len, delay);
			else
				node_send_failed(h->node, &r->remote,
						 DROP_send_unreachable, len, 1,
						 host_clock(h));
		}
	}
}

/* ---- arrival ---- */

/* As GRO does: neighbours from one sender, of one size but for the last. */
static size_t merge(struct flight **flights, size_t n, struct rng *r)
{
	size_t run = 1;

	if (!rng_chance(r, 0.5))
		return 1;
	while (run < n && flights[run]->len <= flights[0]->len &&
	       addr_equal(&flights[run]->from, &flights[0]->from)) {
		run++;
		if (flights[run - 1]->len < flights[0]->len)
			break;
	}
	return run;
}

/* Hands the node a batch, in buffers of exactly its size, so that a sanitizer
 * sees the first byte read past the end. */
void network_deliver(struct host *h, struct flight **flights, size_t n)
{
	struct datagram_run batch[GATHER_MAX] = { 0 };
	size_t count = 0;

	for (size_t at = 0; at < n;) {
		size_t run = merge(flights + at, n - at, &h->sim->net.rng);
		struct datagram_run *r = &batch[count++];

		*r = (struct datagram_run){ .remote = flights[at]->from,
					    .local = flights[at]->to };
		for (size_t i = 0; i < run; i++)
			r->len += flights[at + i]->len;
		r->segment_len = run > 1 ? flights[at]->len : 0;
		r->data = test_alloc(r->len);
		for (size_t i = 0, off = 0; i < run; i++) {
			memcpy(r->data + off, flights[at + i]->bytes,
			       flights[at + i]->len);
			off += flights[at + i]->len;
		}
		at += run;
	}
	memory_udp(h, batch, count);
	node_from_udp(h->node, batch, count, host_clock(h));
	for (size_t i = 0; i < count; i++)
		free(batch[i].data);
	host_settle(h);
}

static void hold(struct host *h, struct flight *f)
{
	if (h->backlog_count < BACKLOG_MAX) {
		h->backlog[h->backlog_count++] = f;
	} else {
		node_count_drop(h->node, DROP_udp_overflow, 1);
		if (f->sender < SIM_HOSTS_MAX)
			net_link(&h->sim->net, f->sender, h->index)->lost_us =
				h->sim->net.now_us;
		free(f);
	}
}

void network_arrive(struct sim *s, struct event first)
{
	const struct addr to = first.flight->to;
	struct flight *flights[GATHER_MAX];
	struct host *h = NULL;
	size_t n = 0;

	flights[n++] = first.flight;
	while (n < GATHER_MAX) {
		const struct event *next = queue_first(s->net.queue);

		if (!next || next->at_us != s->net.now_us ||
		    next->kind != EVENT_ARRIVAL || next->host != first.host ||
		    !addr_equal(&next->flight->to, &to) ||
		    (nat_owns(s, &to) &&
		     !addr_equal(&next->flight->from, &first.flight->from)))
			break;
		flights[n++] = queue_pop(s->net.queue).flight;
	}
	for (size_t i = 0; i < n; i++)
		h = nat_enter(s, first.host, &flights[i]->from,
			      &flights[i]->to);
	if (!h || !h->node) {
		for (size_t i = 0; i < n; i++)
			free(flights[i]);
		return;
	}
	if (h->paused) {
		for (size_t i = 0; i < n; i++)
			hold(h, flights[i]);
		return;
	}
	n = attacker_steal(s, h, flights, n);
	if (n > 0)
		network_deliver(h, flights, n);
	for (size_t i = 0; i < n; i++)
		attacker_record(s, flights[i]);
}
