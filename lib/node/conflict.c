#include "node/conflict.h"

#include "ether/neighbour.h"

/* Between two times that the owner is told of the same. */
#define TELL_US (60 * CLOCK_S)
/* So long what was shown is a duplicate to those who ask, and to announcements. */
#define SHOWN_US  (600 * CLOCK_S)
#define SILENT_US (60 * CLOCK_S)

static bool has_mac(const struct node *n)
{
	static const uint8_t none[ETH_ADDR_LEN];

	return memcmp(n->config.tap_mac, none, ETH_ADDR_LEN) != 0;
}

/* True if the owner is to be told. */
static bool note(struct shown *s, const struct peer *peer,
		 const uint8_t mac[ETH_ADDR_LEN], uint64_t now_us)
{
	const bool other = !public_key_equal(&s->key, &peer->key);

	s->at_us = now_us;
	s->key = peer->key;
	memcpy(s->name, peer->name, sizeof(s->name));
	memcpy(s->mac, mac, ETH_ADDR_LEN);
	if (!other && s->told_us && now_us - s->told_us < TELL_US)
		return false;
	s->told_us = now_us;
	return true;
}

static void mac_shown(struct node *n, const struct peer *peer, uint64_t now_us)
{
	if (note(&n->own_mac, peer, n->config.tap_mac, now_us))
		peer_emit(n, NODE_DUPLICATE_MAC, peer, &peer->path.way.remote,
			  NULL, "");
}

static void address_shown(struct node *n, const struct peer *peer,
			  const struct neighbour_claim *claim, uint64_t now_us)
{
	for (size_t i = 0; i < n->own_count; i++) {
		struct own_address *own = &n->own[i];

		if (now_us >= own->is.from_us &&
		    memcmp(own->is.addr.ip, claim->ip, 16) == 0 &&
		    note(&own->shown, peer, claim->mac, now_us))
			peer_emit(n, NODE_DUPLICATE_ADDRESS, peer,
				  &peer->path.way.remote, &own->is.addr, "");
	}
}

void conflict_frame(struct node *n, const struct peer *peer,
		    const struct eth_view *v, const uint8_t *frame, size_t len,
		    uint64_t now_us)
{
	struct neighbour_claim claim;

	if (!has_mac(n))
		return;
	if (memcmp(v->src, n->config.tap_mac, ETH_ADDR_LEN) == 0)
		mac_shown(n, peer, now_us);
	/* What bears our own MAC came back to us. */
	if (neighbour_claims(v, frame, len, &claim) &&
	    memcmp(claim.mac, n->config.tap_mac, ETH_ADDR_LEN) != 0)
		address_shown(n, peer, &claim, now_us);
}

void conflict_hello(struct node *n, const struct peer *peer, uint64_t now_us)
{
	if (has_mac(n) &&
	    memcmp(peer->tap_mac, n->config.tap_mac, ETH_ADDR_LEN) == 0)
		mac_shown(n, peer, now_us);
}

void conflict_age(struct node *n, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	const struct peer *peer;

	while ((peer = peers_next(n, &at)))
		if (peer->state == PEER_UP)
			conflict_hello(n, peer, now_us);
}

bool conflict_silences(const struct own_address *own, uint64_t now_us)
{
	return own->shown.at_us && now_us - own->shown.at_us < SILENT_US;
}

/* ---- what there is to see ---- */

static bool show(const struct shown *s, struct node_conflict *out,
		 uint64_t now_us)
{
	if (!s->at_us || now_us - s->at_us >= SHOWN_US)
		return false;
	*out = (struct node_conflict){ .key = s->key,
				       .age_us = now_us - s->at_us };
	memcpy(out->mac, s->mac, sizeof(out->mac));
	memcpy(out->peer, s->name, sizeof(out->peer));
	return true;
}

bool node_next_conflict(const struct node *n, struct node_iter *it,
			struct node_conflict *out, uint64_t now_us)
{
	while (it->slot < n->own_count) {
		const struct own_address *own = &n->own[it->slot++];

		if (!show(&own->shown, out, now_us))
			continue;
		out->address = own->is.addr;
		return true;
	}
	if (it->table || !show(&n->own_mac, out, now_us))
		return false;
	it->table = 1;
	out->of_mac = true;
	return true;
}
