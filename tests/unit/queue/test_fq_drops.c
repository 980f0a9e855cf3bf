/* Whoever looks is shown each frame that the queue drops, and only what is lost. */
#include "queue/fq.h"

#include <check.h>
#include <string.h>

#include "base/clock.h"
#include "support/gso_frame.h"
#include "support/main.h"
#include "support/queue_frames.h"

#define NUMBERS 200000

static const uint8_t key[SIPHASH_KEY_LEN] = { 1, 2, 3 };
static struct fq *q;
static uint64_t now, number;
/* Segments, where a frame that is none is one. */
static uint64_t put_segments, left_segments, shown_segments;
static uint64_t shown_full, shown_delay;
static bool left[NUMBERS], shown[NUMBERS];

static void setup(void)
{
	q = fq_new(key);
	ck_assert_ptr_nonnull(q);
	now = CLOCK_S;
	number = put_segments = left_segments = shown_segments = 0;
	shown_full = shown_delay = 0;
	memset(left, 0, sizeof(left));
	memset(shown, 0, sizeof(shown));
}

static void teardown(void)
{
	fq_free(q);
}

static uint64_t segments_of(const uint8_t *frame, size_t len,
			    const struct offload *o)
{
	struct gso g;

	if (o->gso == OFFLOAD_GSO_NONE)
		return 1;
	ck_assert_int_eq(gso_begin_frame(&g, frame, len, o), DROP_NONE);
	return gso_split(&g, SIZE_MAX);
}

static void on_dropped(void *user, const struct frame *f,
		       enum drop_reason reason)
{
	const struct iovec *iov = f->iov;

	ck_assert_ptr_eq(user, &shown);
	ck_assert(reason == DROP_queue_full || reason == DROP_queue_delay);
	*(reason == DROP_queue_full ? &shown_full : &shown_delay) += 1;
	if (f->iovcnt == 2) {
		/* A segment of a frame whose others go on. */
		ck_assert_int_eq(reason, DROP_queue_delay);
		ck_assert_int_eq(f->offload.gso, OFFLOAD_GSO_NONE);
		ck_assert(f->offload.csum_partial);
		ck_assert_uint_eq(iov[1].iov_len, 1448);
		shown_segments++;
		return;
	}
	ck_assert_uint_eq(f->iovcnt, 1);
	shown_segments += segments_of(iov->iov_base, iov->iov_len, &f->offload);
	ck_assert(!shown[queue_frame_number(iov->iov_base, iov->iov_len)]);
	shown[queue_frame_number(iov->iov_base, iov->iov_len)] = true;
}

static void put(enum queue_kind kind, unsigned flow, size_t len)
{
	struct offload o;

	ck_assert_uint_lt(number, NUMBERS);
	queue_frame(fq_place(q), len, kind, flow, number++, &o);
	put_segments += segments_of(fq_place(q), len, &o);
	fq_put(q, len, &o, 1, now);
}

static void take(void)
{
	const struct fq_batch *b = fq_take(q, FQ_ALL, now);

	for (size_t i = 0; i < b->count; i++) {
		const struct frame *f = &b->frames[i];

		left[queue_frame_number(f->iov->iov_base, f->iov->iov_len)] =
			true;
		left_segments += segments_of(f->iov->iov_base, f->iov->iov_len,
					     &f->offload);
	}
	fq_sent(q, b->bytes);
}

/* More comes than leaves, for half a second; then all that is left leaves. */
static void stand(enum queue_kind kind, size_t len)
{
	for (const uint64_t end = now + CLOCK_S / 2; now < end;
	     now += 2 * CLOCK_MS) {
		for (unsigned i = 0; i < 100; i++)
			put(kind, i % 3, len);
		take();
	}
	while (!fq_is_empty(q))
		take();
}

static const struct {
	enum queue_kind kind;
	size_t len;
} floods[] = {
	{ QUEUE_UDP, 100 },
	{ QUEUE_UDP, 9000 },
	{ QUEUE_UDP, 60000 },
	{ QUEUE_GROUP, 1400 },
	{ QUEUE_TCP, 100 },
	{ QUEUE_TCP, 60000 },
	{ QUEUE_TCP_GSO, 9000 },
	{ QUEUE_TCP_GSO, 60000 },
	{ QUEUE_ARP, QUEUE_FRAME_MIN },
};

static struct fq_info info(void)
{
	struct fq_info i;

	fq_info(q, &i);
	return i;
}

START_TEST(each_that_is_dropped_is_shown_once)
{
	fq_show_drops(q, on_dropped, &shown);
	stand(floods[_i].kind, floods[_i].len);
	ck_assert_uint_gt(info().full + info().delay, 100);
	ck_assert_uint_eq(shown_full, info().full);
	ck_assert_uint_eq(shown_delay, info().delay);
	ck_assert_uint_eq(left_segments + shown_segments, put_segments);
	for (uint64_t n = 0; n < number; n++)
		ck_assert(left[n] != shown[n]);
}
END_TEST

START_TEST(nobody_who_does_not_look_is_shown_any)
{
	stand(QUEUE_UDP, 100);
	ck_assert_uint_gt(info().full + info().delay, 100);
	fq_show_drops(q, on_dropped, &shown);
	fq_show_drops(q, NULL, NULL);
	stand(QUEUE_TCP_GSO, 9000);
	ck_assert_uint_eq(shown_full + shown_delay, 0);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("fq_drops", .setup = setup, .teardown = teardown,
		  .timeout_s = 60),
	UNIT_EACH(each_that_is_dropped_is_shown_once, floods),
	UNIT_TEST(nobody_who_does_not_look_is_shown_any),
};

UNIT_MAIN("fq_drops", tests)
