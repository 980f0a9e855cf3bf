/* Any frames with any offload, put into the fair queue and taken out at any times: none
 * is lost that is not counted, order is kept, batches have their bounds, and the node
 * takes what comes out. */
#include <string.h>

#include "base/bytes.h"
#include "ether/gso.h"
#include "ether/vnet.h"
#include "fuzz.h"
#include "queue/fq.h"
#include "queue/traffic.h"
#include "support/gso_frame.h"

#define PUTS_MAX 3000
/* More than there is room for; what follows is short. */
#define BYTES_MAX (8 * 1024 * 1024)
#define SHORT	  200
#define FLOWS	  1024

/*
 * Steps, each a byte that says which, and its operands:
 *
 *	PUT   receivers(1) times(1) vary(1) vnet header(10) length(2) n(1) n bytes:
 *	      so often, with the byte at `vary` counted up; zeros fill it up
 *	WAIT  shift(1) time(2)
 *	TAKE  times(1) share(1) of what would be sent, in quarters
 *	CONTROL
 */
enum step { PUT, WAIT, TAKE, CONTROL, STEPS };

static const uint8_t key[SIPHASH_KEY_LEN] = { 1, 2, 3 };

static struct fq *q;
static uint64_t now;
/* By a frame's number, which it bears in hdr_len: a hint that nobody reads. */
static struct {
	enum traffic_class class;
	uint32_t flow;
	size_t len;
	bool out;
} sent[PUTS_MAX];
static size_t put_count, put_bytes, out_count, shown_full, shown_delay;
static size_t last_rest, last_of_tcp[FLOWS];

static void put(const uint8_t *head, size_t n, size_t len, struct offload o,
		uint32_t receivers)
{
	uint8_t *frame = fq_place(q);
	struct traffic t;

	if (put_count == PUTS_MAX)
		return;
	if (put_bytes > BYTES_MAX && len > SHORT)
		len = SHORT;
	put_bytes += len;
	memcpy(frame, head, n < len ? n : len);
	if (n < len)
		memset(frame + n, 0, len - n);
	traffic_of(&t, frame, len, o.gso != OFFLOAD_GSO_NONE, key);
	sent[put_count].class = t.class;
	sent[put_count].flow = t.hash % FLOWS;
	sent[put_count].len = len;
	sent[put_count].out = false;
	o.hdr_len = (uint16_t)put_count++;
	fq_put(q, len, &o, receivers, now);
}

static void step_put(struct cursor *r)
{
	uint8_t head[255], vnet[VNET_HDR_LEN], receivers, times, vary, n;
	const uint8_t *bytes;
	struct offload o;
	uint16_t len;

	receivers = cursor_u8(r);
	times = cursor_u8(r);
	vary = cursor_u8(r);
	cursor_copy(r, vnet, sizeof(vnet));
	len = cursor_u16(r);
	n = cursor_u8(r);
	bytes = cursor_take(r, n);
	if (!bytes || !vnet_unpack(&o, vnet))
		return;
	memcpy(head, bytes, n);
	for (unsigned i = 0; i <= times; i++) {
		if (vary < n)
			head[vary]++;
		put(head, n, len, o, receivers);
	}
}

/* Refused, or split into all that it has. */
static void split(const struct frame *f)
{
	static uint8_t header[GSO_HEADER_MAX];
	const uint8_t *frame = f->iov->iov_base;
	const size_t len = f->iov->iov_len;
	struct gso_segment s;
	struct gso g;
	size_t sum = 0;

	if (gso_begin_frame(&g, frame, len, &f->offload) != DROP_NONE)
		return;
	while (gso_next(&g, header, &s))
		sum += s.payload_len;
	HOLDS(sum == len - g.header_len);
}

/* Each is shown that is counted. */
static void on_dropped(void *user, const struct frame *f,
		       enum drop_reason reason)
{
	(void)user;
	for (size_t i = 0; i < f->iovcnt; i++)
		touch(f->iov[i].iov_base,
		      f->iov[i].iov_len < SHORT ? f->iov[i].iov_len : SHORT);
	HOLDS(f->iovcnt == 1 ||
	      (f->iovcnt == 2 && f->offload.gso == OFFLOAD_GSO_NONE));
	*(reason == DROP_queue_full ? &shown_full : &shown_delay) += 1;
}

static void holds_order(size_t number)
{
	size_t *last = &last_rest;

	if (sent[number].class == TRAFFIC_CONTROL)
		return;
	if (sent[number].class == TRAFFIC_TCP)
		last = &last_of_tcp[sent[number].flow];
	HOLDS(number + 1 > *last);
	*last = number + 1;
}

static void look_at(const struct frame *f, enum fq_take what)
{
	const size_t number = f->offload.hdr_len, len = f->iov->iov_len;
	uint8_t *frame = f->iov->iov_base;

	HOLDS(f->iovcnt == 1 && number < put_count && !sent[number].out);
	HOLDS(what == FQ_ALL || sent[number].class == TRAFFIC_CONTROL);
	sent[number].out = true;
	out_count++;
	/* A segment fewer, if its sender was told so. */
	HOLDS(len <= sent[number].len);
	HOLDS(len == sent[number].len || sent[number].class == TRAFFIC_TCP);
	holds_order(number);
	memset(frame - FRAME_HEADROOM, 0xee, FRAME_HEADROOM);
	touch(frame, len < SHORT ? len : SHORT);
	touch(frame + len - len % SHORT, len % SHORT);
	if (f->offload.gso != OFFLOAD_GSO_NONE)
		split(f);
}

static size_t take(enum fq_take what, uint64_t quarters)
{
	const struct fq_batch *b = fq_take(q, what, now);
	const size_t count = b->count;
	size_t bytes = 0;

	HOLDS(count <= FQ_BATCH_FRAMES);
	for (size_t i = 0; i < count; i++) {
		HOLDS(bytes < FQ_BATCH_BYTES);
		bytes += b->frames[i].iov->iov_len;
		look_at(&b->frames[i], what);
	}
	HOLDS(b->bytes >= bytes);
	fq_sent(q, b->bytes * quarters / 4);
	return count;
}

static void step(struct cursor *r)
{
	uint8_t times, more;

	switch ((enum step)(cursor_u8(r) % STEPS)) {
	case PUT:
		step_put(r);
		break;
	case WAIT:
		more = cursor_u8(r);
		now += (uint64_t)cursor_u16(r) << more % 24;
		break;
	case TAKE:
		times = cursor_u8(r);
		more = cursor_u8(r);
		for (unsigned i = 0; i <= times && !fq_is_empty(q); i++)
			(void)take(FQ_ALL, more);
		break;
	case CONTROL:
		(void)take(FQ_CONTROL, 4);
		break;
	case STEPS:
		break;
	}
}

/* Each turn gives something, or tells that it lost it. */
static void drain(void)
{
	struct fq_info info;

	while (!fq_is_empty(q)) {
		uint64_t lost;

		fq_info(q, &info);
		lost = info.delay;
		if (take(FQ_ALL, 4) > 0)
			continue;
		fq_info(q, &info);
		HOLDS(info.delay > lost);
	}
	fq_info(q, &info);
	HOLDS(info.frames == 0 && info.bytes == 0);
	HOLDS(shown_full == info.full && shown_delay == info.delay);
	HOLDS(out_count + info.full <= put_count);
	HOLDS(out_count + info.full + info.delay >= put_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor r = cursor_init(data, size);

	q = fq_new(key);
	HOLDS(q);
	now = 1;
	put_count = put_bytes = out_count = last_rest = 0;
	shown_full = shown_delay = 0;
	fq_show_drops(q, on_dropped, NULL);
	memset(last_of_tcp, 0, sizeof(last_of_tcp));
	while (r.left > 0 && cursor_ok(&r))
		step(&r);
	drain();
	fq_free(q);
	return 0;
}
