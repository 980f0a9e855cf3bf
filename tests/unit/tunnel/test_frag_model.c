/* Reassembly against a model that keeps a flag for every byte. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/alloc.h"
#include "support/main.h"
#include "support/rng.h"
#include "tunnel/frag.h"

#define RECORD_MAX 48
#define BUFFERS	   12
#define PORTS	   3

static uint64_t drops[DROP_REASON_COUNT];
static uint8_t bytes[1000]; /* what frames are made of */
static uint64_t now_us = 1000 * CLOCK_S;

struct model_set {
	uint16_t port;
	uint32_t session, id;
	uint64_t born_us;
	bool dead;
	size_t end; /* after LAST; until then 0 */
	bool have[RECORD_MAX];
	uint8_t bytes[RECORD_MAX];
};

struct model {
	struct model_set sets[BUFFERS]; /* oldest first */
	size_t count;
	uint64_t drops[DROP_REASON_COUNT];
};

static void model_remove(struct model *m, size_t i)
{
	m->count--;
	memmove(&m->sets[i], &m->sets[i + 1],
		(m->count - i) * sizeof(m->sets[0]));
}

static void model_discard(struct model *m, size_t i, enum drop_reason reason)
{
	m->drops[reason] += !m->sets[i].dead;
	model_remove(m, i);
}

static void model_age(struct model *m, uint64_t at_us)
{
	while (m->count && m->sets[0].born_us + FRAG_LIFE_US <= at_us)
		model_discard(m, 0, DROP_fragment_timeout);
}

static void model_forget(struct model *m, uint16_t port, uint32_t session)
{
	for (size_t i = m->count; i-- > 0;)
		if (m->sets[i].port == port && m->sets[i].session == session)
			model_remove(m, i);
}

/* The oldest of the port that has most; one more is about to be the newcomer's. */
static size_t model_of_most(const struct model *m, uint16_t newcomer)
{
	size_t most = 0, found = 0;

	for (size_t i = 0; i < m->count; i++) {
		const uint16_t port = m->sets[i].port;
		size_t of_port = port == newcomer;

		for (size_t j = 0; j < m->count; j++)
			of_port += m->sets[j].port == port;
		if (of_port > most) {
			most = of_port;
			found = i;
		}
	}
	return found;
}

static size_t model_find(struct model *m, uint16_t port, uint32_t session,
			 uint32_t id, uint64_t at_us)
{
	size_t oldest = SIZE_MAX, of_port = 0;

	for (size_t i = 0; i < m->count; i++) {
		struct model_set *s = &m->sets[i];

		if (s->port == port && s->session == session && s->id == id)
			return i;
		if (s->port != port)
			continue;
		of_port++;
		if (oldest == SIZE_MAX)
			oldest = i;
	}
	if (of_port == FRAG_PER_PEER)
		model_discard(m, oldest, DROP_fragment_full);
	else if (m->count == BUFFERS)
		model_discard(m, model_of_most(m, port), DROP_fragment_full);
	m->sets[m->count] = (struct model_set){
		.port = port, .session = session, .id = id, .born_us = at_us
	};
	return m->count++;
}

static enum drop_reason model_fill(struct model_set *s,
				   const struct wire_fragment *p)
{
	size_t end = p->offset + p->len, holes = 0;
	size_t limit = s->end ? s->end : RECORD_MAX;

	if (!p->len || end > limit || (end == RECORD_MAX && !p->last))
		return DROP_fragment_bad;
	for (size_t i = p->offset; i < limit; i++)
		if (s->have[i] && (i < end || p->last))
			return DROP_fragment_bad;
	if (p->last) {
		if (s->end)
			return DROP_fragment_bad;
		s->end = limit = end;
	}
	for (size_t i = p->offset; i < end; i++) {
		s->have[i] = true;
		s->bytes[i] = p->piece[i - p->offset];
	}
	for (size_t i = 0; i < limit; i++)
		holes += !s->have[i] && (i == 0 || s->have[i - 1]);
	return holes > FRAG_HOLES_MAX ? DROP_fragment_full : DROP_NONE;
}

/* The record's length if it is complete; its bytes go to out. */
static size_t model_add(struct model *m, uint16_t port, uint32_t session,
			const struct wire_fragment *p, uint64_t at_us,
			uint8_t out[RECORD_MAX])
{
	enum drop_reason reason;
	struct model_set *s;
	size_t at, len;

	model_age(m, at_us);
	at = model_find(m, port, session, p->id, at_us);
	s = &m->sets[at];
	if (s->dead)
		return 0;
	reason = model_fill(s, p);
	if (reason) {
		m->drops[reason]++;
		s->dead = true;
		return 0;
	}
	len = s->end;
	for (size_t i = 0; i < len; i++)
		if (!s->have[i])
			return 0;
	if (len) {
		memcpy(out, s->bytes, len);
		model_remove(m, at);
	}
	return len;
}

/*
 * A sender of frames cut into equal units: which of its current frame it
 * has sent. It mostly goes forwards, at times not, and at times sends rubbish.
 */
struct sender {
	uint16_t port;
	uint32_t session, id;
	size_t unit_len, units;
	uint64_t sent;
};

static struct wire_fragment random_rubbish(struct rng *rng)
{
	struct wire_fragment p = { .piece = bytes };

	p.offset = (uint16_t)rng_below(rng, RECORD_MAX + 2);
	p.len = rng_below(rng, RECORD_MAX);
	p.last = rng_chance(rng, 0.3);
	return p;
}

static struct wire_fragment random_piece(struct rng *rng, struct sender *s)
{
	struct wire_fragment p = random_rubbish(rng);
	uint64_t unit = rng_below(rng, s->units);

	p.id = s->id;
	if (rng_chance(rng, 0.02))
		return p;
	if (!rng_chance(rng, 0.2))
		unit = 0;
	while (s->sent & UINT64_C(1) << unit)
		unit = (unit + 1) % s->units;
	s->sent |= UINT64_C(1) << unit;
	p.offset = (uint16_t)(unit * s->unit_len);
	p.len = s->unit_len;
	p.last = unit == s->units - 1;
	p.piece = bytes + rng_below(rng, sizeof(bytes) - s->unit_len);
	if (s->sent == (UINT64_C(1) << s->units) - 1)
		s->sent = 0;
	return p;
}

struct match {
	struct rng rng;
	struct model model;
	struct frag *frag;
	struct sender senders[20];
	uint64_t completed;
};

static void match_init(struct match *m, uint64_t seed)
{
	static const size_t unit_lens[] = { 1, 3, 8, 16 };

	*m = (struct match){ .rng = rng_init(seed) };
	rng_bytes(&m->rng, bytes, sizeof(bytes));
	m->frag = frag_new(BUFFERS, RECORD_MAX, PORTS, drops);
	for (uint32_t i = 0; i < 20; i++) {
		struct sender *s = &m->senders[i];

		s->port = (uint16_t)rng_below(&m->rng, PORTS);
		s->session = i % 2;
		s->id = i;
		s->unit_len = unit_lens[rng_below(&m->rng, 4)];
		s->units = RECORD_MAX / s->unit_len;
	}
}

/* One piece to both, and what comes of it. */
static void match_piece(struct match *m, uint64_t senders)
{
	struct sender *s = &m->senders[rng_below(&m->rng, senders)];
	struct wire_fragment p = random_piece(&m->rng, s);
	uint8_t want[RECORD_MAX];
	size_t len =
		model_add(&m->model, s->port, s->session, &p, now_us, want);
	struct frag_done done;

	if (frag_add(m->frag, s->port, s->session, &p, now_us, &done) !=
	    (len > 0))
		ck_abort_msg("complete or not");
	if (!len)
		return;
	if (done.len != len || memcmp(done.record, want, len) != 0)
		ck_abort_msg("another record");
	frag_release(m->frag, done.slot);
	m->completed++;
}

START_TEST(random_pieces_agree_with_a_model)
{
	struct match *m = test_alloc(sizeof(*m));

	match_init(m, (uint64_t)_i);
	for (int step = 0; step < 20000; step++) {
		const struct model_set *oldest = m->model.sets;

		now_us += rng_below(&m->rng, 10 * CLOCK_MS);
		if (rng_below(&m->rng, 500) == 0)
			now_us += FRAG_LIFE_US;
		if (rng_below(&m->rng, 200) == 0) {
			frag_forget_session(m->frag, 0, 1);
			model_forget(&m->model, 0, 1);
		}
		/* Now few frames at a time, now too many. */
		match_piece(m, step / 1000 % 2 ? 4 : 20);
		if (memcmp(drops, m->model.drops, sizeof(drops)) != 0)
			ck_abort_msg("seed %d, step %d: drops", _i, step);
		if (frag_deadline(m->frag) !=
		    (m->model.count ? oldest->born_us + FRAG_LIFE_US
				    : CLOCK_NEVER))
			ck_abort_msg("seed %d, step %d: deadline", _i, step);
	}
	/* It compared something. */
	ck_assert_uint_ge(m->completed, 100);
	ck_assert_uint_ge(drops[DROP_fragment_bad], 20);
	ck_assert_uint_ge(drops[DROP_fragment_full], 20);
	ck_assert_uint_ge(drops[DROP_fragment_timeout], 20);
	frag_free(m->frag);
	free(m);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_LOOP(random_pieces_agree_with_a_model, 40),
};

UNIT_MAIN("frag_model", tests)
