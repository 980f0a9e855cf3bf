/* A tap on the wire that can open what it sees. */
#include "watch.h"

#include <stdlib.h>

#include "node/debug.h"
#include "tunnel/wire.h"

#include "insider.h"
#include "nat.h"

/* Datagrams of one host to one address where nobody is. */
struct astray {
	struct addr to; /* without port */
	unsigned from;
	uint64_t count; /* 0: the place is free */
};

struct watch {
	struct watch_counts hosts[SIM_HOSTS_MAX];
	struct astray *slots;
	size_t count, capacity; /* a power of two */
};

void watch_begin(struct sim *s)
{
	watch_free(s);
	s->watch = test_zalloc(1, sizeof(*s->watch));
	s->watch->capacity = 1024;
	s->watch->slots =
		test_zalloc(s->watch->capacity, sizeof(*s->watch->slots));
}

void watch_free(struct sim *s)
{
	if (!s->watch)
		return;
	free(s->watch->slots);
	free(s->watch);
	s->watch = NULL;
}

/* ---- what goes astray ---- */

static struct astray *slot_of(struct watch *w, const struct addr *to,
			      unsigned from)
{
	uint64_t hash = digest_bytes(from, to->ip, sizeof(to->ip));
	size_t at = (size_t)(hash % w->capacity);

	while (w->slots[at].count &&
	       (w->slots[at].from != from || !addr_equal(&w->slots[at].to, to)))
		at = (at + 1) % w->capacity;
	return &w->slots[at];
}

static void grow(struct watch *w)
{
	struct astray *old = w->slots;
	size_t count = w->capacity;

	w->capacity *= 2;
	w->slots = test_zalloc(w->capacity, sizeof(*w->slots));
	for (size_t i = 0; i < count; i++)
		if (old[i].count)
			*slot_of(w, &old[i].to, old[i].from) = old[i];
	free(old);
}

static void note_astray(struct watch *w, const struct addr *to, unsigned from)
{
	struct addr address = *to;
	struct astray *a;

	address.port = 0;
	a = slot_of(w, &address, from);
	if (a->count++)
		return;
	a->to = address;
	a->from = from;
	if (2 * ++w->count > w->capacity)
		grow(w);
}

uint64_t watch_astray(const struct sim *s)
{
	const struct watch *w = s->watch;
	uint64_t count = 0;

	for (size_t i = 0; i < w->capacity; i++)
		count += w->slots[i].count;
	return count;
}

uint64_t watch_most_astray(const struct sim *s)
{
	const struct watch *w = s->watch;
	uint64_t most = 0;

	for (size_t i = 0; i < w->capacity; i++)
		if (w->slots[i].count > most)
			most = w->slots[i].count;
	return most;
}

size_t watch_count_astray(const struct sim *s)
{
	return s->watch->count;
}

uint64_t watch_astray_to(const struct sim *s, const struct addr *victim)
{
	const struct watch *w = s->watch;
	struct addr address = *victim;
	uint64_t count = 0;

	address.port = 0;
	for (size_t i = 0; i < w->capacity; i++)
		if (w->slots[i].count && addr_equal(&w->slots[i].to, &address))
			count += w->slots[i].count;
	return count;
}

/* ---- what is in it ---- */

const struct watch_counts *watch_of(const struct sim *s, unsigned host)
{
	return &s->watch->hosts[host];
}

struct watch_counts watch_of_all(const struct sim *s)
{
	struct watch_counts all = { 0 };

	for (unsigned i = 0; i < s->host_count; i++) {
		const struct watch_counts *c = watch_of(s, i);

		all.datagrams += c->datagrams;
		all.bytes += c->bytes;
		all.initiations += c->initiations;
		all.questions += c->questions;
		all.lists += c->lists;
		all.exchange_bytes += c->exchange_bytes;
	}
	return all;
}

static void count_records(struct watch_counts *counts, const uint8_t *records,
			  size_t len)
{
	struct cursor c = cursor_init(records, len);
	struct wire_record r;
	struct wire_peers p;

	while (wire_next_record(&c, &r)) {
		if (r.kind != WIRE_PEERS ||
		    wire_unpack_peers(&p, &r) != DROP_NONE)
			continue;
		counts->questions += p.ask;
		counts->lists += !p.ask;
		counts->exchange_bytes += WIRE_RECORD_LEN + r.len;
	}
}

void watch_see(struct sim *s, const struct host *from, const struct addr *to,
	       const uint8_t *bytes, size_t len)
{
	const struct host *other = network_find(s, to);
	struct watch_counts *counts;
	uint8_t *records;
	size_t records_len;

	if (!s->watch || !len)
		return;
	counts = &s->watch->hosts[from->index];
	counts->datagrams++;
	counts->bytes += len;
	counts->initiations += bytes[0] == WIRE_INITIATION;
	if (!other && !insiders_own(to) && !nat_owns(s, to))
		note_astray(s->watch, to, from->index);
	if (!other || !other->node || bytes[0] != WIRE_DATA)
		return;
	records = test_alloc(len);
	if (node_debug_open(other->node, bytes, len, records, &records_len))
		count_records(counts, records, records_len);
	free(records);
}
