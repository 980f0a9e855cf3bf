#include "queue/fq.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "queue/drr.h"
#include "queue/fifo.h"

#define CONTROL_BYTES 65536 /* beyond its share, and waiting */
#define CONTROL_SHARE 20    /* one in so many */
#define REST_SHARE    3	    /* to one of TCP */
/* With so few slots left to CONTROL it is urgent. */
#define CONTROL_FRAMES_URGENT 64
/* A turn of the shortest frames is one too. */
#define FRAME_COST 64
/* The moving average's weight of a new value: one in so many. */
#define SOJOURN_WEIGHT 16

static_assert(FQ_FRAME_MAX == SLOT_LARGE_MAX, "a place is a large slot");
static_assert(FIFO_KEEP == FQ_BATCH_FRAMES && FIFO_KEEP_BYTES == FQ_BATCH_BYTES,
	      "what may always wait is one batch");

struct fq {
	uint8_t key[SIPHASH_KEY_LEN];
	struct slots slots;
	struct slot *spare; /* where the next frame is read to */

	struct slot_list control;
	uint32_t control_count;
	uint64_t control_bytes;
	int64_t control_credit;
	struct fifo rest;
	struct drr tcp;
	/* What REST has had beyond its share while TCP waited, in REST's bytes. */
	int64_t rest_ahead;

	struct fq_batch batch;
	struct iovec pieces[FQ_BATCH_FRAMES];
	struct slot *taken[FQ_BATCH_FRAMES];
	enum traffic_class batch_class; /* whose turn it was */

	struct queue_stats stats;
	uint64_t sojourn_us; /* × SOJOURN_WEIGHT */
};

struct fq *fq_new(const uint8_t key[SIPHASH_KEY_LEN])
{
	struct fq *q = calloc(1, sizeof(*q));

	if (!q || !slots_init(&q->slots)) {
		free(q);
		return NULL;
	}
	memcpy(q->key, key, sizeof(q->key));
	TAILQ_INIT(&q->control);
	q->control_credit = CONTROL_BYTES;
	fifo_init(&q->rest, &q->slots, &q->stats);
	drr_init(&q->tcp, &q->slots, &q->stats);
	q->spare = slots_take_spare(&q->slots);
	return q;
}

void fq_free(struct fq *q)
{
	if (!q)
		return;
	slots_free(&q->slots);
	free(q);
}

uint8_t *fq_place(struct fq *q)
{
	return q->spare->space + FRAME_HEADROOM;
}

/* ---- in ---- */

/* Control that is too large or too much is like the rest. */
static enum traffic_class class_of(const struct fq *q, const struct traffic *t,
				   size_t len)
{
	if (t->class != TRAFFIC_CONTROL)
		return t->class;
	/* An answer to our own querier is awaited, and costs nothing to send: with many
	 * groups it is as long as the MTU allows. */
	if (len > (t->membership ? SLOT_MEDIUM_MAX : SLOT_SMALL_MAX))
		return TRAFFIC_REST;
	if (!t->membership &&
	    (q->control_credit <= 0 || q->control_bytes + len > CONTROL_BYTES))
		return TRAFFIC_REST;
	return TRAFFIC_CONTROL;
}

/* The spare slot's frame, in a slot of its class and size; NULL: there is none. */
static struct slot *settle(struct fq *q, enum traffic_class class, size_t len)
{
	const enum slot_size size = slots_size_for(len);
	struct slot *slot = q->spare, *other;

	if (size == SLOT_LARGE) {
		other = slots_change_spare(&q->slots, slot, class);
		if (other)
			q->spare = other;
		return other ? slot : NULL;
	}
	other = slots_take(&q->slots, class, size);
	if (other)
		memcpy(other->space + FRAME_HEADROOM,
		       slot->space + FRAME_HEADROOM, len);
	return other;
}

static bool make_room(struct fq *q, enum traffic_class class, size_t len,
		      uint32_t flow)
{
	const enum slot_size size = slots_size_for(len);

	if (class == TRAFFIC_TCP)
		return drr_make_room(&q->tcp, size);
	return fifo_make_room(&q->rest, size, flow);
}

static void put_control(struct fq *q, struct slot *s, bool membership)
{
	TAILQ_INSERT_TAIL(&q->control, s, in_fifo);
	q->control_count++;
	q->control_bytes += s->len;
	if (!membership)
		q->control_credit -= (int64_t)slot_cost(s);
}

/* It stays in the spare slot, and the next frame is read over it. */
static void refuse(struct fq *q, size_t len, const struct offload *offload)
{
	q->spare->frame = fq_place(q);
	q->spare->len = len;
	q->spare->offload = *offload;
	stats_drop(&q->stats, q->spare, DROP_queue_full);
}

void fq_put(struct fq *q, size_t len, const struct offload *offload,
	    uint32_t receivers, uint64_t now_us)
{
	struct traffic t;
	enum traffic_class class;
	struct slot *s;

	traffic_of(&t, fq_place(q), len, offload->gso != OFFLOAD_GSO_NONE,
		   q->key);
	if (!t.group || receivers == 0)
		receivers = 1;
	class = class_of(q, &t, len);
	s = settle(q, class, len);
	if (!s && class == TRAFFIC_CONTROL)
		s = settle(q, class = TRAFFIC_REST, len);
	if (!s && make_room(q, class, len, t.hash % FLOWS))
		s = settle(q, class, len);
	if (!s) {
		refuse(q, len, offload);
		return;
	}
	s->frame = s->space + FRAME_HEADROOM;
	s->len = len;
	s->offload = *offload;
	s->at_us = now_us;
	s->flow = t.hash % FLOWS;
	s->receivers = receivers;
	if (class == TRAFFIC_CONTROL)
		put_control(q, s, t.membership);
	else if (class == TRAFFIC_TCP)
		drr_put(&q->tcp, s);
	else
		fifo_put(&q->rest, s, now_us);
}

bool fq_is_urgent(const struct fq *q)
{
	return q->control_count >= CONTROL_FRAMES_URGENT;
}

bool fq_has_control(const struct fq *q)
{
	return q->control_count > 0;
}

uint32_t fq_room(const struct fq *q, uint64_t now_us)
{
	if (fifo_stands(&q->rest, now_us))
		return UINT32_MAX;
	return slots_left(&q->slots, TRAFFIC_REST, SLOT_SMALL);
}

uint32_t fq_room_tcp(const struct fq *q)
{
	return slots_left(&q->slots, TRAFFIC_TCP, SLOT_SMALL);
}

/* ---- out ---- */

static void add(struct fq *q, struct slot *s, uint64_t now_us)
{
	struct fq_batch *b = &q->batch;
	struct frame *f = &b->frames[b->count];

	q->pieces[b->count] = (struct iovec){ s->frame, s->len };
	*f = (struct frame){ &q->pieces[b->count], 1, s->offload };
	q->taken[b->count++] = s;
	q->batch.len += s->len;
	b->bytes += slot_cost(s);
	q->sojourn_us += now_us - s->at_us;
	q->sojourn_us -= q->sojourn_us / SOJOURN_WEIGHT;
}

static bool is_full(const struct fq *q)
{
	return q->batch.count == FQ_BATCH_FRAMES ||
	       q->batch.len >= FQ_BATCH_BYTES ||
	       q->batch.bytes >= FQ_BATCH_COPIES;
}

/* If others wait, half of a batch is theirs: membership has no other bound. */
static bool is_half_full(const struct fq *q)
{
	return q->batch.count >= FQ_BATCH_FRAMES / 2 ||
	       q->batch.len >= FQ_BATCH_BYTES / 2 ||
	       q->batch.bytes >= FQ_BATCH_COPIES / 2;
}

static void take_control(struct fq *q, bool others, uint64_t now_us)
{
	struct slot *s;

	while (!(others ? is_half_full(q) : is_full(q)) &&
	       (s = TAILQ_FIRST(&q->control)) != NULL) {
		TAILQ_REMOVE(&q->control, s, in_fifo);
		q->control_count--;
		q->control_bytes -= s->len;
		add(q, s, now_us);
	}
}

/* Whose turn it is: with both waiting, REST has its share first. */
static enum traffic_class whose_turn(struct fq *q)
{
	if (q->rest.count == 0 || q->tcp.count == 0)
		q->rest_ahead = 0;
	if (q->rest.count == 0)
		return TRAFFIC_TCP;
	if (q->tcp.count == 0)
		return TRAFFIC_REST;
	return q->rest_ahead <= 0 ? TRAFFIC_REST : TRAFFIC_TCP;
}

static struct slot *take_one(struct fq *q, uint64_t now_us)
{
	return q->batch_class == TRAFFIC_TCP ? drr_take(&q->tcp, now_us)
					     : fifo_take(&q->rest, now_us);
}

const struct fq_batch *fq_take(struct fq *q, enum fq_take what, uint64_t now_us)
{
	struct slot *s;

	q->batch.count = 0;
	q->batch.bytes = 0;
	q->batch.len = 0;
	take_control(q, what == FQ_ALL && q->rest.count + q->tcp.count > 0,
		     now_us);
	q->batch_class = TRAFFIC_CONTROL;
	if (what == FQ_CONTROL || is_full(q))
		return &q->batch;
	q->batch_class = whose_turn(q);
	while (!is_full(q) && (s = take_one(q, now_us)) != NULL)
		add(q, s, now_us);
	return &q->batch;
}

/* What others send gives CONTROL its share. */
static void earn(struct fq *q, uint64_t bytes)
{
	q->control_credit += (int64_t)(bytes / CONTROL_SHARE);
	if (q->control_credit > CONTROL_BYTES)
		q->control_credit = CONTROL_BYTES;
}

static uint64_t turn_of(const struct fq *q)
{
	const uint64_t least = q->batch.count * FRAME_COST;

	return q->batch.len > least ? q->batch.len : least;
}

void fq_sent(struct fq *q, uint64_t bytes)
{
	/* What went to nobody had its turn all the same. */
	const uint64_t turn = turn_of(q);

	for (size_t i = 0; i < q->batch.count; i++)
		slots_give(&q->slots, q->taken[i]);
	q->batch.count = 0;
	if (q->batch_class == TRAFFIC_CONTROL)
		return;
	earn(q, bytes);
	if (bytes < turn)
		bytes = turn;
	if (q->batch_class == TRAFFIC_REST)
		q->rest_ahead += (int64_t)bytes;
	else
		q->rest_ahead -= REST_SHARE * (int64_t)bytes;
}

bool fq_is_empty(const struct fq *q)
{
	return q->control_count == 0 && q->rest.count == 0 && q->tcp.count == 0;
}

void fq_show_drops(struct fq *q, queue_dropped *dropped, void *user)
{
	q->stats.dropped = dropped;
	q->stats.user = user;
}

void fq_info(const struct fq *q, struct fq_info *out)
{
	*out = (struct fq_info){
		.frames = q->control_count + q->rest.count + q->tcp.count,
		.bytes = q->control_bytes + q->rest.bytes + q->tcp.bytes,
		.sojourn_us = (uint32_t)(q->sojourn_us / SOJOURN_WEIGHT),
		.marks = q->stats.marks,
		.full = q->stats.full,
		.delay = q->stats.delay,
	};
}
