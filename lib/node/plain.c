#include "node/plain.h"

#include <stdlib.h>
#include <string.h>

#include "node/sight.h"

static void send_runs(void *user, const struct datagram_run *runs, size_t count)
{
	struct node *n = user;

	n->ops.udp_send(n->user, runs, count);
}

static void make_header(struct plain *p, const struct node_config *c)
{
	if (c->encapsulation == NODE_GRE) {
		p->header_len =
			gre_put(p->header, c->network_id_set, c->network_id);
		return;
	}
	vxlan_put(p->header, c->network_id);
	p->header_len = VXLAN_LEN;
}

bool plain_init(struct node *n, const uint8_t seed[TABLE_SEED_LEN])
{
	struct plain *p;

	if (n->config.encapsulation == NODE_SEALED)
		return true;
	p = n->plain = calloc(1, sizeof(*p));
	if (!p)
		return false;
	make_header(p, &n->config);
	node_random(n, p->spread_key, sizeof(p->spread_key));
	p->size_min = SIZE_MAX;
	p->places = table_new(NODE_ENDPOINTS_MAX, ADDR_KEY_LEN,
			      sizeof(struct peer *), seed);
	p->ports = calloc(n->config.peers_max + 1, sizeof(*p->ports));
	bridge_set_foreign_queries(n->bridge, true);
	return runs_init(&p->runs, send_runs, n) && p->places && p->ports;
}

void plain_free(struct node *n)
{
	struct plain *p = n->plain;

	if (!p)
		return;
	for (uint32_t port = 0; p->ports && port <= n->config.peers_max; port++)
		querier_free(p->ports[port].querier);
	free(p->ports);
	table_free(p->places);
	runs_free(&p->runs);
	free(p);
	n->plain = NULL;
}

size_t plain_frame_max(const struct node *n, const struct peer *peer)
{
	return peer->path.pmtu.size
		       ? peer->path.pmtu.size - n->plain->header_len
		       : SIZE_MAX;
}

void plain_count(struct node *n, struct peer *peer, uint64_t frames,
		 uint64_t now_us)
{
	const struct runs *r = &n->plain->runs;

	peer->tx.frames += frames;
	peer->tx.datagrams += r->datagrams;
	peer->tx.bytes += r->bytes;
	n->lane.tx.datagrams += r->datagrams;
	n->lane.tx.bytes += r->bytes;
	peer->liveness.sent_us = now_us;
}

void plain_send_frame(struct node *n, struct peer *peer, const uint8_t *frame,
		      size_t len, uint64_t now_us)
{
	struct plain *p = n->plain;

	runs_begin(&p->runs, &peer->path.way);
	runs_add(&p->runs, p->header, p->header_len, frame, len, 0);
	plain_count(n, peer, 0, now_us);
	if (n->seen)
		sight_frame(n, peer, frame, len);
}
