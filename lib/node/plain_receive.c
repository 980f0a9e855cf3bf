#include "node/plain_receive.h"

#include "node/deliver.h"
#include "node/plain_peers.h"

static enum drop_reason take(const struct node *n, const uint8_t *datagram,
			     size_t len, struct wire_frame *frame)
{
	const struct node_config *c = &n->config;

	if (c->encapsulation == NODE_GRE)
		return gre_take(datagram, len, c->network_id_set, c->network_id,
				&frame->bytes, &frame->len);
	return vxlan_take(datagram, len, c->network_id, &frame->bytes,
			  &frame->len);
}

static void datagram_in(struct node *n, struct peer *peer,
			const struct way *from, const uint8_t *datagram,
			size_t len, uint64_t now_us)
{
	struct wire_frame frame = { .bytes = NULL };
	enum drop_reason reason = take(n, datagram, len, &frame);

	if (reason != DROP_NONE) {
		node_drop(n, reason);
		return;
	}
	plain_peers_asked(n, peer, from, now_us);
	n->lane.rx.datagrams++;
	n->lane.rx.bytes += len;
	peer->rx.datagrams++;
	peer->rx.bytes += len;
	peer->liveness.heard_us = now_us;
	deliver_frame(n, peer, &frame, TABLE_NONE, now_us);
}

void plain_run_in(struct node *n, const struct datagram_run *run,
		  uint64_t now_us)
{
	const struct way from = { run->remote, run->local };
	const size_t segment = run->segment_len ? run->segment_len : run->len;
	struct peer *peer = plain_peers_heard(n, &from, now_us);

	if (!run->len)
		node_drop(n, DROP_datagram_short);
	for (size_t at = 0; at < run->len; at += segment) {
		const size_t left = run->len - at;

		if (!peer)
			node_drop(n, DROP_plain_stranger);
		else
			datagram_in(n, peer, &from, run->data + at,
				    left < segment ? left : segment, now_us);
	}
}
