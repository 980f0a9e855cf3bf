#include "node/plain_transmit.h"

#include <assert.h>
#include <string.h>

#include "base/checksum.h"
#include "ether/csum.h"
#include "node/plain_peers.h"
#include "node/sight.h"
#include "plain/spread.h"

uint16_t plain_spread(const struct node *n, const struct eth_view *view,
		      const uint8_t *frame)
{
	/* GRE has no ports. */
	if (n->config.encapsulation != NODE_VXLAN)
		return 0;
	return spread_of(n->plain->spread_key, view, frame);
}

/* ---- what the TAP gives ---- */

/* A segment that a peer's datagrams do not hold, as if it were many. Its sender, which
 * sends one at a time when some were lost, would send it again and again. */
static bool take_long(struct node *n, struct outgoing *o, const struct frame *f,
		      const struct eth_view *view)
{
	struct gso *g = &n->lane.gso[n->lane.gso_count];
	uint8_t *frame = f->iov[0].iov_base;
	const size_t len = f->iov[0].iov_len;
	struct offload offload = f->offload;

	if (view->ip_proto != INET_PROTO_TCP || view->l3_end != len ||
	    (!offload.csum_partial &&
	     !csum_make_partial(view, frame, len, true, &offload)))
		return false;
	offload.gso =
		view->l3 == ETH_L3_IPV4 ? OFFLOAD_GSO_TCPV4 : OFFLOAD_GSO_TCPV6;
	offload.gso_size = UINT16_MAX;
	if (gso_begin(g, view, frame, len, &offload) != DROP_NONE) {
		/* As it was, if it was complete. */
		if (!f->offload.csum_partial)
			eth_csum_complete(view, frame, offload.csum_offset);
		return false;
	}
	gso_complete(g);
	o->gso = g;
	n->lane.gso_count++;
	return true;
}

enum drop_reason plain_take(struct node *n, struct outgoing *o,
			    const struct frame *f, const struct eth_view *view)
{
	const struct plain *p = n->plain;
	uint8_t *frame = f->iov[0].iov_base, *record = frame - p->header_len;
	const size_t len = f->iov[0].iov_len;
	const struct offload *offload = &f->offload;

	o->spread = plain_spread(n, view, frame);
	if (len + p->header_len > p->size_min && take_long(n, o, f, view))
		return DROP_NONE;
	if (offload->csum_partial &&
	    !checksum_complete(frame, len, offload->csum_start,
			       offload->csum_offset))
		return DROP_offload_bad;
	memcpy(record, p->header, p->header_len);
	o->gso = NULL;
	o->record = record;
	o->len = p->header_len + len;
	return DROP_NONE;
}

bool plain_is_recursive(const struct node *n, const struct eth_view *view,
			const uint8_t *frame, size_t len)
{
	const uint8_t *inner;
	struct addr src, dst = { .port = 0 };
	const struct peer *peer;
	size_t inner_len;

	if (n->config.encapsulation == NODE_GRE) {
		if (view->ip_proto != INET_PROTO_GRE)
			return false;
		memcpy(dst.ip, view->ip_dst, sizeof(dst.ip));
		return view->l4_offset && view->l3_end <= len &&
		       gre_take(frame + view->l4_offset,
				view->l3_end - view->l4_offset,
				n->config.network_id_set, n->config.network_id,
				&inner, &inner_len) == DROP_NONE &&
		       plain_peers_at(n, &dst) != NULL;
	}
	if (!eth_udp_addrs(view, frame, len, &src, &dst) ||
	    vxlan_take(frame + view->l4_offset + UDP_HEADER_LEN,
		       view->l3_end - view->l4_offset - UDP_HEADER_LEN,
		       n->config.network_id, &inner, &inner_len) != DROP_NONE)
		return false;
	peer = plain_peers_at(n, &dst);
	return peer && peer->path.way.remote.port == dst.port;
}

/* ---- what a peer gets ---- */

static_assert(LANE_CHUNK <= 64, "a bit for each frame");

/* What was laid down last, and for whom it holds. */
struct layout {
	uint64_t frames_mask; /* of the chunk's frames */
	size_t frame_max;
	uint64_t frames;
};

static uint64_t frames_of(uint16_t port, const struct outgoing *out,
			  size_t count)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < count; i++)
		mask |= (uint64_t)port_set_has(&out[i].ports, port) << i;
	return mask;
}

static void lay_segments(struct node *n, const struct outgoing *o,
			 struct layout *l)
{
	struct plain *p = n->plain;
	uint8_t header[FRAME_HEADROOM + GSO_HEADER_MAX];
	uint8_t *at = header + FRAME_HEADROOM;
	struct gso_segment s;

	memcpy(at - p->header_len, p->header, p->header_len);
	gso_split(o->gso, l->frame_max);
	while (gso_next(o->gso, at, &s)) {
		runs_add(&p->runs, at - p->header_len,
			 p->header_len + o->gso->header_len, s.payload,
			 s.payload_len, o->spread);
		l->frames++;
	}
}

/* Lays down all that the peer should have of the chunk, in order. */
static void lay(struct node *n, const struct peer *peer,
		const struct outgoing *out, struct layout *l)
{
	struct runs *r = &n->plain->runs;

	l->frames = 0;
	runs_begin(r, &peer->path.way);
	for (uint64_t left = l->frames_mask; left; left &= left - 1) {
		const struct outgoing *o = &out[__builtin_ctzll(left)];

		if (o->gso) {
			lay_segments(n, o, l);
			continue;
		}
		runs_add(r, o->record, o->len, NULL, 0, o->spread);
		l->frames++;
	}
}

static void show(struct node *n, const struct peer *peer,
		 const struct outgoing *out, const struct layout *l)
{
	const size_t header_len = n->plain->header_len;

	for (uint64_t left = l->frames_mask; left; left &= left - 1) {
		const struct outgoing *o = &out[__builtin_ctzll(left)];

		if (o->gso)
			sight_segments(n, peer, o->gso, l->frame_max);
		else
			sight_frame(n, peer, o->record + header_len,
				    o->len - header_len);
	}
}

void plain_send(struct node *n, const struct outgoing *out, size_t count,
		uint64_t now_us)
{
	struct port_set takers = { .words = { 0 } };
	struct layout last = { .frames_mask = 0 };

	for (size_t i = 0; i < count; i++)
		port_set_add_all(&takers, &out[i].ports);
	for (int port = port_set_next(&takers, -1); port >= 0;
	     port = port_set_next(&takers, port)) {
		struct peer *peer = peers_at_port(n, (uint16_t)port);
		struct layout l = {
			.frames_mask = frames_of(peer->port, out, count),
			.frame_max = plain_frame_max(n, peer),
			.frames = last.frames,
		};

		if (l.frames_mask != last.frames_mask ||
		    l.frame_max != last.frame_max ||
		    !runs_repeat(&n->plain->runs, &peer->path.way))
			lay(n, peer, out, &l);
		last = l;
		plain_count(n, peer, l.frames, now_us);
		if (n->seen)
			show(n, peer, out, &l);
	}
}
