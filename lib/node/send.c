#include "node/send.h"

#include "node/leg.h"

static const uint8_t padding[PMTU_MAX];

void send_record(struct node *n, struct peer *peer, struct session *s,
		 const struct way *to, const uint8_t *record, size_t len,
		 size_t padded_to, uint64_t now_us)
{
	uint8_t pad[WIRE_RECORD_LEN];
	struct way wire;
	size_t size = padded_to ? padded_to : CONTROL_SIZE;

	if (size < WIRE_DATA_OVERHEAD + len)
		size = WIRE_DATA_OVERHEAD + len;

	if (!leg_resolve(n, to, &wire)) {
		node_drop(n, DROP_leg_unknown);
		return;
	}
	pack_begin(&n->lane.packer, s, &wire, size, now_us);
	pack_add(&n->lane.packer, record, len);
	if (padded_to >= WIRE_DATA_OVERHEAD + len + sizeof(pad)) {
		size_t rest =
			padded_to - WIRE_DATA_OVERHEAD - len - sizeof(pad);

		wire_pack_record(pad, WIRE_PAD, 0, (uint16_t)rest);
		pack_add(&n->lane.packer, pad, sizeof(pad));
		pack_add(&n->lane.packer, padding, rest);
	}
	pack_end(&n->lane.packer);
	n->lane.tx.datagrams += n->lane.packer.sealed;
	n->lane.tx.bytes += n->lane.packer.bytes;
	n->lane.drops[DROP_key_exhausted] += n->lane.packer.exhausted;
	if (!peer)
		return;
	peer->tx.datagrams += n->lane.packer.sealed;
	peer->tx.bytes += n->lane.packer.bytes;
	/* Hellos of a session that is not open do not count: peer_datagram_in. */
	if (s->stage != SESSION_OPEN)
		liveness_sent_early(&peer->liveness, n->lane.packer.sealed);
	if (!n->lane.packer.sealed || s->stage != SESSION_OPEN)
		return;
	liveness_sent(&peer->liveness, n->lane.packer.sealed, now_us);
	if (!path_goes(&peer->path, to))
		liveness_strayed(&peer->liveness, n->lane.packer.sealed);
}

void send_message(struct node *n, const struct way *to, const uint8_t *message,
		  size_t len)
{
	struct way wire;

	if (leg_resolve(n, to, &wire))
		pack_message(&n->lane.packer, &wire, message, len);
	else
		node_drop(n, DROP_leg_unknown);
}
