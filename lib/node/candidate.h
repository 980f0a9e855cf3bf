/* Sessions whose peer is not decided yet. */
#ifndef TAPD_NODE_CANDIDATE_H
#define TAPD_NODE_CANDIDATE_H

#include "node/peer.h"

extern const struct control candidate_control;

/*
 * A session that is not a peer's yet. The responder's is half open until the
 * first data message opens; either role's is then waiting for the hello whose
 * epoch says who the other end is: candidate.c.
 */
struct candidate {
	struct session *session; /* in the node's pool */
	struct public_key key;
	struct way at; /* which it was dialled, or answered */
	/* Of the initiation; the responder's only: */
	uint64_t timestamp_us;
	uint8_t mac1[WIRE_MAC_LEN];
	uint8_t response[WIRE_RESPONSE_LEN];
	struct way also;    /* where it was answered, too; zero: nowhere */
	bool also_proven;   /* … by a cookie */
	struct addr holder; /* whose share of the half-open places it has */
	bool placed;	    /* half open, in one of them; not on a reserve */
	struct wire_hello hello; /* once heard */
	/* On probation: whose key it shows, since when, and when that one is
	 * probed again. NULL: it is not. */
	struct peer *duplicate_of;
	uint64_t probation_us, probe_us;
	struct timer timer;
};

/* Its index is bound already. NULL if the table is full. */
struct candidate *candidate_new(struct node *n, uint32_t index);
void candidate_drop(struct node *n, struct candidate *c);
/* Its first data message, to that index of ours, opened: the other end holds the
 * keys, and could read where it was told that index. */
void candidate_confirm(struct node *n, struct candidate *c, uint32_t index,
		       uint64_t now_us);
/* The one that answered an initiation with this mac1, or NULL. */
struct candidate *candidate_asked(const struct node *n,
				  const uint8_t mac1[WIRE_MAC_LEN]);
/* Notes that it did. */
void candidate_note_asked(struct node *n, struct candidate *c,
			  const uint8_t mac1[WIRE_MAC_LEN]);
void candidate_timer(struct node *n, struct candidate *c, uint64_t now_us);
/* Walks: start with TABLE_NONE. NULL at the end. */
struct candidate *candidates_next(const struct node *n, uint32_t *at);
void candidates_free(struct node *n);

enum candidate_fate {
	CANDIDATE_GONE,	   /* refused, and freed */
	CANDIDATE_WAITS,   /* for the answer of the peer whose key it shows */
	CANDIDATE_DECIDED, /* it is a session of *peer now, and freed */
};
/* The hello of a confirmed candidate came: decides what it becomes. Fills in
 * *peer and *session if it is decided. */
enum candidate_fate candidate_identify(struct node *n, struct candidate *c,
				       const struct wire_hello *hello,
				       struct peer **peer,
				       struct session **session,
				       uint64_t now_us);

#endif
