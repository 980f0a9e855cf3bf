/* Boxes that translate addresses. */
#include "nat.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define UNANSWERED_US (30 * SIM_S)
#define ANSWERED_US   (120 * SIM_S)
#define FLOWS_MAX     4096
#define PORT_MIN      1024
/* 192.168.1.0/24, and the /16 it is in. */
#define INSIDE	    0xc0a80100u
#define INSIDE_NET  0xc0a8
#define INSIDE_PORT 8273

/* What a host sends to one destination, and that one's answers. */
struct nat_flow {
	const struct host *host;
	struct addr in, remote;
	uint16_t port; /* the public one */
	bool answered;
	uint64_t used_us;
};

struct nat {
	enum nat_kind kind;
	struct addr at; /* port 0 */
	unsigned hosts; /* ever put behind it */
	struct nat_flow *flows;
	size_t count;
};

struct nats {
	struct nat all[NATS_MAX];
	unsigned count;
	unsigned behind[SIM_HOSTS_MAX]; /* box + 1; 0: none */
};

/* ---- the boxes ---- */

unsigned nat_add(struct sim *s, enum nat_kind kind)
{
	struct nat *n;

	if (!s->nats)
		s->nats = test_zalloc(1, sizeof(*s->nats));
	if (s->nats->count == NATS_MAX) {
		sim_fail(s, "too many NATs");
		return 0;
	}
	n = &s->nats->all[s->nats->count];
	n->kind = kind;
	n->at = sim_next_addr(s, FAMILY_V4);
	n->at.port = 0;
	n->flows = test_zalloc(FLOWS_MAX, sizeof(*n->flows));
	return s->nats->count++;
}

void nats_free(struct sim *s)
{
	for (unsigned i = 0; s->nats && i < s->nats->count; i++)
		free(s->nats->all[i].flows);
	free(s->nats);
	s->nats = NULL;
}

enum nat_kind nat_kind(const struct sim *s, unsigned nat)
{
	return s->nats->all[nat].kind;
}

const char *nat_kind_name(enum nat_kind kind)
{
	static const char *const names[] = { [NAT_PRESERVING] = "preserving",
					     [NAT_SYMMETRIC] = "symmetric",
					     [NAT_FULL_CONE] = "full cone" };

	return names[kind];
}

const struct addr *nat_public(const struct sim *s, unsigned nat)
{
	return &s->nats->all[nat].at;
}

void nat_put(struct sim *s, unsigned host, unsigned nat)
{
	struct nat *n = &s->nats->all[nat];

	s->nats->behind[host] = nat + 1;
	s->hosts[host].addr[FAMILY_V4] =
		addr_v4(INSIDE + 1 + ++n->hosts, INSIDE_PORT);
}

unsigned nat_of(const struct sim *s, unsigned host)
{
	return s->nats && s->nats->behind[host] ? s->nats->behind[host] - 1
						: NATS_MAX;
}

void nat_reboot(struct sim *s, unsigned nat)
{
	sim_note(s, "NAT %u forgets all", nat);
	s->nats->all[nat].count = 0;
}

void nat_change(struct sim *s, unsigned nat, enum nat_kind kind)
{
	nat_reboot(s, nat);
	sim_note(s, "NAT %u is now %s", nat, nat_kind_name(kind));
	s->nats->all[nat].kind = kind;
}

void nat_soften(struct sim *s, unsigned nat)
{
	sim_note(s, "NAT %u keeps ports from now on", nat);
	s->nats->all[nat].kind = NAT_PRESERVING;
}

static struct nat *nat_behind(const struct host *h)
{
	const unsigned nat = nat_of(h->sim, h->index);

	return nat < NATS_MAX ? &h->sim->nats->all[nat] : NULL;
}

static bool same_ip(const struct addr *a, const struct addr *b)
{
	return memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static struct nat *nat_at(const struct sim *s, const struct addr *a)
{
	for (unsigned i = 0; s->nats && i < s->nats->count; i++)
		if (same_ip(&s->nats->all[i].at, a))
			return &s->nats->all[i];
	return NULL;
}

static bool is_inside(const struct addr *a)
{
	return addr_is_v4(a) && load_be16(a->ip + 12) == INSIDE_NET;
}

bool nat_owns(const struct sim *s, const struct addr *a)
{
	return s->nats && (is_inside(a) || nat_at(s, a));
}

bool nat_host_is_at(const struct host *h, const struct addr *a)
{
	const struct nat *n = nat_behind(h);

	for (int f = 0; f < FAMILIES; f++)
		if (h->has[f] && addr_equal(&h->addr[f], a))
			return true;
	return a->leg || (n && same_ip(&n->at, a));
}

/* ---- mappings ---- */

static bool flow_lives(const struct nat_flow *f, uint64_t now_us)
{
	return now_us - f->used_us <
	       (f->answered ? ANSWERED_US : UNANSWERED_US);
}

static void drop_dead(struct nat *n, uint64_t now_us)
{
	size_t left = 0;

	for (size_t i = 0; i < n->count; i++)
		if (flow_lives(&n->flows[i], now_us))
			n->flows[left++] = n->flows[i];
	n->count = left;
}

/* By another mapping than that of the host at in. */
static bool port_is_taken(const struct nat *n, uint16_t port,
			  const struct addr *in)
{
	for (size_t i = 0; i < n->count; i++)
		if (n->flows[i].port == port &&
		    !addr_equal(&n->flows[i].in, in))
			return true;
	return false;
}

static uint16_t new_port(struct sim *s, const struct nat *n,
			 const struct addr *in)
{
	static const struct addr nobody;
	uint16_t port = in->port;

	if (n->kind != NAT_SYMMETRIC && !port_is_taken(n, port, in))
		return port;
	do
		port = (uint16_t)rng_range(&s->net.rng, PORT_MIN, UINT16_MAX);
	while (port_is_taken(n, port, &nobody));
	return port;
}

/* What the host's port is mapped to already, if that does not depend on where it sends. */
static uint16_t known_port(const struct nat *n, const struct addr *in)
{
	for (size_t i = 0; i < n->count && n->kind != NAT_SYMMETRIC; i++)
		if (addr_equal(&n->flows[i].in, in))
			return n->flows[i].port;
	return 0;
}

static struct nat_flow *flow_out(struct nat *n, const struct host *h,
				 const struct addr *in, const struct addr *to)
{
	const uint64_t now_us = h->sim->net.now_us;
	uint16_t port;

	drop_dead(n, now_us);
	for (size_t i = 0; i < n->count; i++) {
		struct nat_flow *f = &n->flows[i];

		if (addr_equal(&f->in, in) && addr_equal(&f->remote, to)) {
			f->used_us = now_us;
			return f;
		}
	}
	if (n->count == FLOWS_MAX)
		return NULL;
	port = known_port(n, in);
	n->flows[n->count] = (struct nat_flow){
		.host = h,
		.in = *in,
		.remote = *to,
		.port = port ? port : new_port(h->sim, n, in),
		.used_us = now_us,
	};
	return &n->flows[n->count++];
}

/* By which what comes from there may enter; NULL: none. */
static struct nat_flow *flow_in(struct nat *n, const struct addr *from,
				uint16_t port, uint64_t now_us)
{
	struct nat_flow *any = NULL;

	drop_dead(n, now_us);
	for (size_t i = 0; i < n->count; i++) {
		struct nat_flow *f = &n->flows[i];

		if (f->port != port)
			continue;
		if (addr_equal(&f->remote, from))
			return f;
		any = f;
	}
	return n->kind == NAT_FULL_CONE ? any : NULL;
}

/* ---- what passes ---- */

static struct host *neighbour(const struct host *h, const struct addr *to)
{
	struct sim *s = h->sim;

	for (unsigned i = 0; i < s->host_count; i++)
		if (nat_behind(&s->hosts[i]) == nat_behind(h) &&
		    addr_equal(&s->hosts[i].addr[FAMILY_V4], to))
			return &s->hosts[i];
	return NULL;
}

/* The host that a datagram to the box is meant for; if there is no mapping, as yet, any
 * behind it: whether it may enter is seen when it arrives. */
static struct host *meant_for(struct sim *s, struct nat *n,
			      const struct addr *from, const struct addr *to)
{
	const struct nat_flow *f = flow_in(n, from, to->port, s->net.now_us);

	for (size_t i = 0; !f && i < n->count; i++)
		if (n->flows[i].port == to->port)
			f = &n->flows[i];
	if (f)
		return &s->hosts[f->host->index];
	for (unsigned i = 0; i < s->host_count; i++)
		if (nat_behind(&s->hosts[i]) == n)
			return &s->hosts[i];
	return NULL;
}

struct host *nat_leave(struct host *h, const struct addr *to, struct addr *from)
{
	struct sim *s = h->sim;
	struct nat *own = nat_behind(h), *theirs = nat_at(s, to);
	const struct nat_flow *f;

	if (own && is_inside(to))
		return neighbour(h, to);
	if (own && addr_is_v4(to)) {
		if (theirs == own && own->kind != NAT_FULL_CONE)
			return NULL;
		f = flow_out(own, h, from, to);
		if (!f)
			return NULL;
		*from = own->at;
		from->port = f->port;
	}
	return theirs ? meant_for(s, theirs, from, to) : network_find(s, to);
}

struct host *nat_enter(struct sim *s, unsigned guess, const struct addr *from,
		       struct addr *to)
{
	struct nat *n = nat_at(s, to);
	struct nat_flow *f;

	if (!n)
		return network_has(&s->hosts[guess], to) ? &s->hosts[guess]
							 : NULL;
	f = flow_in(n, from, to->port, s->net.now_us);
	if (!f)
		return NULL;
	f->used_us = s->net.now_us;
	f->answered |= addr_equal(&f->remote, from);
	*to = f->in;
	return &s->hosts[f->host->index];
}
