#include "tapd/control/rates.h"

#include <stdlib.h>

#include "base/clock.h"

#define SAMPLES	  6
#define SAMPLE_US CLOCK_S
#define USEFUL_US (SAMPLES * SAMPLE_US)

struct sample {
	uint64_t at_us;
	struct node_traffic node;
	struct {
		struct public_key key;
		struct node_traffic traffic;
	} peers[NODE_PEERS_MAX];
	unsigned peers_count;
};

struct rates {
	struct sample samples[SAMPLES]; /* a ring */
	unsigned next, count;
};

struct rates *rates_new(void)
{
	return calloc(1, sizeof(struct rates));
}

void rates_free(struct rates *r)
{
	free(r);
}

/* The n-th newest sample. */
static const struct sample *sample(const struct rates *r, unsigned n)
{
	return &r->samples[(r->next + SAMPLES - 1 - n) % SAMPLES];
}

void rates_sample(struct rates *r, const struct node *n, uint64_t now_us)
{
	struct sample *s = &r->samples[r->next];
	const struct public_key *key;
	struct node_traffic traffic;
	struct node_iter at = { 0 };

	if (r->count > 0 && now_us - sample(r, 0)->at_us < SAMPLE_US)
		return;
	s->at_us = now_us;
	node_traffic(n, &s->node);
	s->peers_count = 0;
	while (s->peers_count < NODE_PEERS_MAX &&
	       node_next_peer_traffic(n, &at, &key, &traffic)) {
		s->peers[s->peers_count].key = *key;
		s->peers[s->peers_count++].traffic = traffic;
	}
	r->next = (r->next + 1) % SAMPLES;
	if (r->count < SAMPLES)
		r->count++;
}

/* What now is compared with: the oldest sample that is useful; the newest if
 * all are old, for then there was little since. NULL if there is none. */
static const struct sample *base_sample(const struct rates *r, uint64_t now_us)
{
	unsigned i = 0;

	if (r->count == 0)
		return NULL;
	while (i + 1 < r->count &&
	       now_us - sample(r, i + 1)->at_us <= USEFUL_US)
		i++;
	return sample(r, i)->at_us < now_us ? sample(r, i) : NULL;
}

/* A counter that went back was another peer's: nothing is known. */
static double per_second(uint64_t now, uint64_t then, uint64_t us)
{
	return now > then ? (double)(now - then) * (double)CLOCK_S / (double)us
			  : 0;
}

static struct traffic_rates difference(const struct node_traffic *now,
				       const struct node_traffic *then,
				       uint64_t us)
{
	return (struct traffic_rates){
		.tx_frames = per_second(now->tx.frames, then->tx.frames, us),
		.tx_bytes = per_second(now->tx.bytes, then->tx.bytes, us),
		.rx_frames = per_second(now->rx.frames, then->rx.frames, us),
		.rx_bytes = per_second(now->rx.bytes, then->rx.bytes, us),
	};
}

struct traffic_rates rates_of_node(const struct rates *r, const struct node *n,
				   uint64_t now_us)
{
	const struct sample *base = base_sample(r, now_us);
	struct node_traffic now;

	if (!base)
		return (struct traffic_rates){ 0 };
	node_traffic(n, &now);
	return difference(&now, &base->node, now_us - base->at_us);
}

struct traffic_rates rates_of_peer(const struct rates *r,
				   const struct node_peer_info *p,
				   uint64_t now_us)
{
	const struct sample *base = base_sample(r, now_us);

	for (unsigned i = 0; base && i < base->peers_count; i++)
		if (public_key_equal(&base->peers[i].key, &p->key))
			return difference(
				&(struct node_traffic){ p->tx, p->rx },
				&base->peers[i].traffic, now_us - base->at_us);
	return (struct traffic_rates){ 0 };
}
