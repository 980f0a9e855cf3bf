/* For tests: datagrams as an attacker makes them. */
#include "support/forge.h"

#include <stdlib.h>
#include <string.h>

#include "support/alloc.h"
#include "tunnel/wire.h"

#define HANDSHAKE_TRIES 64

/* ---- what it recorded ---- */

void record_init(struct record *r, size_t max)
{
	r->flights = test_zalloc(max, sizeof(*r->flights));
	r->max = max;
}

void record_free(struct record *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->flights[i]);
	free(r->flights);
}

static bool is_rare(const struct flight *f)
{
	return f->bytes[0] != WIRE_DATA && f->bytes[0] != WIRE_RELAYED;
}

/* Vitter 1985: old and fresh datagrams are replayed alike. */
void record_add(struct record *r, struct rng *rng, struct flight *f)
{
	size_t at;

	if (r->max == 0) {
		free(f);
		return;
	}
	r->seen++;
	if (r->count < r->max) {
		r->flights[r->count++] = f;
		r->len += f->len;
		return;
	}
	/* Handshakes are rare and interesting: half the record is theirs. */
	if (is_rare(f))
		at = (size_t)rng_below(rng, r->max / 2);
	else
		at = (size_t)rng_below(rng, r->seen);
	if (at >= r->max || (!is_rare(f) && at < r->max / 2)) {
		free(f);
		return;
	}
	r->len += f->len - r->flights[at]->len;
	free(r->flights[at]);
	r->flights[at] = f;
}

const struct flight *record_pick(const struct record *r, struct rng *rng,
				 bool handshake)
{
	for (unsigned i = 0; i < HANDSHAKE_TRIES && r->count; i++) {
		const struct flight *f = r->flights[rng_below(rng, r->count)];

		if (!handshake || is_rare(f))
			return f;
	}
	return NULL;
}

/* ---- what it makes of it ---- */

static size_t make_random(struct rng *rng, uint8_t *out)
{
	static const size_t telling[] = {
		0, 1, 4, 15, 16, 31, 32, 56, 140, 144
	};
	size_t len = rng_chance(rng, 0.5) ? telling[rng_below(rng, 10)]
					  : (size_t)rng_below(rng, FORGE_MAX);

	rng_bytes(rng, out, len);
	if (len >= 4 && rng_chance(rng, 0.9)) {
		memset(out, 0, 4);
		out[0] = (uint8_t)rng_range(rng, WIRE_INITIATION, WIRE_RELAYED);
	}
	return len;
}

static void flip(struct rng *rng, const struct flight *f, uint8_t *out)
{
	for (uint64_t n = rng_range(rng, 1, 4); n > 0; n--)
		out[rng_below(rng, f->len)] ^=
			(uint8_t)(1u << rng_below(rng, 8));
	/* An even number of flips may have undone itself. */
	if (memcmp(out, f->bytes, f->len) == 0)
		out[0] ^= 0x80;
}

static size_t splice(const struct record *r, struct rng *rng,
		     const struct flight *f, uint8_t *out)
{
	const struct flight *g = record_pick(r, rng, false);
	size_t cut = (size_t)rng_below(rng, f->len < g->len ? f->len : g->len);

	memcpy(out + cut, g->bytes + cut, g->len - cut);
	return g->len;
}

size_t forge(enum forgery kind, const struct record *r, struct rng *rng,
	     const struct flight *f, uint8_t out[FORGE_MAX])
{
	size_t more;

	if (kind == FORGE_RANDOM)
		return make_random(rng, out);
	memcpy(out, f->bytes, f->len);
	switch (kind) {
	case FORGE_TRUNCATE:
		return (size_t)rng_below(rng, f->len);
	case FORGE_EXTEND:
		if (f->len == FORGE_MAX)
			return f->len;
		more = (size_t)rng_range(rng, 1, FORGE_MAX - f->len);
		rng_bytes(rng, out + f->len, more);
		return f->len + more;
	case FORGE_FLIP:
		flip(rng, f, out);
		return f->len;
	case FORGE_SPLICE:
		return splice(r, rng, f, out);
	case FORGE_RANDOM:
	case FORGE_NOTHING:
		break;
	}
	return f->len;
}
