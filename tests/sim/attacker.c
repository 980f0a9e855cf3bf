#include "attacker.h"

#include <stdlib.h>
#include <string.h>

#include "tunnel/wire.h"

#define OUTSIDE_NET 0xc6336400u /* 198.51.100.0/24 */

void attacker_listen(struct sim *s, size_t max)
{
	record_init(&s->outside.record, max);
}

void attacker_free(struct sim *s)
{
	record_free(&s->outside.record);
}

void attacker_record(struct sim *s, struct flight *f)
{
	if (f->sender >= SIM_HOSTS_MAX)
		free(f);
	else
		record_add(&s->outside.record, &s->net.rng, f);
}

struct addr attacker_addr(struct sim *s)
{
	return addr_v4(OUTSIDE_NET + 1 + (uint32_t)rng_below(&s->net.rng, 250),
		       (uint16_t)rng_range(&s->net.rng, 1024, 65535));
}

bool attacker_owns(const struct addr *a)
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
		sim_fail(s, "h%u answers an attacker's %zu bytes with %zu",
			 o->victim, o->question_len, o->answer_len);
}

/* All that a host may do about a datagram. */
struct traces {
	uint64_t drops, sent, opened;
};

static struct traces traces_of(const struct sim *s, unsigned host)
{
	struct node_traffic traffic;

	node_traffic(s->hosts[host].node, &traffic);
	return (struct traces){ .drops = dropped(s, host),
				.sent = s->hosts[host].sent_datagrams,
				.opened = traffic.rx.datagrams };
}

/*
 * Two are read and left no trace but in what they say. A cookie may be genuine, and is
 * kept: one that was meant for an initiation it replayed elsewhere. And so may data be
 * that never came to this host: who dialled another address, also its own, and had
 * its initiation carried here and the response back, says its first hellos to
 * that address; carried here they open, once each, and are counted as received. Those
 * close upon another are not answered, for one answer is enough.
 */
static bool may_be_quiet(const struct traces *before,
			 const struct traces *after, const uint8_t *data,
			 size_t len, bool is_elsewheres)
{
	if (len == 0)
		return false;
	if (data[0] == WIRE_DATA)
		return is_elsewheres && after->opened > before->opened;
	return data[0] == WIRE_COOKIE;
}

/* Sends these bytes to host, as if from there. is_elsewheres: they are as they were
 * sent to another address. */
static void inject(struct sim *s, unsigned host, const struct addr *from,
		   const uint8_t *data, size_t len, bool is_elsewheres)
{
	struct host *h = &s->hosts[host];
	struct traces before, after;
	struct flight *f;

	if (s->failed || !h->node || h->paused)
		return;
	before = traces_of(s, host);
	f = flight_new(SIM_HOSTS_MAX, from, &h->addr[FAMILY_V4], data, len);
	trace_datagram(s, "gets forged", host, f);
	inject_begin(s, host, from, len, false);
	network_deliver(h, &f, 1);
	inject_end(s);
	after = traces_of(s, host);
	if (after.drops == before.drops && after.sent == before.sent &&
	    !may_be_quiet(&before, &after, data, len, is_elsewheres))
		sim_fail(s,
			 "h%u neither answers an attacker's datagram nor "
			 "counts it",
			 host);
	free(f);
}

size_t attacker_steal(struct sim *s, struct host *h, struct flight **flights,
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
		f->from = attacker_addr(s);
		net_link(&s->net, f->sender, h->index)->disordered = true;
		trace_datagram(s, "gets stolen", h->index, f);
		inject_begin(s, h->index, &f->from, f->len, true);
		network_deliver(h, &f, 1);
		inject_end(s);
		free(f);
	}
	return left;
}

void attacker_reflect(struct sim *s, unsigned sender, const struct addr *from,
		      const struct addr *to, const uint8_t *data, size_t len)
{
	struct flight *f;

	if (data[0] == WIRE_DATA || !rng_chance(&s->net.rng, s->outside.mirror))
		return;
	f = flight_new(SIM_HOSTS_MAX, to, from, data, len);
	net_launch(&s->net, sender, f, s->net.now_us + 1);
}

/* ---- kinds of attack ---- */

static enum forgery forgery_of(enum attack kind)
{
	switch (kind) {
	case ATTACK_RANDOM:
		return FORGE_RANDOM;
	case ATTACK_TRUNCATE:
		return FORGE_TRUNCATE;
	case ATTACK_EXTEND:
		return FORGE_EXTEND;
	case ATTACK_FLIP:
		return FORGE_FLIP;
	case ATTACK_SPLICE:
		return FORGE_SPLICE;
	case ATTACK_REPLAY:
	case ATTACK_HANDSHAKE:
	case ATTACK_REDIRECT:
	case ATTACK_KINDS:
		break;
	}
	return FORGE_NOTHING;
}

static unsigned random_live_host(struct sim *s)
{
	unsigned i = (unsigned)rng_below(&s->net.rng, s->host_count);

	while (!s->hosts[i].node)
		i = (i + 1) % s->host_count;
	return i;
}

void attacker_attack(struct sim *s, enum attack kind)
{
	const struct record *record = &s->outside.record;
	const struct flight *f =
		record_pick(record, &s->net.rng, kind == ATTACK_HANDSHAKE);
	unsigned victim = random_live_host(s);
	struct addr from = attacker_addr(s);
	uint8_t out[FORGE_MAX];
	bool is_elsewheres;
	size_t len;

	if (kind != ATTACK_RANDOM) {
		const struct host *h = f ? network_find(s, &f->to) : NULL;

		if (!f)
			return;
		if (kind != ATTACK_REDIRECT && h)
			victim = h->index;
		if (rng_chance(&s->net.rng, 0.5))
			from = f->from;
	}
	len = forge(forgery_of(kind), record, &s->net.rng, f, out);
	is_elsewheres = kind == ATTACK_REDIRECT && f &&
			network_find(s, &f->to) != &s->hosts[victim];
	inject(s, victim, &from, out, len, is_elsewheres);
}

void attacker_flood(struct sim *s, size_t n, uint64_t us)
{
	for (size_t i = 0; i < n && !s->failed; i++) {
		attacker_attack(
			s, (enum attack)rng_below(&s->net.rng, ATTACK_KINDS));
		sim_run(s, us);
	}
}
