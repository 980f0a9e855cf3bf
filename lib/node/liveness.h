/* Is the peer there, both ways? Probes, echoes, loss, up and down. */
#ifndef TAPD_NODE_LIVENESS_H
#define TAPD_NODE_LIVENESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "tunnel/wire.h"

struct liveness_config {
	uint64_t interval_us;
	uint32_t down_after;
};

enum liveness_verdict {
	LIVENESS_UP,
	LIVENESS_SILENT, /* nothing heard for down_after × interval */
	LIVENESS_DEAF, /* we hear it; it has heard nothing of ours that long */
};

/*
 * Any authenticated datagram is life. After one silent interval a probe every
 * interval / 4, and more often in the last interval before the peer would be
 * down. The peer's echoes and probes carry how many of our datagrams it has
 * opened: if that stands still for down_after × interval although we sent, the
 * path to it is cut even though the path from it works.
 *
 * Callers report events; policy is here. All counters are cumulative over the
 * peer's sessions since liveness_init. Answers change by an event, or by time
 * alone, and then only at a moment when a probe is wanted too: who looks again
 * after each event and at liveness_deadline misses nothing, and who probes when
 * a probe is wanted never finds the deadline in the past.
 */
#define LIVENESS_LOSS_BUCKETS	6
#define LIVENESS_LOSS_BUCKET_US (10 * CLOCK_S)

struct liveness {
	uint64_t heard_us;  /* last authenticated datagram */
	uint64_t probed_us; /* last probe sent; 0: none */
	uint64_t echoed_us; /* last echo of a small probe heard; 0: none */
	uint64_t sent;	    /* data messages to it */
	uint64_t received;  /* data messages opened from it */

	/* Data messages sent another way than the path in use: since the peer's
	 * last report, and between that and the one before. */
	uint64_t strayed, strayed_before;
	uint64_t strayed_ever;

	/* What the peer can have heard of us at most. All but times may wrap. */
	struct {
		bool known;	/* one peer counts, and for a limit already */
		uint64_t ahead; /* of ours its count can be, by this at most */
		/* The most that it was, of what had been sent a limit before,
		 * since span_us; and ours then. */
		uint64_t span_ahead, span_sent, span_us;
		uint64_t last;		     /* its count, as last said */
		uint64_t next_sent, next_us; /* ours at a report, and when */
		uint64_t early; /* sent on sessions that were not open */
		uint64_t dead;	/* what was sent before is heard no more */
	} most;

	uint64_t sent_us;	/* the last data message to it */
	uint64_t peer_received; /* `received` as it last said */
	uint64_t sent_heard;	/* `sent` when peer_received last moved */
	uint64_t peer_heard_us; /* when it last heard us, as near as we know */
	uint64_t unheard_us; /* first sent since peer_received moved; 0: none */
	uint64_t still_us;   /* last report in which it stood still */

	uint64_t expected;  /* datagrams the peer's counters say it sent */
	uint64_t bucket_us; /* start of the current loss bucket */
	/* Both counts at the start of the current bucket and those before. */
	uint64_t expected_at[LIVENESS_LOSS_BUCKETS + 1];
	uint64_t received_at[LIVENESS_LOSS_BUCKETS + 1];
};

void liveness_init(struct liveness *l, uint64_t now_us);
/* The same for a peer that was away: what it can have heard of us is kept. */
void liveness_init_again(struct liveness *l, uint64_t now_us);

/* n data messages were sent to the peer. */
void liveness_sent(struct liveness *l, uint64_t n, uint64_t now_us);
/* … of which n went another way than the path in use, as answers do: that they
 * arrive says nothing about the path. */
void liveness_strayed(struct liveness *l, uint64_t n);
/* n more were, on a session that is not open yet to us: the peer may count them. */
void liveness_sent_early(struct liveness *l, uint64_t n);
/* A report of the peer's says that it has heard `received` of ours. True if that is
 * more than we know to have sent: our memory was put back. False as long as that may be
 * what was sent before and held back, for less than the life of keys. */
bool liveness_overheard(struct liveness *l, const struct liveness_config *c,
			uint64_t received, uint64_t now_us);
/* Nothing that was sent until now will be heard any more, and the peer counts anew: it
 * has, or will have, none of the sessions. */
void liveness_forget_reports(struct liveness *l);
/* One was opened. advance: by how much it moved the session's highest counter
 * (0 for one that came late): the gaps are loss. */
void liveness_received(struct liveness *l, uint64_t advance, uint64_t now_us);
/* … that says nothing about the path in use: a probe or echo of another one. */
void liveness_received_beside(struct liveness *l, uint64_t advance);
/* The path in use is another, and the peer has just answered there. */
void liveness_switched(struct liveness *l, uint64_t now_us);
/*
 * A padded probe, which may be lost by design, is on its way to us; or arrived. It
 * is left out of the loss count until it arrives, so that the search for the
 * largest size does not show as loss.
 */
void liveness_announced(struct liveness *l);
void liveness_arrived(struct liveness *l);
/* A probe or echo record of the peer was opened. small: an echo to a probe that
 * was not padded. */
void liveness_report(struct liveness *l, const struct wire_probe *p, bool small,
		     uint64_t now_us);

/* True if a probe should be sent now; the caller sends it and calls
 * liveness_probed. */
bool liveness_wants_probe(const struct liveness *l,
			  const struct liveness_config *c, uint64_t now_us);
void liveness_probed(struct liveness *l, uint64_t now_us);
enum liveness_verdict liveness_verdict(const struct liveness *l,
				       const struct liveness_config *c,
				       uint64_t now_us);
/* Silent for one and a half intervals, or unheard as long: worth a handshake,
 * for a restarted peer has lost our session and cannot tell us. */
bool liveness_doubtful(const struct liveness *l,
		       const struct liveness_config *c, uint64_t now_us);
/* When one of the three answers above may change by time alone. */
uint64_t liveness_deadline(const struct liveness *l,
			   const struct liveness_config *c);

/* 0..1 over the last minute; 0 before anything was expected. Call
 * liveness_roll at least every 10 s (it is cheap). */
void liveness_roll(struct liveness *l, uint64_t now_us);
double liveness_loss(const struct liveness *l);

#endif
