/*
 * An instance that is replaced keeps its address and has a new key, and so a new MAC.
 * Its neighbours remember the old one for as long as they think it confirmed, half a
 * minute or more, and what they send goes nowhere. A network card that comes up would
 * announce its addresses (arp_notify, ndisc_notify); what comes up here is a peer, one
 * at a time. So each peer that comes up is told, by frames to it alone, at which MAC
 * our TAP's own addresses are: at once, and again a second later, in case the first is
 * lost.
 *
 * Only what is this host's for good is announced: whoever has the list from its owner
 * (node.h) must not find an address in it that another host took over, or the frame
 * would take it back. An address that a peer showed lately is not announced either.
 */
#include "node/announce.h"

#include <string.h>

#include "ether/neighbour.h"
#include "node/conflict.h"
#include "node/send.h"

#define TIMES	 2
#define AGAIN_US (1 * CLOCK_S)

static void announce_one(struct node *n, struct peer *peer,
			 const struct own_address *own, uint64_t now_us)
{
	uint8_t record[WIRE_RECORD_LEN + NEIGHBOUR_FRAME_MAX];
	size_t len =
		neighbour_announce(own->is.addr.ip, n->config.tap_mac,
				   n->own_router, record + WIRE_RECORD_LEN);

	wire_pack_record(record, WIRE_FRAME, 0, (uint16_t)len);
	send_record(n, peer, peer->current, &peer->path.way, record,
		    WIRE_RECORD_LEN + len, 0, now_us);
	peer->tx.frames++;
}

static void announce(struct node *n, struct peer *peer, uint64_t now_us)
{
	static const uint8_t none[ETH_ADDR_LEN];

	peer->announcements--;
	peer->announce_us = now_us + AGAIN_US;
	if (memcmp(n->config.tap_mac, none, ETH_ADDR_LEN) == 0)
		return;
	for (size_t i = 0; i < n->own_count; i++)
		if (now_us >= n->own[i].is.from_us &&
		    !conflict_silences(&n->own[i], now_us))
			announce_one(n, peer, &n->own[i], now_us);
}

static bool wants_announcement(const struct peer *peer)
{
	return peer->announcements > 0 && peer->current &&
	       peer->state == PEER_UP;
}

static void announce_peer_up(struct node *n, struct peer *peer, uint64_t now_us)
{
	peer->announcements = TIMES;
	if (wants_announcement(peer))
		announce(n, peer, now_us);
}

static void announce_peer_gone(struct node *n, struct peer *peer)
{
	(void)n;
	peer->announcements = 0;
}

static uint64_t announce_deadline(struct node *n, struct peer *peer,
				  uint64_t now_us)
{
	(void)n;
	(void)now_us;
	return wants_announcement(peer) ? peer->announce_us : CLOCK_NEVER;
}

static void announce_due(struct node *n, struct peer *peer, uint64_t now_us)
{
	if (wants_announcement(peer) && now_us >= peer->announce_us)
		announce(n, peer, now_us);
}

const struct control announce_control = {
	.peer_up = announce_peer_up,
	.peer_gone = announce_peer_gone,
	.deadline = announce_deadline,
	.due = announce_due,
};

void announce_repeat(struct node *n, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer;

	while ((peer = peers_next(n, &at))) {
		peer->announcements = TIMES;
		peer->announce_us = now_us;
		if (wants_announcement(peer))
			peer_arm(n, peer, now_us);
	}
}

static struct own_address *own_find(struct node *n, const struct addr *addr)
{
	for (size_t i = 0; i < n->own_count; i++)
		if (addr_equal(&n->own[i].is.addr, addr))
			return &n->own[i];
	return NULL;
}

void node_set_tap_addresses(struct node *n,
			    const struct node_tap_address *addresses,
			    size_t count, bool router, struct clock now)
{
	struct own_address own[NODE_TAP_ADDRESSES_MAX] = { 0 };
	bool more = false;

	if (count > NODE_TAP_ADDRESSES_MAX)
		count = NODE_TAP_ADDRESSES_MAX;
	for (size_t i = 0; i < count; i++) {
		const struct own_address *old = own_find(n, &addresses[i].addr);

		if (old)
			own[i] = *old;
		own[i].is = addresses[i];
		more |= addresses[i].configured && !old;
	}
	memcpy(n->own, own, sizeof(own));
	n->own_count = count;
	n->own_router = router;
	if (more)
		announce_repeat(n, now.mono_us);
}
