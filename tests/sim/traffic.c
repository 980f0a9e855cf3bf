#include "traffic.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ether/test_frame.h"

#include "insider.h"
#include "listeners.h"
#include "memory.h"
#include "support/frame_len.h"
#include "traffic_frames.h"

#define SETTLE_US (2 * SIM_S)
/* No link takes longer. */
#define EXCUSE_US    (300 * SIM_MS)
#define FDB_FRESH_US (295 * SIM_S)
#define GATHER_LEN   (FRAME_LEN_MAX + 64)

/* Sets of hosts are bitmaps. */
struct sent {
	uint64_t digest; /* 0: free */
	uint64_t id, at_us;
	uint64_t may, must, got;
	unsigned sender;
	bool membership; /* IGMP, MLD */
	const struct group *group;
	struct offload offload;
};

struct ledger {
	struct sent *sent; /* in order of id, which starts at 0 */
	size_t count, capacity;
	size_t checked;	   /* those before it were checked for arrival */
	uint32_t *index;   /* digest → place in sent + 1 */
	size_t index_size; /* a power of two */
	uint64_t delivered;
	uint64_t newest[SIM_HOSTS_MAX][SIM_HOSTS_MAX]; /* last id + 1 */
	uint64_t period_us; /* 0: no background traffic */
	size_t batch_max;
	bool strict;
};

struct ledger *ledger_new(void)
{
	struct ledger *l = test_zalloc(1, sizeof(*l));

	l->index_size = 4096;
	l->index = test_zalloc(l->index_size, sizeof(*l->index));
	return l;
}

void ledger_free(struct ledger *l)
{
	if (!l)
		return;
	free(l->sent);
	free(l->index);
	free(l);
}

static uint32_t *ledger_place(struct ledger *l, uint64_t digest)
{
	size_t at = (size_t)(digest % l->index_size);

	while (l->index[at] && l->sent[l->index[at] - 1].digest != digest)
		at = (at + 1) % l->index_size;
	return &l->index[at];
}

static struct sent *ledger_add(struct ledger *l, uint64_t digest)
{
	struct sent *e;

	if (l->count == l->capacity) {
		l->capacity = l->capacity ? 2 * l->capacity : 1024;
		l->sent = test_realloc(l->sent, l->capacity * sizeof(*l->sent));
	}
	e = &l->sent[l->count++];
	*e = (struct sent){ .digest = digest, .id = l->count - 1 };
	*ledger_place(l, digest) = (uint32_t)l->count;
	if (2 * l->count > l->index_size) {
		free(l->index);
		l->index_size *= 2;
		l->index = test_zalloc(l->index_size, sizeof(*l->index));
		for (size_t i = 0; i < l->count; i++)
			*ledger_place(l, l->sent[i].digest) = (uint32_t)i + 1;
	}
	return e;
}

uint64_t traffic_sent(const struct sim *s)
{
	return s->ledger->count;
}

uint64_t traffic_delivered(const struct sim *s)
{
	return s->ledger->delivered;
}

/* ---- who may and who must get a frame ---- */

static uint64_t host_bit(unsigned host)
{
	return UINT64_C(1) << host;
}

static bool link_faultless(struct sim *s, unsigned from, unsigned to)
{
	const struct link *l = net_link(&s->net, from, to);

	return !l->cut && l->loss <= 0 && l->reorder <= 0 && !l->datagram_max;
}

static uint64_t reachable(struct sim *s, unsigned host)
{
	uint64_t set = 0;

	for (unsigned i = 0; i < s->host_count; i++)
		if (i != host && s->hosts[i].node && !s->hosts[i].paused &&
		    sim_is_up(s, host, i) && sim_is_up(s, i, host) &&
		    link_faultless(s, host, i))
			set |= host_bit(i);
	return set;
}

/* Where the sender's FDB says a MAC lives: a host, or SIM_HOSTS_MAX. *aged is
 * set if the entry is about to age out, or just did. */
static unsigned fdb_owner(struct sim *s, unsigned host, uint16_t vlan,
			  const uint8_t mac[6], bool *aged)
{
	struct node_fdb_info info;
	struct node_iter at = { 0 };
	uint64_t now = host_clock(&s->hosts[host]).mono_us;

	while (node_next_mac(s->hosts[host].node, &at, &info, now)) {
		if (memcmp(info.mac, mac, 6) != 0 || info.vlan != vlan)
			continue;
		*aged = info.age_us > FDB_FRESH_US;
		if (info.local)
			return host;
		for (unsigned i = 0; i < s->host_count; i++)
			if (public_key_equal(&info.owner_key, &s->hosts[i].key))
				return i;
	}
	return SIM_HOSTS_MAX;
}

/* It has a session to send on; without one what the owner should get is flooded. */
static bool has_session(struct sim *s, unsigned host, unsigned other)
{
	struct node_peer_info info;

	return sim_is_up(s, host, other) &&
	       sim_peer_info(s, host, other, &info) && info.datagram_size;
}

static void expect(struct sim *s, struct sent *e, unsigned host,
		   const struct traffic_spec *spec, const uint8_t *bytes)
{
	uint64_t all = reachable(s, host);
	unsigned owner = SIM_HOSTS_MAX;
	bool aged = false;

	if (spec->to == TRAFFIC_GROUP) {
		e->group = spec->group;
		listeners_expect(s, host, spec->group, &e->must, &e->may);
		return;
	}
	e->may = SIM_ALL & ~host_bit(host);
	if (!(bytes[0] & 1))
		owner = fdb_owner(s, host, spec->vlan, bytes, &aged);
	if (owner < SIM_HOSTS_MAX) {
		/* To an owner that is down it may be flooded instead. */
		if (!aged && (owner == host || has_session(s, host, owner)))
			e->may &= host_bit(owner);
		all &= host_bit(owner);
	}
	/* UDP that happens to have its group's MAC is for its members: nobody. */
	if (s->listeners && spec->to == TRAFFIC_MULTICAST && spec->csum)
		all = 0;
	e->must = s->ledger->strict ? all : 0;
}

/* ---- sending ---- */

static size_t tap_frame_max(const struct host *h)
{
	return (size_t)h->config.tap_mtu + 14;
}

/* Frames that are read from the TAP together. */
struct reading {
	uint8_t *blocks[TRAFFIC_BATCH_MAX];
	struct frame frames[TRAFFIC_BATCH_MAX];
	struct iovec iov[TRAFFIC_BATCH_MAX];
	size_t count;
};

static struct sent *reading_add(struct reading *b, struct host *h,
				const uint8_t *bytes, size_t len,
				const struct offload *offload)
{
	struct sent *e =
		ledger_add(h->sim->ledger, digest_bytes(1, bytes, len));
	size_t i = b->count++;

	e->sender = h->index;
	e->at_us = h->sim->net.now_us;
	e->offload = *offload;
	b->blocks[i] = test_alloc(FRAME_HEADROOM + len);
	memcpy(b->blocks[i] + FRAME_HEADROOM, bytes, len);
	b->iov[i] = (struct iovec){ b->blocks[i] + FRAME_HEADROOM, len };
	b->frames[i] = (struct frame){ &b->iov[i], 1, *offload };
	return e;
}

static void reading_end(struct reading *b, struct host *h)
{
	const struct ledger *l = h->sim->ledger;

	memory_tap(h, b->frames, b->count);
	node_from_tap(h->node, b->frames, b->count, host_clock(h));
	for (size_t i = 0; i < b->count; i++) {
		if (digest_bytes(1, b->iov[i].iov_base, b->iov[i].iov_len) !=
		    l->sent[l->count - b->count + i].digest)
			sim_fail(h->sim,
				 "h%u changed a frame read from its TAP",
				 h->index);
		free(b->blocks[i]);
	}
	host_settle(h);
}

void traffic_send(struct sim *s, unsigned host,
		  const struct traffic_spec *specs, size_t count)
{
	struct host *h = &s->hosts[host];
	struct reading b = { .count = 0 };
	uint8_t bytes[FRAME_LEN_MAX];

	if (s->failed || !h->node || h->paused || count > TRAFFIC_BATCH_MAX)
		return;
	for (size_t i = 0; i < count; i++) {
		struct offload offload;
		size_t len = frame_build(bytes, &s->net.rng, host, &specs[i],
					 s->ledger->count, tap_frame_max(h),
					 &offload);

		expect(s, reading_add(&b, h, bytes, len, &offload), host,
		       &specs[i], bytes);
	}
	reading_end(&b, h);
}

void traffic_hand(struct sim *s, unsigned host,
		  const struct traffic_message *messages, size_t count)
{
	const struct offload none = { 0 };
	struct host *h = &s->hosts[host];
	struct reading b = { .count = 0 };

	for (size_t i = 0; i < count; i++) {
		struct sent *e = reading_add(&b, h, messages[i].bytes,
					     messages[i].len, &none);

		e->membership = true;
		e->may = SIM_ALL & ~host_bit(host);
		e->must = messages[i].must;
	}
	reading_end(&b, h);
}

static struct traffic_spec random_spec(struct sim *s, unsigned host)
{
	struct traffic_spec spec = { 0 };

	if (s->listeners && rng_chance(&s->net.rng, 0.8)) {
		spec.to = TRAFFIC_GROUP;
		spec.group = listeners_any(s);
		spec.csum = rng_chance(&s->net.rng, 0.15);
		return spec;
	}
	switch (rng_below(&s->net.rng, 4)) {
	case 0:
		spec.to = TRAFFIC_BROADCAST;
		break;
	case 1:
		spec.to = TRAFFIC_MULTICAST;
		break;
	default:
		spec.to = TRAFFIC_UNICAST;
		spec.other = (unsigned)rng_below(&s->net.rng, s->host_count);
		if (spec.other == host)
			spec.other = (host + 1) % s->host_count;
	}
	if (!s->listeners && rng_chance(&s->net.rng, 0.2))
		spec.vlan = (uint16_t)rng_range(&s->net.rng, 1, 20);
	spec.csum = rng_chance(&s->net.rng, 0.15);
	return spec;
}

void traffic_random(struct sim *s, unsigned host, size_t max)
{
	struct traffic_spec specs[TRAFFIC_BATCH_MAX];
	size_t n = (size_t)rng_range(&s->net.rng, 1, max);

	for (size_t i = 0; i < n; i++)
		specs[i] = random_spec(s, host);
	traffic_send(s, host, specs, n);
}

static void next_turn(struct sim *s, unsigned host)
{
	uint64_t period = s->ledger->period_us;

	queue_push(s->net.queue,
		   s->net.now_us +
			   rng_range(&s->net.rng, period / 2, period * 3 / 2),
		   EVENT_TRAFFIC, host, NULL);
}

void traffic_turn(struct sim *s, unsigned host)
{
	if (!s->ledger->period_us)
		return;
	traffic_random(s, host, s->ledger->batch_max);
	next_turn(s, host);
}

void traffic_start(struct sim *s, uint64_t period_us, size_t max)
{
	bool running = s->ledger->period_us > 0;

	s->ledger->period_us = period_us;
	s->ledger->batch_max = max;
	for (unsigned i = 0; i < s->host_count && !running; i++)
		next_turn(s, i);
}

/* What is queued finds no period and does not queue another. */
void traffic_stop(struct sim *s)
{
	s->ledger->period_us = 0;
}

void traffic_strict(struct sim *s, bool strict)
{
	s->ledger->strict = strict;
}

/* ---- delivery ---- */

static void check_offload(struct host *h, const struct sent *e,
			  const struct offload *o)
{
	if (o->csum_partial != e->offload.csum_partial ||
	    o->gso != OFFLOAD_GSO_NONE ||
	    (o->csum_partial && (o->csum_start != e->offload.csum_start ||
				 o->csum_offset != e->offload.csum_offset)))
		sim_fail(h->sim,
			 "h%u gets frame %" PRIu64
			 " of h%u with other offload metadata",
			 h->index, e->id, e->sender);
}

static void note_group(struct sim *s, const struct sent *e)
{
	if (e->group)
		sim_note(s, "frame %" PRIu64 " is for group %u", e->id,
			 listeners_number(s, e->group));
}

static void fail_stray(struct host *h, const struct sent *e)
{
	note_group(h->sim, e);
	sim_note(h->sim, "frame %" PRIu64 " of %.6f is for hosts %#" PRIx64,
		 e->id, (double)e->at_us / 1e6, e->may);
	sim_fail(h->sim,
		 "h%u gets frame %" PRIu64 " of h%u, which is for others only",
		 h->index, e->id, e->sender);
}

/* A node made it: scenario_ask.c looks who got it. */
static bool is_of_test(const uint8_t *bytes, size_t len)
{
	struct test_frame t;
	struct eth_view v;

	return eth_parse(&v, bytes, len) == DROP_NONE &&
	       test_frame_possible(&v, bytes) && test_frame_read(&v, bytes, &t);
}

static void delivered(struct host *h, const uint8_t *bytes, size_t len,
		      const struct offload *offload)
{
	struct sim *s = h->sim;
	struct ledger *l = s->ledger;
	uint32_t place;
	uint64_t *newest;
	struct sent *e;

	if (listeners_read_query(h, bytes, len) ||
	    (s->insiders && insider_made(bytes)) || is_of_test(bytes, len))
		return;
	place = *ledger_place(l, digest_bytes(1, bytes, len));
	if (!place) {
		sim_fail(s, "h%u gets a frame of %zu bytes that nobody sent",
			 h->index, len);
		return;
	}
	e = &l->sent[place - 1];
	newest = &l->newest[e->sender][h->index];
	if (s->outside.injecting && !s->outside.genuine)
		sim_fail(s, "h%u delivers frame %" PRIu64 " for an outsider",
			 h->index, e->id);
	if (e->sender == h->index)
		sim_fail(s, "h%u gets its own frame %" PRIu64, h->index, e->id);
	if (e->got & host_bit(h->index))
		sim_fail(s, "h%u gets frame %" PRIu64 " of h%u twice", h->index,
			 e->id, e->sender);
	if (!(e->may & host_bit(h->index)))
		fail_stray(h, e);
	if (e->id + 1 < *newest &&
	    !net_link(&s->net, e->sender, h->index)->disordered)
		sim_fail(s, "h%u gets frame %" PRIu64 " of h%u after %" PRIu64,
			 h->index, e->id, e->sender, *newest - 1);
	check_offload(h, e, offload);
	e->got |= host_bit(h->index);
	if (e->id + 1 > *newest)
		*newest = e->id + 1;
	l->delivered++;
	if (e->membership)
		listeners_read(h, bytes, len);
}

void traffic_write(void *user, const struct frame *frames, size_t n)
{
	struct host *h = user;
	uint8_t bytes[GATHER_LEN];

	if (memory_is_made(h))
		return;
	for (size_t i = 0; i < n && !h->sim->failed; i++) {
		size_t len = 0;

		if (frame_len(&frames[i]) > sizeof(bytes)) {
			sim_fail(h->sim, "h%u gets a frame of %zu bytes",
				 h->index, frame_len(&frames[i]));
			return;
		}
		for (size_t j = 0; j < frames[i].iovcnt; j++) {
			const struct iovec *piece = &frames[i].iov[j];

			memcpy(bytes + len, piece->iov_base, piece->iov_len);
			len += piece->iov_len;
		}
		delivered(h, bytes, len, &frames[i].offload);
	}
}

bool traffic_last_reached(const struct sim *s, unsigned host)
{
	const struct ledger *l = s->ledger;

	return l->count && l->sent[l->count - 1].got >> host & 1;
}

void traffic_check(struct sim *s)
{
	struct ledger *l = s->ledger;

	for (; l->checked < l->count && !s->failed; l->checked++) {
		const struct sent *e = &l->sent[l->checked];
		uint64_t lacks = e->must & ~e->got;

		if (s->net.now_us - e->at_us < SETTLE_US)
			return;
		if (!lacks)
			continue;
		note_group(s, e);
		sim_fail(s,
			 "frame %" PRIu64
			 " that h%u sent at %.6f did not reach hosts %#" PRIx64,
			 e->id, e->sender, (double)e->at_us / 1e6, lacks);
	}
}

/* Walks what may still be on its way, from NULL to NULL, the newest first. */
static struct sent *on_its_way(struct sim *s, struct sent *e)
{
	struct ledger *l = s->ledger;

	e = e ? e : l->sent + l->count;
	if (!l->sent || e == l->sent + l->checked ||
	    s->net.now_us - (e - 1)->at_us > EXCUSE_US)
		return NULL;
	return e - 1;
}

void traffic_excuse(struct sim *s, unsigned host)
{
	struct sent *e = NULL;

	while ((e = on_its_way(s, e)))
		e->must &= ~host_bit(host);
}

void traffic_excuse_late(struct sim *s, unsigned host)
{
	uint64_t disordered = 0;
	struct sent *e = NULL;

	for (unsigned to = 0; to < s->host_count; to++)
		if (net_link(&s->net, host, to)->disordered)
			disordered |= host_bit(to);
	while ((e = on_its_way(s, e)))
		if (e->sender == host)
			e->must &= ~disordered;
}

void traffic_check_reach(struct sim *s)
{
	struct traffic_spec all = { TRAFFIC_BROADCAST, .len = 100 };

	traffic_strict(s, true);
	for (unsigned i = 0; i < s->host_count; i++)
		traffic_send(s, i, &all, 1);
	sim_run(s, SETTLE_US);
	traffic_check(s);
	for (unsigned i = 0; i < s->host_count; i++) {
		for (unsigned j = 0; j < s->host_count; j++) {
			struct traffic_spec one = { TRAFFIC_UNICAST,
						    .other = j };

			if (i != j)
				traffic_send(s, i, &one, 1);
		}
	}
	sim_run(s, SETTLE_US);
	traffic_check(s);
	traffic_strict(s, false);
}
