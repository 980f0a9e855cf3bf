#include "tapd/tap/moderation.h"

/* The mean interval that is assumed of what is not known: so far above the limit that
 * it takes some MODERATION_TURNS turns to come down. */
#define UNKNOWN_LIMITS 4

static uint64_t unknown(const struct moderation *m)
{
	return m->limit_us * MODERATION_TURNS * UNKNOWN_LIMITS;
}

void moderation_set_limit(struct moderation *m, unsigned limit_us)
{
	m->limit_us = limit_us;
	m->intervals_us = unknown(m);
}

static size_t segments(const struct frame *f)
{
	size_t len = 0;

	if (f->offload.gso == OFFLOAD_GSO_NONE || f->offload.gso_size == 0)
		return 1;
	for (size_t i = 0; i < f->iovcnt; i++)
		len += f->iov[i].iov_len;
	return len / f->offload.gso_size + 1;
}

static bool is_tcp_gso(const struct frame *f)
{
	return f->offload.gso == OFFLOAD_GSO_TCPV4 ||
	       f->offload.gso == OFFLOAD_GSO_TCPV6;
}

void moderation_frames(struct moderation *m, enum busy_poll_side from,
		       const struct frame *frames, size_t count,
		       uint64_t now_us)
{
	if (m->count == 0)
		m->turn_us = now_us;
	if (from != m->from)
		m->mixed = true;
	m->from = from;
	for (size_t i = 0; i < count && !m->mixed; i++) {
		m->mixed = is_tcp_gso(&frames[i]);
		m->count += segments(&frames[i]);
	}
	m->count += m->mixed; /* whatever it is by now, it was something */
}

/* Each turn counts as much as any other: a burst in one turn, and a pause before it, are
 * not what a look would have found. */
static void learn(struct moderation *m, uint64_t interval_us)
{
	m->intervals_us -= m->intervals_us / MODERATION_TURNS;
	m->intervals_us += interval_us;
	if (m->mixed || m->intervals_us > unknown(m))
		m->intervals_us = unknown(m);
}

uint64_t moderation_wait_us(struct moderation *m)
{
	uint64_t gap_us = m->turn_us - m->last_us, interval_us;
	size_t count = m->count;
	bool looked = m->looked;

	m->looked = false;
	if (count == 0)
		return 0;
	interval_us = gap_us / count;
	learn(m, interval_us);
	m->last_us = m->turn_us;
	m->count = 0;
	m->mixed = false;
	m->looked = m->intervals_us < MODERATION_TURNS * m->limit_us &&
		    interval_us >= MODERATION_CLOSE_US &&
		    count <= MODERATION_MOST &&
		    (looked || gap_us < m->limit_us);
	return m->looked ? m->limit_us : 0;
}
