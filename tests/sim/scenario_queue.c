/* The fair queue, with a card of a rate behind it: RFC 8289 and RFC 8290. */
#include "card.h"
#include "scenario.h"

#define GSO_LEN	  (66 + 44 * 1448)
#define TARGET_US 1000 /* CoDel's */

static void check_below(struct sim *s, uint64_t value, uint64_t bound,
			const char *what)
{
	sim_note(s, "%s: %lu, at most %lu", what, (unsigned long)value,
		 (unsigned long)bound);
	if (value > bound)
		sim_fail(s, "%s: %lu, not at most %lu", what,
			 (unsigned long)value, (unsigned long)bound);
}

static uint64_t all_bytes(const struct card *c)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < c->count; i++)
		bytes += c->senders[i].bytes;
	return bytes;
}

static enum queue_kind any_tcp(struct sim *s)
{
	return rng_chance(&s->net.rng, 0.5) ? QUEUE_TCP_ECN : QUEUE_TCP_GSO;
}

/* After a step of load, and of the card's rate, delay is small again; and the card
 * is busy. */
static void step(struct sim *s)
{
	struct card c;
	uint64_t bytes;

	card_init(&c, s, 2);
	card_add(&c, CARD_AIMD, any_tcp(s), GSO_LEN);
	card_run(&c, 200 * SIM_MS);
	for (int i = 0; i < 4; i++)
		card_add(&c, CARD_AIMD, any_tcp(s), GSO_LEN);
	for (int i = 0; i < 3; i++) {
		card_run(&c, 150 * SIM_MS);
		card_begin(&c);
		card_run(&c, 100 * SIM_MS);
		check_below(s, card_wait(&c, 500), 2 * TARGET_US,
			    "half of the waits after a step, us");
		bytes = (uint64_t)(c.rate * 100 * SIM_MS);
		check_below(s, bytes * 8 / 10, all_bytes(&c),
			    "four fifths of what the card takes");
		c.rate = i == 0 ? 1 * 125 : 2 * 125;
	}
	card_free(&c);
}

/* Ten that do not listen, and one that does. */
static void shares(struct sim *s)
{
	struct card c;
	struct card_sender *fair;
	uint64_t all;

	card_init(&c, s, 2);
	fair = card_add(&c, CARD_AIMD, any_tcp(s), GSO_LEN);
	for (int i = 0; i < 10; i++)
		card_add(&c, CARD_STEADY, QUEUE_TCP, 1500)->rate = 60;
	card_run(&c, 300 * SIM_MS);
	card_begin(&c);
	card_run(&c, 700 * SIM_MS);
	all = all_bytes(&c);
	for (unsigned i = 1; i < c.count; i++)
		check_below(s, c.senders[i].bytes * 11, all * 105 / 100,
			    "eleven times what one has who does not listen");
	check_below(s, all * 95 / 100, fair->bytes * 11,
		    "eleven times what the one has who listens, bytes");
	card_free(&c);
}

/* A thousand flows that send now and then, beside bulk. */
static void sparse(struct sim *s)
{
	struct card c;
	unsigned late = 0;

	card_init(&c, s, 2);
	for (int i = 0; i < 4; i++)
		card_add(&c, CARD_AIMD, any_tcp(s), GSO_LEN);
	for (int i = 0; i < 1000; i++) {
		struct card_sender *thin =
			card_add(&c, CARD_STEADY, QUEUE_TCP, 200);

		thin->rate = 200 / (20.0 * SIM_MS);
		thin->due = (double)rng_below(&s->net.rng, 200);
	}
	card_run(&c, 50 * SIM_MS);
	card_begin(&c);
	card_run(&c, 200 * SIM_MS);
	for (unsigned i = 4; i < c.count; i++) {
		/* A batch is on its way, and each that is new has its frame. */
		if (c.senders[i].wait_max_us > 700)
			late++;
		check_below(s, c.senders[i].lost, 2, "lost of a sparse flow");
	}
	/* Those that share a number with a bulk flow. */
	check_below(s, late, 16, "sparse flows that waited long");
	card_free(&c);
}

/* A flood of REST, and TCP. */
static void flood(struct sim *s)
{
	static const size_t lens[] = { 1400, 200, 60000 };
	struct card c;
	struct card_sender *rest;
	uint64_t all;

	card_init(&c, s, 2);
	rest = card_add(&c, CARD_STEADY, QUEUE_UDP,
			lens[rng_below(&s->net.rng, 3)]);
	rest->rate = 500;
	for (int i = 0; i < 4; i++)
		card_add(&c, CARD_AIMD, QUEUE_TCP_ECN, GSO_LEN);
	card_run(&c, 300 * SIM_MS);
	card_begin(&c);
	card_run(&c, 300 * SIM_MS);
	all = all_bytes(&c);
	check_below(s, rest->bytes * 100, all * 78, "the flood's share, × 100");
	check_below(s, all * 70, rest->bytes * 100, "70 % of all, × 100");
	card_free(&c);
}

/* A thin stream of REST beside a flood; and beside TCP, which has a quarter. */
static void thin(struct sim *s)
{
	static const size_t lens[] = { 1400, 200, 9000 };
	struct card c;
	struct card_sender *thin;

	card_init(&c, s, 2);
	card_add(&c, CARD_STEADY, QUEUE_UDP, lens[rng_below(&s->net.rng, 3)])
		->rate = 500;
	thin = card_add(&c, CARD_STEADY, QUEUE_UDP, 200);
	thin->rate = 200 / (double)rng_range(&s->net.rng, 300, 5000);
	if (rng_chance(&s->net.rng, 0.5))
		card_add(&c, CARD_AIMD, QUEUE_TCP_ECN, GSO_LEN);
	sim_note(s, "flood of %zu, thin %f B/us, TCP %u", c.senders[0].len,
		 thin->rate, c.count - 2);
	card_run(&c, 150 * SIM_MS);
	check_below(s, thin->lost, 0, "lost of the thin stream");
	card_begin(&c);
	c.asked = thin;
	card_run(&c, 400 * SIM_MS);
	check_below(s, thin->lost, 0, "lost of the thin stream later");
	check_below(s, card_wait(&c, 990),
		    c.count == 2 ? SIM_MS : SIM_MS * 4 / 3,
		    "99 of 100 waits, us");
	card_free(&c);
}

/* The card stands still for a while, and goes on. */
static void still(struct sim *s)
{
	struct card c;
	struct card_sender *thin;
	uint64_t tcp = 0;

	card_init(&c, s, 2);
	for (int i = 0; i < 4; i++)
		card_add(&c, CARD_AIMD, any_tcp(s), GSO_LEN);
	card_add(&c, CARD_STEADY, QUEUE_UDP, 1400)->rate = 60;
	thin = card_add(&c, CARD_STEADY, QUEUE_UDP, 200);
	thin->rate = 200 / 5000.0;
	card_run(&c, rng_range(&s->net.rng, 100, 300) * SIM_MS);
	c.rate = 0;
	card_run(&c, 300 * SIM_MS);
	c.rate = 250;
	card_run(&c, 200 * SIM_MS);
	check_below(s, thin->lost, 0, "lost of the thin stream");
	card_begin(&c);
	card_run(&c, 300 * SIM_MS);
	for (unsigned i = 0; i < 4; i++)
		tcp += c.senders[i].bytes;
	check_below(s, 300 * SIM_MS * 120, tcp, "what TCP has again, bytes");
	for (unsigned i = 0; i < 4; i++)
		check_below(s, tcp / 16, c.senders[i].bytes,
			    "a quarter of its share, bytes");
	card_free(&c);
}

const struct scenario scenarios_queue[] = {
	{ "queue/step", step, 4 },
	{ "queue/shares", shares, 4 },
	{ "queue/sparse", sparse, 2 },
	{ "queue/flood", flood, 6 },
	{ "queue/thin", thin, 8 },
	{ "queue/still", still, 4 },
	{ 0 },
};
