/* Any bytes as a GSO frame: it is refused, or split into all of its payload, and
 * the segments coalesce into frames that hold all of it. */
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "ether/gso.h"
#include "ether/merge.h"
#include "ether/vnet.h"
#include "fuzz.h"
#include "support/frame_len.h"
#include "support/gso_frame.h"

/* Only so many segments are merged again. */
#define FRAMES_MAX 64

static struct merge *coalesce;
static size_t written; /* bytes, were they not merged */

static void count(void *user, const struct frame *frames, size_t n)
{
	(void)user;
	for (size_t i = 0; i < n; i++) {
		const struct frame *f = &frames[i];

		HOLDS(f->iovcnt >= 1 && f->iovcnt <= MERGE_SEGMENTS_MAX);
		HOLDS((f->iovcnt > 1) == (f->offload.gso != OFFLOAD_GSO_NONE));
		written += frame_len(f);
		for (size_t j = 1; j < f->iovcnt; j++)
			written += f->offload.hdr_len;
	}
}

static void release(void *user, uint32_t token)
{
	(void)user;
	(void)token;
	HOLDS(false);
}

static const struct merge_ops ops = { count, release };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	coalesce = merge_new(2, &ops, NULL);
	HOLDS(coalesce);
	merge_set_mode(coalesce, MERGE_TCP_UDP);
	return 0;
}

static void segment_holds(const struct gso *g, const uint8_t *frame, size_t len,
			  struct eth_view *v)
{
	const size_t l4 = g->view.l4_offset;
	struct eth_view inner;

	HOLDS(eth_parse(v, frame, len) == DROP_NONE);
	inner = *v;
	eth_skip_tags(&inner, frame, len);
	HOLDS(inner.l3_end == len && inner.l4_offset == l4);
	HOLDS(g->offload.csum_partial == !eth_is_tag(v->type));
	if (g->offload.csum_partial)
		HOLDS(eth_csum_valid(v, len, g->offload.csum_start,
				     g->offload.csum_offset));
	else
		HOLDS(checksum_fold(checksum_add(g->l4_sum + len - l4,
						 frame + l4, len - l4)) == 0);
	if (v->l3 == ETH_L3_IPV4)
		HOLDS(checksum_fold(checksum_add(0, frame + v->l3_offset,
						 (size_t)v->l4_offset -
							 v->l3_offset)) == 0);
}

/* The next segment as one heap frame, or NULL. */
static uint8_t *next_frame(struct gso *g, size_t *len)
{
	static uint8_t header[GSO_HEADER_MAX];
	struct gso_segment s;
	uint8_t *frame;

	if (!gso_next(g, header, &s))
		return NULL;
	*len = g->header_len + s.payload_len;
	frame = malloc(*len);
	HOLDS(frame && s.payload_len > 0);
	memcpy(frame, header, g->header_len);
	memcpy(frame + g->header_len, s.payload, s.payload_len);
	return frame;
}

static void split(struct gso *g, size_t frame_max, size_t payload_len)
{
	uint8_t *held[FRAMES_MAX], *frame;
	size_t expected = gso_split(g, frame_max);
	size_t n = 0, held_count = 0, held_len = 0, sum = 0, len = 0;
	struct eth_view v;

	HOLDS(expected >= 1 && expected <= GSO_SEGMENTS_MAX);
	written = 0;
	for (; (frame = next_frame(g, &len)); n++) {
		segment_holds(g, frame, len, &v);
		sum += len;
		if (held_count == FRAMES_MAX) {
			free(frame);
			continue;
		}
		held[held_count++] = frame;
		held_len += len;
		merge_add(coalesce, 1, &v, frame, len, &g->offload,
			  MERGE_NO_TOKEN);
	}
	HOLDS(n == expected);
	HOLDS(sum == payload_len + n * g->header_len);
	merge_flush(coalesce);
	HOLDS(written == held_len);
	while (held_count > 0)
		free(held[--held_count]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct offload o;
	struct gso g;
	size_t frame_max;

	/* frame_max(2), the vnet header(10), the GSO frame. */
	if (size < 2 + VNET_HDR_LEN)
		return 0;
	frame_max = load_be16(data);
	if (!vnet_unpack(&o, data + 2))
		return 0;
	data += 2 + VNET_HDR_LEN;
	size -= 2 + VNET_HDR_LEN;
	if (gso_begin_frame(&g, data, size, &o) != DROP_NONE) {
		HOLDS(g.header_len == 0 && g.payload_len == 0);
		return 0;
	}
	HOLDS(g.header_len <= GSO_HEADER_MAX && g.header_len < size);
	split(&g, SIZE_MAX, size - g.header_len);
	split(&g, frame_max, size - g.header_len);
	return 0;
}
