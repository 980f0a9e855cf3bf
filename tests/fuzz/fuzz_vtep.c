/* Any datagrams and frames at a node that speaks VXLAN or GRE: nothing of a stranger
 * is delivered, each datagram is counted or becomes a frame, and what is sent is
 * whole, behind its own header, and for listed hosts alone. */
#include <string.h>

#include "base/bytes.h"
#include "ether/vnet.h"
#include "fuzz.h"
#include "node/node.h"
#include "plain/gre.h"
#include "plain/vxlan.h"

#define ID 42

static struct node_config config;
static uint64_t written;
static struct clock now;

static const struct addr peers[] = {
	{ .ip = { [10] = 0xff, 0xff, 10, 9, 0, 2 }, .port = 4789 },
	{ .ip = { [10] = 0xff, 0xff, 10, 9, 0, 3 }, .port = 4789 },
	{ .ip = { 0xfd, [15] = 2 }, .port = 4789 },
};
static const uint16_t hosts[] = { 0, 1, 0 };
static const struct addr stranger = { .ip = { [10] = 0xff, 0xff, 10, 9, 0, 4 },
				      .port = 4789 };

static void draw(void *user, void *buf, size_t len)
{
	(void)user;
	memset(buf, 0x55, len);
}

static void datagram_holds(const uint8_t *bytes, size_t len)
{
	const uint8_t *frame;
	size_t frame_len;

	HOLDS((config.encapsulation == NODE_GRE
		       ? gre_take(bytes, len, config.network_id_set, ID, &frame,
				  &frame_len)
		       : vxlan_take(bytes, len, ID, &frame, &frame_len)) ==
	      DROP_NONE);
	HOLDS(frame_len >= 14);
	touch(frame, frame_len);
}

static void on_send(void *user, const struct datagram_run *runs, size_t n)
{
	(void)user;
	for (size_t i = 0; i < n; i++) {
		const struct datagram_run *r = &runs[i];

		HOLDS(addr_equal(&r->remote, &peers[0]) ||
		      addr_equal(&r->remote, &peers[1]));
		HOLDS(r->len && r->segment_len && r->len <= 65507);
		HOLDS(r->len <= 64 * r->segment_len);
		for (size_t at = 0; at < r->len; at += r->segment_len)
			datagram_holds(r->data + at,
				       r->len - at < r->segment_len
					       ? r->len - at
					       : r->segment_len);
	}
}

static void on_write(void *user, const struct frame *frames, size_t n)
{
	(void)user;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < frames[i].iovcnt; j++)
			touch(frames[i].iov[j].iov_base,
			      frames[i].iov[j].iov_len);
	written += n;
}

static void on_event(void *user, const struct node_event *event)
{
	(void)user;
	HOLDS(event->peer && event->text);
}

static const struct node_ops ops = {
	.random = draw,
	.udp_send = on_send,
	.tap_write = on_write,
	.event = on_event,
};

static uint64_t drops_of(const struct node *n)
{
	uint64_t all = 0;

	for (int i = DROP_NONE + 1; i < DROP_REASON_COUNT; i++)
		all += node_drops(n)[i];
	return all;
}

/* whole: the bytes are a frame, which gets the header that is right. */
static void receive(struct node *n, const struct addr *from,
		    const uint8_t *data, size_t len, bool whole)
{
	uint8_t header[8];
	size_t header_len = 0;
	struct datagram_run r = { .remote = *from };
	struct node_status before, after;
	const uint64_t drops = drops_of(n);

	if (whole && config.encapsulation == NODE_GRE)
		header_len = gre_put(header, config.network_id_set, ID);
	else if (whole)
		vxlan_put(header, ID), header_len = VXLAN_LEN;
	node_status(n, &before);
	r.len = header_len + len;
	r.data = malloc(r.len ? r.len : 1);
	HOLDS(r.data);
	memcpy(r.data, header, header_len);
	memcpy(r.data + header_len, data, len);
	node_from_udp(n, &r, 1, now);
	node_status(n, &after);
	HOLDS(after.rx.frames - before.rx.frames <= 1);
	HOLDS(after.rx.frames > before.rx.frames || drops_of(n) > drops);
	if (from == &stranger)
		HOLDS(after.rx.frames == before.rx.frames);
	free(r.data);
}

/* What the TAP gives: its header, and the frame. */
static void from_tap(struct node *n, const uint8_t *data, size_t len)
{
	struct frame frame = { .iovcnt = 1 };
	struct iovec iov;
	uint8_t *block;

	if (len < VNET_HDR_LEN || !vnet_unpack(&frame.offload, data))
		return;
	data += VNET_HDR_LEN;
	len -= VNET_HDR_LEN;
	block = malloc(FRAME_HEADROOM + len);
	HOLDS(block);
	memcpy(block + FRAME_HEADROOM, data, len);
	iov = (struct iovec){ block + FRAME_HEADROOM, len };
	frame.iov = &iov;
	node_from_tap(n, &frame, 1, now);
	free(block);
}

static void step(struct node *n, uint8_t what, const uint8_t *data, size_t len)
{
	const bool whole = what & 0x80;

	switch (what & 7) {
	case 0:
	case 1:
	case 2:
		receive(n, &peers[what & 3], data, len, whole);
		break;
	case 3:
		receive(n, &stranger, data, len, whole);
		break;
	case 4:
		node_send_failed(n, &peers[0], DROP_send_too_big, len, 1, now);
		break;
	case 5:
		now.mono_us += len % 300 * CLOCK_S;
		break;
	default:
		from_tap(n, data, len);
		break;
	}
	while (node_deadline(n) <= now.mono_us)
		node_tick(n, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_init(data, size);
	const uint8_t flags = cursor_u8(&c);
	const char *error;
	struct node *n;

	config = (struct node_config){
		.encapsulation = flags & 1 ? NODE_GRE : NODE_VXLAN,
		.network_id = ID,
		.network_id_set = !(flags & 1) || (flags & 2),
		.name = "a",
		.tap_mtu = 1450,
		.tap_mac = { 2, 0, 0, 0, 0, 1 },
		.snooping = !(flags & 4),
		.querier = true,
		.tap_takes = { !(flags & 8), !(flags & 24), !(flags & 56) },
		.underlay_mtu = flags & 64 ? 600 : 0,
		.peers_max = 4,
		.fdb_capacity = 16,
		.groups_max = 16,
		.mdb_capacity = 16,
		.frag_buffers = 2,
		.frame_max = 1500,
	};
	now = (struct clock){ .mono_us = 1000 * CLOCK_S };
	n = node_new(&config, &ops, NULL, now, &error);
	HOLDS(n);
	node_want_hosts(n, NODE_SOURCE_PEERS, peers, hosts, 3, now);
	node_tap_up(n, now);
	while (cursor_ok(&c) && c.left) {
		const uint8_t what = cursor_u8(&c);
		const uint16_t len = cursor_u16(&c);
		const uint8_t *bytes = cursor_take(&c, len);

		if (bytes)
			step(n, what, bytes, len);
	}
	node_free(n);
	return 0;
}
