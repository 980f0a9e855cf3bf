#include "queue/stats.h"

#include "ether/gso.h"
#include "queue/slots.h"

static void count(struct queue_stats *stats, enum drop_reason reason)
{
	if (reason == DROP_queue_full)
		stats->full++;
	else
		stats->delay++;
}

static void show(const struct queue_stats *stats, const struct slot *s,
		 enum drop_reason reason)
{
	const struct iovec piece = { s->frame, s->len };
	const struct frame f = { &piece, 1, s->offload };

	stats->dropped(stats->user, &f, reason);
}

void stats_drop(struct queue_stats *stats, const struct slot *s,
		enum drop_reason reason)
{
	count(stats, reason);
	if (stats->dropped)
		show(stats, s, reason);
}

/* Before it is taken off, for the rest's headers are written over it. */
static void show_first(const struct queue_stats *stats, const struct slot *s,
		       enum drop_reason reason)
{
	uint8_t header[GSO_HEADER_MAX];
	struct gso_segment first;
	struct iovec pieces[2];
	struct frame f = { pieces, 2, { 0 } };
	struct gso g;

	if (!gso_may_skip_first(&g, s->frame, s->len, &s->offload)) {
		show(stats, s, reason);
		return;
	}
	(void)gso_next(&g, header, &first);
	pieces[0] = (struct iovec){ header, g.header_len };
	/* It is only read: the type is readv's and writev's. */
	pieces[1] = (struct iovec){ (uint8_t *)(uintptr_t)first.payload,
				    first.payload_len };
	f.offload = g.offload;
	stats->dropped(stats->user, &f, reason);
}

bool stats_drop_first(struct queue_stats *stats, struct slot *s,
		      enum drop_reason reason)
{
	count(stats, reason);
	if (stats->dropped)
		show_first(stats, s, reason);
	return gso_skip_first(&s->frame, &s->len, &s->offload);
}
