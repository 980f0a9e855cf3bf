/* Any frames of any peers: each goes out once, GSO frames split back into what
 * they were made of, and a peer's order is kept but between flows. */
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "ether/gso.h"
#include "ether/merge.h"
#include "fuzz.h"
#include "support/frame_len.h"
#include "support/gso_frame.h"

#define PORTS	   3
#define FRAMES_MAX 200
#define FRAME_MAX  2048

struct arrival {
	uint8_t *bytes, *original;
	size_t len;
	uint16_t port;
	bool written;
};

static struct merge *coalesce;
static struct arrival arrivals[FRAMES_MAX];
static size_t count;

static struct arrival *arrival_of(const uint8_t *bytes)
{
	for (size_t i = 0; i < count; i++)
		if (bytes >= arrivals[i].bytes &&
		    bytes < arrivals[i].bytes + arrivals[i].len)
			return &arrivals[i];
	HOLDS(false);
	return NULL;
}

/* A segment is what it was, but for what its sender's kernel leaves open: the
 * partial checksum, which is made anew, and with DF the ID. */
static void same_segment(uint8_t *have, uint8_t *sent, size_t len,
			 const struct gso *g)
{
	size_t check = (size_t)g->offload.csum_start + g->offload.csum_offset;
	uint8_t *const both[] = { have, sent };

	for (int i = 0; i < 2; i++) {
		uint8_t *ip = both[i] + g->view.l3_offset;

		memset(both[i] + check, 0, 2);
		if (g->view.l3 == ETH_L3_IPV4 && (ip[6] & 0x40)) {
			memset(ip + 4, 0, 2);
			memset(ip + 10, 0, 2);
		}
	}
	HOLDS(memcmp(have, sent, len) == 0);
}

static void splits_back(const struct frame *f, const uint8_t *flat, size_t len)
{
	static uint8_t segment[FRAME_MAX];
	struct gso_segment s;
	struct gso g;
	size_t i = 0;

	HOLDS(gso_begin_frame(&g, flat, len, &f->offload) == DROP_NONE);
	HOLDS(g.header_len == f->offload.hdr_len);
	HOLDS(gso_split(&g, SIZE_MAX) == f->iovcnt);
	for (; gso_next(&g, segment, &s); i++) {
		struct arrival *a = arrival_of(f->iov[i].iov_base);

		HOLDS(g.header_len + s.payload_len == a->len);
		memcpy(segment + g.header_len, s.payload, s.payload_len);
		same_segment(segment, a->original, a->len, &g);
	}
}

static void look_at(const struct frame *f)
{
	size_t len = frame_len(f), at = 0;
	uint8_t *flat = malloc(len);
	const struct arrival *first = arrival_of(f->iov[0].iov_base);

	HOLDS(flat && f->iovcnt <= MERGE_SEGMENTS_MAX);
	HOLDS(f->iov[0].iov_base == first->bytes &&
	      f->iov[0].iov_len == first->len);
	for (size_t i = 0; i < f->iovcnt; i++) {
		struct arrival *a = arrival_of(f->iov[i].iov_base);

		HOLDS(!a->written && a->port == first->port);
		a->written = true;
		memcpy(flat + at, f->iov[i].iov_base, f->iov[i].iov_len);
		at += f->iov[i].iov_len;
	}
	if (f->iovcnt > 1)
		splits_back(f, flat, len);
	else
		HOLDS(memcmp(flat, first->original, len) == 0);
	free(flat);
}

/* What is no TCP is written after all that its peer sent before. */
static void order_holds(const struct frame *f)
{
	const struct arrival *a = arrival_of(f->iov[0].iov_base);
	struct eth_view v;

	HOLDS(eth_parse(&v, a->original, a->len) == DROP_NONE);
	if (v.ip_proto == INET_PROTO_TCP)
		return;
	for (const struct arrival *b = arrivals; b < a; b++)
		HOLDS(b->port != a->port || b->written);
	if (f->iovcnt == 1)
		for (const struct arrival *b = a + 1; b < arrivals + count; b++)
			HOLDS(b->port != a->port || !b->written);
}

static void write_frames(void *user, const struct frame *frames, size_t n)
{
	(void)user;
	for (size_t i = 0; i < n; i++) {
		look_at(&frames[i]);
		order_holds(&frames[i]);
	}
}

static void release(void *user, uint32_t token)
{
	(void)user;
	HOLDS(token < count && arrivals[token].written);
	free(arrivals[token].bytes);
	free(arrivals[token].original);
	arrivals[token].bytes = arrivals[token].original = NULL;
	arrivals[token].len = 0;
}

static const struct merge_ops ops = { write_frames, release };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	coalesce = merge_new(PORTS, &ops, NULL);
	HOLDS(coalesce);
	return 0;
}

static void add(uint16_t port, const uint8_t *bytes, size_t len, bool partial)
{
	struct arrival *a = &arrivals[count];
	struct offload o = { 0 };
	struct eth_view v;

	if (eth_parse(&v, bytes, len) != DROP_NONE)
		return;
	*a = (struct arrival){ .bytes = malloc(len),
			       .original = malloc(len),
			       .len = len,
			       .port = port };
	HOLDS(a->bytes && a->original);
	memcpy(a->bytes, bytes, len);
	memcpy(a->original, bytes, len);
	o.csum_partial = partial;
	o.csum_start = partial ? v.l4_offset : 0;
	o.csum_offset =
		partial ? (v.ip_proto == INET_PROTO_TCP ? TCP_CSUM_OFFSET
							: UDP_CSUM_OFFSET)
			: 0;
	if (partial && !eth_csum_valid(&v, len, o.csum_start, o.csum_offset))
		o = (struct offload){ 0 };
	count++;
	/* Either way leads to the same. */
	if (count % 2 == 0 && merge_continues(coalesce, port, a->bytes, len, &o,
					      (uint32_t)(count - 1)))
		return;
	merge_add(coalesce, port, &v, a->bytes, len, &o, (uint32_t)(count - 1));
}

/* The template moves on as a sender would move it, so that the fuzzer need not
 * guess: IPv4's ID and checksum, and TCP's sequence. */
static void move_on(uint8_t *frame, size_t len)
{
	struct eth_view v;
	uint8_t *ip, *l4;
	size_t header;

	if (eth_parse(&v, frame, len) != DROP_NONE || !v.l4_offset)
		return;
	ip = frame + v.l3_offset;
	l4 = frame + v.l4_offset;
	if (v.l3 == ETH_L3_IPV4) {
		store_be16(ip + 4, (uint16_t)(load_be16(ip + 4) + 1));
		store_be16(ip + 10, 0);
		store_be16(ip + 10, checksum_fold(checksum_add(
					    0, ip, (size_t)(l4 - ip))));
	}
	if (v.ip_proto == INET_PROTO_TCP && v.l3_end - v.l4_offset >= 20) {
		header = (size_t)(l4[12] >> 4) * 4;
		store_be32(l4 + 4, (uint32_t)(load_be32(l4 + 4) + v.l3_end -
					      v.l4_offset - header));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t template[FRAME_MAX] = { 0 };
	struct cursor c = cursor_init(data, size);
	size_t len;

	/* Mode(1), the first frame's length(2) and bytes; then frames made of
	 * the one before: what(1), and as it says changed bytes. */
	merge_set_mode(coalesce, (enum merge_mode)(cursor_u8(&c) % 3));
	len = cursor_u16(&c) % FRAME_MAX;
	if (len > c.left)
		return 0;
	cursor_copy(&c, template, len);
	count = 0;
	while (cursor_ok(&c) && c.left > 0 && count < FRAMES_MAX) {
		uint8_t what = cursor_u8(&c);

		for (int changes = what >> 6; changes > 0 && len > 0; changes--)
			template[cursor_u8(&c) % len] ^= cursor_u8(&c);
		add(what % PORTS, template, len, !(what & 0x20));
		if (what & 0x10)
			move_on(template, len);
	}
	merge_flush(coalesce);
	for (size_t i = 0; i < count; i++)
		HOLDS(arrivals[i].written && !arrivals[i].bytes);
	return 0;
}
