/* A card of a rate behind the fair queue, and who sends through them. */
#include "card.h"

#include <stdlib.h>
#include <string.h>

#define STEP_US	  10
#define LIMIT	  (256 * 1024) /* of what lies in the socket: send_limit.h */
#define RTT_US	  200
#define RTO_US	  (20 * SIM_MS)
#define SEGMENT	  1448
#define HEADERS	  66
#define GSO_MAX	  (HEADERS + 44 * SEGMENT)
#define ACKS	  65536
#define SEALED(b) ((b) + (b) / 20)

/* What its sender hears, and when. */
struct card_ack {
	uint64_t at_us;
	struct card_sender *to;
	uint64_t bytes;
	bool congested;
};

void card_init(struct card *c, struct sim *s, double gbit)
{
	/* The first senders share no flow's number under it. */
	static const uint8_t key[SIPHASH_KEY_LEN] = { 1 };

	*c = (struct card){ .sim = s, .now_us = SIM_S, .rate = gbit * 125 };
	c->queue = fq_new(key);
	c->senders = test_zalloc(CARD_SENDERS, sizeof(*c->senders));
	c->acks = test_zalloc(ACKS, sizeof(*c->acks));
	c->waits = test_zalloc(CARD_WAITS, sizeof(*c->waits));
}

void card_free(struct card *c)
{
	fq_free(c->queue);
	free(c->senders);
	free(c->acks);
	free(c->waits);
}

struct card_sender *card_add(struct card *c, enum card_manner manner,
			     enum queue_kind kind, size_t len)
{
	struct card_sender *s = &c->senders[c->count];

	*s = (struct card_sender){
		.manner = manner,
		.kind = kind,
		.flow = c->count++,
		.len = len,
		.receivers = 1,
		.window = 10 * SEGMENT,
		.heard_us = c->now_us,
	};
	return s;
}

/* ---- in ---- */

/* Room for its number and the time before that. */
static void put(struct card *c, struct card_sender *s, size_t len)
{
	uint8_t *frame = fq_place(c->queue);
	struct offload o;

	queue_frame(frame, len, s->kind, s->flow, s->next, &o);
	memcpy(frame + len - 16, &c->now_us, sizeof(c->now_us));
	s->lens[s->next++ % CARD_FRAMES] = len;
	s->in_flight += len;
	fq_put(c->queue, len, &o, s->receivers, c->now_us);
}

static void send_aimd(struct card *c, struct card_sender *s)
{
	if (s->in_flight > 0 && c->now_us - s->heard_us > RTO_US) {
		s->in_flight = 0;
		s->window = 2 * SEGMENT;
		s->heard_us = c->now_us;
	}
	while (s->in_flight + HEADERS + SEGMENT <= (uint64_t)s->window &&
	       s->next - s->expected < CARD_FRAMES) {
		uint64_t room = (uint64_t)s->window - s->in_flight - HEADERS;

		/* About a millisecond's, as Linux does it. */
		if (room > (uint64_t)s->window / 4)
			room = (uint64_t)s->window / 4;
		room = room < SEGMENT ? SEGMENT : room - room % SEGMENT;
		put(c, s, room + HEADERS < s->len ? room + HEADERS : s->len);
	}
}

static void send_steady(struct card *c, struct card_sender *s)
{
	for (s->due += s->rate * STEP_US; s->due >= (double)s->len;
	     s->due -= (double)s->len)
		put(c, s, s->len);
}

static void hear(struct card *c)
{
	while (c->acks_head != c->acks_tail) {
		const struct card_ack *a = &c->acks[c->acks_head % ACKS];
		struct card_sender *s = a->to;

		if (a->at_us > c->now_us)
			return;
		c->acks_head++;
		s->in_flight -=
			a->bytes < s->in_flight ? a->bytes : s->in_flight;
		s->heard_us = c->now_us;
		s->window += SEGMENT * (double)a->bytes / s->window;
		/* Once for what was on its way when it was told. */
		if (a->congested && s->reduced_us < c->now_us) {
			s->window /= 2;
			if (s->window < 2 * (SEGMENT + HEADERS))
				s->window = 2 * (SEGMENT + HEADERS);
			s->reduced_us = c->now_us + 2 * SIM_MS;
		}
	}
}

/* ---- out ---- */

static uint64_t lost_before(struct card_sender *s, uint64_t number)
{
	uint64_t bytes = 0;

	for (; s->expected < number; s->expected++, s->lost++)
		bytes += s->lens[s->expected % CARD_FRAMES];
	s->expected = number + 1;
	return bytes;
}

static void look_at(struct card *c, const struct frame *f)
{
	const uint8_t *frame = f->iov->iov_base;
	const size_t len = f->iov->iov_len;
	struct card_sender *s = &c->senders[queue_frame_flow(frame)];
	const uint64_t number = queue_frame_number(frame, len);
	const size_t whole = s->lens[number % CARD_FRAMES];
	struct card_ack *a = &c->acks[c->acks_tail % ACKS];
	uint64_t at_us, missing;

	memcpy(&at_us, frame + len - 16, sizeof(at_us));
	if (number < s->expected)
		sim_fail(c->sim, "sender %u: %lu after %lu", s->flow,
			 (unsigned long)number, (unsigned long)s->expected);
	missing = lost_before(s, number);
	s->frames++;
	s->bytes += len;
	if (c->now_us - at_us > s->wait_max_us)
		s->wait_max_us = c->now_us - at_us;
	if ((c->asked ? c->asked == s : s->manner == CARD_AIMD) &&
	    c->wait_count < CARD_WAITS)
		c->waits[c->wait_count++] = (uint32_t)(c->now_us - at_us);
	if (s->manner != CARD_AIMD)
		return;
	*a = (struct card_ack){
		c->now_us + RTT_US + (uint64_t)(c->lies / c->rate), s,
		missing + whole,
		missing > 0 || len < whole || (frame[15] & 3) == 3
	};
	c->acks_tail++;
}

static void send_batches(struct card *c)
{
	while (c->rate > 0 && c->lies < LIMIT && !fq_is_empty(c->queue)) {
		const struct fq_batch *b = fq_take(c->queue, FQ_ALL, c->now_us);

		for (size_t i = 0; i < b->count; i++)
			look_at(c, &b->frames[i]);
		c->lies += (double)SEALED(b->bytes);
		fq_sent(c->queue, SEALED(b->bytes));
	}
}

void card_run(struct card *c, uint64_t us)
{
	const uint64_t until = c->now_us + us;

	for (; c->now_us < until && !c->sim->failed; c->now_us += STEP_US) {
		/* Nobody is always the first. */
		const unsigned first =
			(unsigned)rng_below(&c->sim->net.rng, c->count);

		hear(c);
		for (unsigned i = 0; i < c->count; i++) {
			struct card_sender *s =
				&c->senders[(first + i) % c->count];

			if (s->manner == CARD_AIMD)
				send_aimd(c, s);
			else
				send_steady(c, s);
		}
		c->lies -= c->rate * STEP_US;
		if (c->lies < 0)
			c->lies = 0;
		send_batches(c);
	}
	c->sim->digest = digest_u64(c->sim->digest, c->acks_tail);
}

void card_begin(struct card *c)
{
	c->wait_count = 0;
	for (unsigned i = 0; i < c->count; i++) {
		struct card_sender *s = &c->senders[i];

		c->sim->digest = digest_u64(c->sim->digest, s->bytes);
		s->lost = s->frames = s->bytes = s->wait_max_us = 0;
	}
}

static int by_value(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

uint32_t card_wait(struct card *c, unsigned permille)
{
	if (c->wait_count == 0)
		return 0;
	qsort(c->waits, c->wait_count, sizeof(*c->waits), by_value);
	return c->waits[(c->wait_count - 1) * permille / 1000];
}
