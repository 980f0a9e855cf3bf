#include "tunnel/frag.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * Each set owns one buffer of the pool for good: the set's number is the
 * buffer's. A set is FREE, on the free list; OPEN or DEAD, on its port's list
 * and on the list of all by age; or DONE, on none: the caller's.
 *
 * Holes (RFC 815) are kept sorted, as half-open ranges. Until LAST came, the
 * last hole ends at record_max: nobody knows better. LAST cuts it off, and so
 * must lie in it: any later data there would stick out. From this follows that
 * a record is complete when it has no hole, and that every byte of it was
 * written exactly once. A piece that does not fit wholly into one hole overlaps
 * what is there or sticks out, and no honest sender makes it (RFC 5722).
 *
 * Such a set is DEAD but keeps its place until its time is up, so that the
 * pieces of its frame still under way do not start a new one.
 *
 * All sets live equally long, so the oldest is the first to die; the list by
 * age needs no sorting, and a port's few sets need no index.
 */
enum state {
	FREE,
	OPEN,
	DEAD,
	DONE,
};

struct hole {
	uint16_t start, end;
};

struct set {
	enum state state;
	uint16_t port;
	uint32_t session, id;
	uint64_t born_us;
	struct set *older, *younger; /* FREE: older is the next free one */
	bool has_last;
	uint16_t len; /* once LAST came */
	uint16_t holes_count;
	struct hole holes[FRAG_HOLES_MAX];
};

/* A port's sets, oldest first. */
struct frag_port {
	struct set *sets[FRAG_PER_PEER];
	uint16_t count;
};

struct frag {
	uint64_t *drops;
	size_t record_max;
	uint8_t *buffers;
	struct set *sets, *free;
	struct set *oldest, *youngest;
	struct frag_port *ports;
	uint32_t sets_count;
	uint16_t ports_count;
};

struct frag *frag_new(uint32_t buffers, size_t record_max, uint16_t ports,
		      uint64_t *drops)
{
	struct frag *f = calloc(1, sizeof(*f));

	assert(buffers >= 1 && buffers <= UINT16_MAX);
	assert(record_max >= 1 && record_max <= UINT16_MAX);
	if (!f)
		return NULL;
	f->drops = drops;
	f->record_max = record_max;
	f->sets_count = buffers;
	f->ports_count = ports;
	f->sets = calloc(buffers, sizeof(*f->sets));
	f->ports = calloc(ports, sizeof(*f->ports));
	/* Not zeroed: pages are taken from the system when first used. */
	f->buffers = malloc(buffers * record_max);
	if (!f->sets || !f->ports || !f->buffers) {
		frag_free(f);
		return NULL;
	}
	for (uint32_t i = buffers; i-- > 0;) {
		f->sets[i].older = f->free;
		f->free = &f->sets[i];
	}
	return f;
}

void frag_free(struct frag *f)
{
	if (!f)
		return;
	free(f->buffers);
	free(f->ports);
	free(f->sets);
	free(f);
}

/* ---- sets come and go ---- */

static void give_back(struct frag *f, struct set *s)
{
	s->state = FREE;
	s->older = f->free;
	f->free = s;
}

/* Takes an OPEN or DEAD set off its lists. */
static void unlink_set(struct frag *f, struct set *s)
{
	struct frag_port *p = &f->ports[s->port];
	uint16_t i = 0;

	while (p->sets[i] != s)
		i++;
	for (p->count--; i < p->count; i++)
		p->sets[i] = p->sets[i + 1];

	*(s->older ? &s->older->younger : &f->oldest) = s->younger;
	*(s->younger ? &s->younger->older : &f->youngest) = s->older;
}

/* Ends a set before its record is complete; a DEAD one was counted. */
static void discard(struct frag *f, struct set *s, enum drop_reason reason)
{
	if (s->state == OPEN)
		f->drops[reason]++;
	unlink_set(f, s);
	give_back(f, s);
}

/* The youngest first: it is the one whose pieces are arriving. */
static struct set *find(const struct frag *f, uint16_t port, uint32_t session,
			uint32_t id)
{
	const struct frag_port *p = &f->ports[port];

	for (uint16_t i = p->count; i-- > 0;)
		if (p->sets[i]->id == id && p->sets[i]->session == session)
			return p->sets[i];
	return NULL;
}

/* The oldest set of whoever has most, the newcomer's new one counted: members' frames
 * that never complete, under however many keys, end no frame of one that has few. */
static struct set *of_most(const struct frag *f, uint16_t newcomer)
{
	struct set *found = NULL;
	int most = 0;

	for (struct set *s = f->oldest; s && most < FRAG_PER_PEER;
	     s = s->younger) {
		const int count =
			f->ports[s->port].count + (s->port == newcomer);

		if (count > most) {
			most = count;
			found = s;
		}
	}
	return found;
}

/* NULL if the caller holds every buffer there is. */
static struct set *open_set(struct frag *f, uint16_t port, uint32_t session,
			    uint32_t id, uint64_t now_us)
{
	struct frag_port *p = &f->ports[port];
	struct set *s;

	if (p->count == FRAG_PER_PEER)
		discard(f, p->sets[0], DROP_fragment_full);
	else if (!f->free && f->oldest)
		discard(f, of_most(f, port), DROP_fragment_full);
	s = f->free;
	if (!s)
		return NULL;
	f->free = s->older;

	s->state = OPEN;
	s->port = port;
	s->session = session;
	s->id = id;
	s->born_us = now_us;
	s->has_last = false;
	s->holes_count = 1;
	s->holes[0] = (struct hole){ 0, (uint16_t)f->record_max };
	p->sets[p->count++] = s;
	s->older = f->youngest;
	s->younger = NULL;
	*(f->youngest ? &f->youngest->younger : &f->oldest) = s;
	f->youngest = s;
	return s;
}

/* ---- pieces ---- */

/* Takes start..end out of hole i, which holds it. False if that makes one hole
 * too many. */
static bool cut_hole(struct set *s, uint16_t i, uint16_t start, uint16_t end)
{
	struct hole *h = &s->holes[i];
	size_t after = (size_t)(s->holes_count - i - 1);

	if (start > h->start && end < h->end) {
		if (s->holes_count == FRAG_HOLES_MAX)
			return false;
		memmove(h + 2, h + 1, after * sizeof(*h));
		h[1] = (struct hole){ end, h->end };
		h->end = start;
		s->holes_count++;
	} else if (start > h->start) {
		h->end = start;
	} else if (end < h->end) {
		h->start = end;
	} else {
		memmove(h, h + 1, after * sizeof(*h));
		s->holes_count--;
	}
	return true;
}

static enum drop_reason fill(const struct frag *f, struct set *s,
			     const struct wire_fragment *piece)
{
	size_t start = piece->offset, end;
	uint16_t i = 0;

	if (!piece->len || piece->len > f->record_max)
		return DROP_fragment_bad;
	end = start + piece->len;
	/* What is not LAST leaves room for it. */
	if (end + !piece->last > f->record_max)
		return DROP_fragment_bad;
	while (i < s->holes_count && s->holes[i].end <= start)
		i++;
	if (i == s->holes_count || start < s->holes[i].start ||
	    end > s->holes[i].end)
		return DROP_fragment_bad;
	if (piece->last) {
		if (s->has_last || i != s->holes_count - 1)
			return DROP_fragment_bad;
		s->has_last = true;
		s->len = s->holes[i].end = (uint16_t)end;
	}
	if (!cut_hole(s, i, (uint16_t)start, (uint16_t)end))
		return DROP_fragment_full;
	memcpy(f->buffers + (size_t)(s - f->sets) * f->record_max + start,
	       piece->piece, piece->len);
	return DROP_NONE;
}

bool frag_add(struct frag *f, uint16_t port, uint32_t session,
	      const struct wire_fragment *piece, uint64_t now_us,
	      struct frag_done *done)
{
	enum drop_reason reason;
	struct set *s;

	assert(port < f->ports_count);
	*done = (struct frag_done){ 0 };
	frag_age(f, now_us);
	s = find(f, port, session, piece->id);
	if (!s)
		s = open_set(f, port, session, piece->id, now_us);
	if (!s) {
		f->drops[DROP_fragment_full]++;
		return false;
	}
	if (s->state == DEAD)
		return false;
	reason = fill(f, s, piece);
	if (reason) {
		f->drops[reason]++;
		s->state = DEAD;
		return false;
	}
	if (s->holes_count)
		return false;

	unlink_set(f, s);
	s->state = DONE;
	done->slot = (uint32_t)(s - f->sets);
	done->record = f->buffers + done->slot * f->record_max;
	done->len = s->len;
	return true;
}

void frag_release(struct frag *f, uint32_t slot)
{
	assert(slot < f->sets_count && f->sets[slot].state == DONE);
	give_back(f, &f->sets[slot]);
}

/* ---- the end of sets ---- */

void frag_forget_session(struct frag *f, uint16_t port, uint32_t session)
{
	struct frag_port *p = &f->ports[port];

	assert(port < f->ports_count);
	for (uint16_t i = p->count; i-- > 0;) {
		struct set *s = p->sets[i];

		if (s->session != session)
			continue;
		unlink_set(f, s);
		give_back(f, s);
	}
}

void frag_age(struct frag *f, uint64_t now_us)
{
	while (now_us >= frag_deadline(f))
		discard(f, f->oldest, DROP_fragment_timeout);
}

uint64_t frag_deadline(const struct frag *f)
{
	return f->oldest ? f->oldest->born_us + FRAG_LIFE_US : CLOCK_NEVER;
}
