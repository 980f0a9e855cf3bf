/* Members of the network that misbehave. */
#include "insider.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define INSIDERS_MAX 1024
/* More than a node answers in the 5 s that one stays half open. */
#define POOL	   4096
#define TURNS	   8
#define INSIDE_NET 0x0a090000u /* 10.9.0.0/16 */

/* What these are elsewhere does not matter here: all of them are IPv4. */
static const unsigned places[INSIDER_PLACES] = { MEMBER_AT_V4, MEMBER_AT_OTHER,
						 MEMBER_AT_PORT, MEMBER_AT_V6,
						 MEMBER_AT_OTHER_V6 };

struct insiders {
	struct insider *all[INSIDERS_MAX];
	unsigned count;
};

static void deliver(void *user, const struct addr *from, const uint8_t *bytes,
		    size_t len)
{
	struct insider *i = user;
	struct host *h = &i->sim->hosts[i->host];
	struct flight *f;

	if (i->sim->failed || !h->node || h->paused)
		return;
	f = flight_new(SIM_HOSTS_MAX, from, &h->addr[FAMILY_V4], bytes, len);
	trace_datagram(i->sim, "gets a member's", i->host, f);
	network_deliver(h, &f, 1);
	free(f);
}

/* Each is at addresses of its own, and names its handshakes as no other does. */
static void place(struct insider *i, unsigned number)
{
	struct addr *a = i->member.addrs;
	uint32_t net = INSIDE_NET + (number + 1) * 256;

	for (unsigned n = 0; n < INSIDER_PLACES; n++)
		a[places[n]] = addr_v4(net + 1 + n, WIRE_PORT);
	a[INSIDER_FORGED] = addr_v4(net + 99, WIRE_PORT);
	i->member.index = (number + 1) << 22;
	i->member.rng = rng_init(rng_u64(&i->sim->net.rng));
}

static void record(void *user, struct member_session *s, unsigned at,
		   const struct wire_record *r)
{
	struct insider *i = user;

	(void)at;
	if (i->reads)
		i->reads(i, s, r);
}

struct insider *insider_new(struct sim *s, unsigned host)
{
	struct insider *i = test_zalloc(1, sizeof(*i));
	unsigned honest = (host + 1) % s->host_count;
	struct member_world world = {
		.deliver = deliver,
		.user = i,
		.now = &i->now,
		.victim = s->hosts[host].addr[FAMILY_V4],
		.honest = s->hosts[honest].addr[FAMILY_V4],
		.blind = 1U << INSIDER_FORGED,
		.record = record,
	};

	if (!s->insiders)
		s->insiders = test_zalloc(1, sizeof(*s->insiders));
	if (s->insiders->count == INSIDERS_MAX) {
		sim_fail(s, "too many members");
		return i;
	}
	i->sim = s;
	i->host = host;
	i->keys = INSIDER_PLACES;
	i->now = host_clock(&s->hosts[host]);
	member_init(&i->member);
	member_set_secret(&i->member, 0, s->secret);
	for (unsigned k = MEMBER_KEY_OWN; k < MEMBER_KEYS; k++) {
		uint8_t key[KEY_LEN];

		rng_bytes(&s->net.rng, key, sizeof(key));
		member_set_key(&i->member, k, key);
	}
	i->member.keys[MEMBER_KEY_HONEST] = s->hosts[honest].key;
	member_start(&i->member, &world);
	place(i, s->insiders->count);
	s->insiders->all[s->insiders->count++] = i;
	return i;
}

struct insider *insider_like(const struct insider *other, unsigned host)
{
	struct insider *i = insider_new(other->sim, host);
	struct member *m = &i->member;

	for (unsigned k = MEMBER_KEY_OWN; k < MEMBER_KEYS; k++)
		member_set_key(m, k, other->member.private_keys[k]);
	memcpy(m->addrs, other->member.addrs, sizeof(m->addrs));
	return i;
}

void insider_answers(struct insider *i)
{
	i->member.does |= MEMBER_ANSWERS;
	for (unsigned n = 0; n < INSIDER_PLACES; n++)
		i->member.lives_at[places[n]] = MEMBER_KEY_OWN + n;
}

bool insiders_own(const struct addr *a)
{
	return addr_is_v4(a) && load_be16(a->ip + 12) == INSIDE_NET >> 16;
}

struct insider *const *insiders_all(const struct sim *s, unsigned *n)
{
	*n = s->insiders ? s->insiders->count : 0;
	return s->insiders ? s->insiders->all : NULL;
}

void insiders_free(struct sim *s)
{
	for (unsigned i = 0; s->insiders && i < s->insiders->count; i++) {
		struct insider *one = s->insiders->all[i];

		member_stop(&one->member);
		aead_free(one->member.aead);
		free(one->pool);
		free(one);
	}
	free(s->insiders);
	s->insiders = NULL;
}

/* The answer to one of the pool. */
static bool take_cookie(struct insider *i, const struct addr *to,
			const uint8_t *bytes)
{
	struct member *m = &i->member;
	struct wire_cookie cookie;
	const uint8_t *mac1;

	wire_unpack_cookie(&cookie, bytes);
	if (cookie.receiver - i->pool_index >= i->pool_count)
		return false;
	mac1 = i->pool[cookie.receiver - i->pool_index] + WIRE_INITIATION_LEN -
	       WIRE_MAC1_FROM_END;
	for (unsigned at = 0; at < MEMBER_ADDRS; at++)
		if (addr_equal(to, &m->addrs[at]))
			m->has_cookie[at] =
				cookie_open(m->aead, &m->secrets[0], &cookie,
					    mac1, m->cookies[at]);
	return true;
}

static void see(struct insider *i, const struct addr *to, const uint8_t *bytes,
		size_t len)
{
	if (i->deaf && bytes[0] == WIRE_RESPONSE)
		return;
	if (bytes[0] == WIRE_COOKIE && take_cookie(i, to, bytes))
		return;
	member_sees(&i->member, to, bytes, len);
}

void insiders_see(struct sim *s, unsigned host, const struct addr *to,
		  const uint8_t *bytes, size_t len)
{
	for (unsigned i = 0; s->insiders && i < s->insiders->count; i++) {
		struct insider *one = s->insiders->all[i];

		if (one->host == host)
			see(one, to, bytes, len);
	}
}

void insiders_check(struct sim *s)
{
	for (unsigned i = 0; s->insiders && i < s->insiders->count; i++) {
		const struct insider *one = s->insiders->all[i];
		const struct member *m = &one->member;

		if (m->to[INSIDER_FORGED] > m->from[INSIDER_FORGED])
			sim_fail(s,
				 "h%u is had to send %" PRIu64
				 " bytes to where %" PRIu64 " came from",
				 one->host, m->to[INSIDER_FORGED],
				 m->from[INSIDER_FORGED]);
	}
}

bool insider_made(const uint8_t *frame)
{
	return frame[6] == 0x06;
}

/* ---- what it does ---- */

void insider_turn(struct insider *i)
{
	i->now = host_clock(&i->sim->hosts[i->host]);
	for (int n = 0; n < TURNS && i->member.inbox_count; n++)
		member_turn(&i->member);
}

struct member_session *insider_join(struct insider *i, unsigned n)
{
	const unsigned key = MEMBER_KEY_OWN + n, at = places[n];
	struct member *m = &i->member;
	unsigned place;
	struct member_session *s;

	insider_turn(i);
	place = m->next_session;
	m->does |=
		MEMBER_GREETS | MEMBER_ECHOES | MEMBER_REKEYS | MEMBER_COOKIES;
	member_initiate(m, key, at, 0, i->now.wall_us, m->has_cookie[at]);
	insider_turn(i);
	if (m->next_session == place)
		return NULL;
	s = member_session(m, place);
	member_hello(m, s, at, false, true, m->epochs[key]);
	insider_turn(i);
	return s;
}

void insider_meet(struct insider *i)
{
	for (unsigned n = 0; n < i->keys; n++)
		i->met[n] = insider_join(i, n);
	i->met_us = i->sim->net.now_us;
}

unsigned insider_anywhere(struct insider *i)
{
	const unsigned n =
		(unsigned)rng_below(&i->sim->net.rng, INSIDER_PLACES + 2);

	if (n == INSIDER_PLACES)
		return INSIDER_FORGED;
	return n > INSIDER_PLACES ? MEMBER_AT_HONEST : places[n];
}

/* With timestamps of now: they stay newer than any that was confirmed. */
static void fill_pool(struct insider *i, unsigned key)
{
	i->pool = test_alloc(POOL * sizeof(*i->pool));
	i->pool_index = i->member.index + 1;
	for (; i->pool_count < POOL; i->pool_count++)
		memcpy(i->pool[i->pool_count],
		       member_make(&i->member, key, 0, 0,
				   i->now.wall_us + i->pool_count),
		       WIRE_INITIATION_LEN);
}

void insider_initiate(struct insider *i, size_t n, unsigned key,
		      unsigned addresses)
{
	struct member *m = &i->member;

	i->now = host_clock(&i->sim->hosts[i->host]);
	if (!i->pool)
		fill_pool(i, key);
	for (; n > 0 && !i->sim->failed; n--) {
		uint8_t *one = i->pool[i->pool_next++ % i->pool_count];
		unsigned at = places[i->pool_next % addresses];

		if (m->has_cookie[at])
			cookie_set_mac2(m->cookies[at], one,
					WIRE_INITIATION_LEN);
		member_send(m, at, one, WIRE_INITIATION_LEN);
	}
}

static void make_rekeys(struct insider *i, struct member_session *s)
{
	i->rekeys_of = s->session.local;
	for (unsigned n = 0; n < INSIDER_REKEYS; n++)
		member_rekey_record(&i->member, s, s->key, 0, i->rekeys[n]);
	memset(i->member.pending, 0, sizeof(i->member.pending));
}

void insider_rekey(struct insider *i, struct member_session *s)
{
	uint8_t records[3][WIRE_REKEY_1_LEN];

	if (i->rekeys_of != s->session.local)
		make_rekeys(i, s);
	for (unsigned n = 0; n < 3; n++)
		memcpy(records[n], i->rekeys[i->rekeys_next++ % INSIDER_REKEYS],
		       WIRE_REKEY_1_LEN);
	insider_say(i, s, s->at, records[0], sizeof(records));
}

void insider_say(struct insider *i, struct member_session *s, unsigned at,
		 const uint8_t *records, size_t len)
{
	i->now = host_clock(&i->sim->hosts[i->host]);
	member_say(&i->member, s, at, records, len);
}
