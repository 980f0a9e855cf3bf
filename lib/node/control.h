/* The control protocols between two peers: what each does, and when. */
#ifndef TAPD_NODE_CONTROL_H
#define TAPD_NODE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/datagram.h"
#include "base/drop.h"
#include "tunnel/wire.h"

struct candidate;
struct node;
struct peer;
struct session;

/*
 * A control protocol is one file and one row of a table, a struct control whose
 * hooks are called when something happens to a peer. node.c has the table; the
 * rows stand in the order in which their hooks are called. A peer does not know
 * who hooks into its life, so peer.c stands below all of them.
 *
 * A protocol says with `deadline` when it has something to do, and does it in
 * `due`, which is called whenever the peer's timer fires: the two stand side by
 * side in its file. Whoever makes a deadline earlier calls peer_arm.
 *
 * Every hook may be NULL.
 */

/* A datagram that is being read: which way it came, on which session, how large. */
struct reading {
	struct peer *peer;	     /* NULL: the session is a candidate's */
	struct candidate *candidate; /* NULL: the session is the peer's */
	struct session *session;
	const struct way *from;
	uint32_t index;	  /* of ours, which it names */
	uint64_t advance; /* of its highest counter; 0: it came late */
	size_t size;	  /* of the UDP payload */
	uint64_t now_us;
	bool over; /* the session is gone: read no further */
	/* Answers belong to datagrams, not to records: a member could have many
	 * sent for one, and to an address that is not its own. */
	bool said_hello, echoed, rekeyed;
	bool proven; /* somebody with the session's keys receives at `from` */
	size_t answered; /* bytes that went there; see peer_may_answer */
};

struct control {
	/* The record that is its own, with WIRE_PAD for none. It is read only on
	 * a session that is open. */
	enum wire_kind kind;
	enum drop_reason (*record)(struct node *n, struct reading *r,
				   const struct wire_record *record);

	/* The peer came up, or can be told again what it missed. */
	void (*peer_up)(struct node *n, struct peer *peer, uint64_t now_us);
	/* It is new, down, or another process: what it said holds no more. */
	void (*peer_gone)(struct node *n, struct peer *peer);
	/* It is about to be removed from the table. */
	void (*peer_removed)(struct node *n, struct peer *peer);

	/* When `due` has something to do, or CLOCK_NEVER. */
	uint64_t (*deadline)(struct node *n, struct peer *peer,
			     uint64_t now_us);
	void (*due)(struct node *n, struct peer *peer, uint64_t now_us);

	/* A probe or echo is being made: fills in what it carries. */
	void (*stamp)(struct node *n, const struct peer *peer,
		      struct wire_probe *probe);
	/* A probe or echo came, the newest datagram so far: what it carries. */
	void (*reported)(struct node *n, struct peer *peer,
			 const struct wire_probe *probe, uint64_t now_us);
	/* An echo came. True: it answered a probe of this protocol's alone. */
	bool (*echoed)(struct node *n, const struct reading *r,
		       const struct wire_probe *echo);
};

/* Each calls the hook of that name of every row, in order. */
void control_peer_up(struct node *n, struct peer *peer, uint64_t now_us);
void control_peer_gone(struct node *n, struct peer *peer);
void control_peer_removed(struct node *n, struct peer *peer);
void control_due(struct node *n, struct peer *peer, uint64_t now_us);
void control_stamp(struct node *n, const struct peer *peer,
		   struct wire_probe *probe);
void control_reported(struct node *n, struct peer *peer,
		      const struct wire_probe *probe, uint64_t now_us);
/* The earliest deadline of all rows. */
uint64_t control_deadline(struct node *n, struct peer *peer, uint64_t now_us);
/* Ends with the first row that claims the echo. */
void control_echoed(struct node *n, const struct reading *r,
		    const struct wire_probe *echo);
/* Gives the record to the row whose kind it is. A kind that no row has is a later
 * version's, and no error. */
enum drop_reason control_record(struct node *n, struct reading *r,
				const struct wire_record *record);

#endif
