#include "outsider.h"

#include <stdlib.h>
#include <string.h>

#define OUTSIDE_NET	0xc6336400u /* 198.51.100.0/24 */
#define DATAGRAM_LIMIT	9188
#define TYPE_COOKIE	3
#define TYPE_DATA	4
#define HANDSHAKE_TRIES 64

void outsider_listen(struct sim *s, size_t max)
{
	struct outside *o = &s->outside;

	o->recorded = test_zalloc(max, sizeof(struct flight *));
	o->recorded_max = max;
}

void outsider_free(struct sim *s)
{
	for (size_t i = 0; i < s->outside.recorded_count; i++)
		free(s->outside.recorded[i]);
	free(s->outside.recorded);
}

/* Consumes f. A full record is a fair sample of all there was (Vitter 1985),
 * so old and fresh datagrams are replayed alike. */
void outsider_record(struct sim *s, struct flight *f)
{
	struct outside *o = &s->outside;
	size_t at;

	if (o->recorded_max == 0 || f->sender >= SIM_HOSTS_MAX) {
		free(f);
		return;
	}
	o->recorded_seen++;
	if (o->recorded_count < o->recorded_max) {
		o->recorded[o->recorded_count++] = f;
		o->recorded_len += f->len;
		return;
	}
	/* Handshakes are rare and interesting: half the record is theirs. */
	if (f->bytes[0] != TYPE_DATA)
		at = (size_t)rng_below(&s->net.rng, o->recorded_max / 2);
	else
		at = (size_t)rng_below(&s->net.rng, o->recorded_seen);
	if (at >= o->recorded_max ||
	    (f->bytes[0] == TYPE_DATA && at < o->recorded_max / 2)) {
		free(f);
		return;
	}
	o->recorded_len += f->len - o->recorded[at]->len;
	free(o->recorded[at]);
	o->recorded[at] = f;
}

struct addr outsider_addr(struct sim *s)
{
	return addr_v4(OUTSIDE_NET + 1 + (uint32_t)rng_below(&s->net.rng, 250),
		       (uint16_t)rng_range(&s->net.rng, 1024, 65535));
}

bool outsider_owns(const struct addr *a)
{
	struct addr net = addr_v4(OUTSIDE_NET, 0);

	return addr_is_v4(a) && memcmp(a->ip, net.ip, 15) == 0;
}

/* All drops of a host. */
static uint64_t dropped(const struct sim *s, unsigned host)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
		n += sim_drops(s, host, (enum drop_reason)i);
	return n;
}

/* From now until inject_end, what victim does is an answer to this. */
static void inject_begin(struct sim *s, unsigned victim,
			 const struct addr *from, size_t len, bool genuine)
{
	struct outside *o = &s->outside;

	o->injecting = true;
	o->genuine = genuine;
	o->from = *from;
	o->victim = victim;
	o->question_len = len;
	o->answer_len = 0;
	o->injected++;
}

static void inject_end(struct sim *s)
{
	struct outside *o = &s->outside;

	o->injecting = false;
	if (o->answer_len > o->question_len)
		sim_fail(s, "h%u answers an outsider's %zu bytes with %zu",
			 o->victim, o->question_len, o->answer_len);
}

void outsider_inject(struct sim *s, unsigned host, const struct addr *from,
		     const uint8_t *data, size_t len)
{
	struct host *h = &s->hosts[host];
	struct flight *f;
	uint64_t drops, sent;

	if (s->failed || !h->node || h->paused)
		return;
	drops = dropped(s, host);
	sent = h->sent_datagrams;
	f = flight_new(SIM_HOSTS_MAX, from, &h->addr[FAMILY_V4], data, len);
	trace_datagram(s, "gets forged", host, f);
	inject_begin(s, host, from, len, false);
	network_deliver(h, &f, 1);
	inject_end(s);
	/* A cookie may be genuine, and is kept: one that was meant for an
	 * initiation he replayed elsewhere. */
	if (dropped(s, host) == drops && h->sent_datagrams == sent &&
	    (len == 0 || data[0] != TYPE_COOKIE))
		sim_fail(s,
			 "h%u neither answers an outsider's datagram nor "
			 "counts it",
			 host);
	free(f);
}

size_t outsider_steal(struct sim *s, struct host *h, struct flight **flights,
		      size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		struct flight *f = flights[i];

		if (f->sender == SIM_HOSTS_MAX ||
		    !rng_chance(&s->net.rng, s->outside.theft)) {
			flights[left++] = f;
			continue;
		}
		f->from = outsider_addr(s);
		net_link(&s->net, f->sender, h->index)->disordered = true;
		trace_datagram(s, "gets stolen", h->index, f);
		inject_begin(s, h->index, &f->from, f->len, true);
		network_deliver(h, &f, 1);
		inject_end(s);
		free(f);
	}
	return left;
}

void outsider_reflect(struct sim *s, unsigned sender, const struct addr *from,
		      const struct addr *to, const uint8_t *data, size_t len)
{
	struct flight *f;

	if (data[0] == TYPE_DATA || !rng_chance(&s->net.rng, s->outside.mirror))
		return;
	f = flight_new(SIM_HOSTS_MAX, to, from, data, len);
	net_launch(&s->net, sender, f, s->net.now_us + 1);
}

/* ---- kinds of attack ---- */

static const struct flight *pick(struct sim *s, bool handshake)
{
	struct outside *o = &s->outside;

	for (unsigned i = 0; i < HANDSHAKE_TRIES && o->recorded_count; i++) {
		const struct flight *f =
			o->recorded[rng_below(&s->net.rng, o->recorded_count)];

		if (!handshake || f->bytes[0] != TYPE_DATA)
			return f;
	}
	return NULL;
}

static size_t make_random(struct sim *s, uint8_t *out)
{
	static const size_t telling[] = {
		0, 1, 4, 15, 16, 31, 32, 56, 140, 144
	};
	size_t len = rng_chance(&s->net.rng, 0.5)
			     ? telling[rng_below(&s->net.rng, 10)]
			     : (size_t)rng_below(&s->net.rng, DATAGRAM_LIMIT);

	rng_bytes(&s->net.rng, out, len);
	if (len >= 4 && rng_chance(&s->net.rng, 0.9)) {
		memset(out, 0, 4);
		out[0] = (uint8_t)rng_range(&s->net.rng, 1, 4);
	}
	return len;
}

static size_t make_changed(struct sim *s, enum attack kind,
			   const struct flight *f, uint8_t *out)
{
	const struct flight *g;
	size_t cut;

	memcpy(out, f->bytes, f->len);
	switch (kind) {
	case ATTACK_TRUNCATE:
		return (size_t)rng_below(&s->net.rng, f->len);
	case ATTACK_EXTEND:
		cut = (size_t)rng_range(&s->net.rng, 1,
					DATAGRAM_LIMIT - f->len);
		rng_bytes(&s->net.rng, out + f->len, cut);
		return f->len + cut;
	case ATTACK_FLIP:
		for (uint64_t n = rng_range(&s->net.rng, 1, 4); n > 0; n--)
			out[rng_below(&s->net.rng, f->len)] ^=
				(uint8_t)(1u << rng_below(&s->net.rng, 8));
		/* An even number of flips may have undone itself. */
		if (memcmp(out, f->bytes, f->len) == 0)
			out[0] ^= 0x80;
		return f->len;
	case ATTACK_SPLICE:
		g = pick(s, false);
		cut = (size_t)rng_below(&s->net.rng,
					f->len < g->len ? f->len : g->len);
		memcpy(out + cut, g->bytes + cut, g->len - cut);
		return g->len;
	case ATTACK_RANDOM:
	case ATTACK_REPLAY:
	case ATTACK_HANDSHAKE:
	case ATTACK_REDIRECT:
	case ATTACK_KINDS:
		break;
	}
	return f->len;
}

static unsigned random_live_host(struct sim *s)
{
	unsigned i = (unsigned)rng_below(&s->net.rng, s->host_count);

	while (!s->hosts[i].node)
		i = (i + 1) % s->host_count;
	return i;
}

void outsider_attack(struct sim *s, enum attack kind)
{
	uint8_t out[2 * DATAGRAM_LIMIT];
	const struct flight *f = pick(s, kind == ATTACK_HANDSHAKE);
	unsigned victim = random_live_host(s);
	struct addr from = outsider_addr(s);
	struct host *h;
	size_t len;

	if (kind == ATTACK_RANDOM) {
		len = make_random(s, out);
		outsider_inject(s, victim, &from, out, len);
		return;
	}
	if (!f)
		return;
	h = network_find(s, &f->to);
	if (kind != ATTACK_REDIRECT && h)
		victim = h->index;
	if (rng_chance(&s->net.rng, 0.5))
		from = f->from;
	len = make_changed(s, kind, f, out);
	outsider_inject(s, victim, &from, out, len);
}

void outsider_flood(struct sim *s, size_t n, uint64_t us)
{
	for (size_t i = 0; i < n && !s->failed; i++) {
		outsider_attack(
			s, (enum attack)rng_below(&s->net.rng, ATTACK_KINDS));
		sim_run(s, us);
	}
}
