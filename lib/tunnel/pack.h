/* Records → datagrams → one run for one peer; the pool of runs to send. */
#ifndef TAPD_TUNNEL_PACK_H
#define TAPD_TUNNEL_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/datagram.h"
#include "tunnel/session.h"

/*
 * Packing. The frames of one read of the TAP are packed peer by peer: first all
 * that one peer should have, then the next peer. So one open datagram serves
 * the whole node, each peer's datagrams end up side by side in one buffer, and
 * equal-sized ones leave in one UDP_SEGMENT send.
 *
 * The open datagram is a list of pieces over the read buffers. Closing it puts
 * them side by side in the peer's run, the one copy, and seals them there. A
 * record that fits an empty datagram is never cut; a larger one fills the open
 * datagram, and the next ones, to the end, and the next record follows it.
 *
 * Each nonce has a salt beside its counter, for a machine whose memory was copied,
 * or put back, seals under the same counters twice. The two part when the salt is
 * drawn, so everything sealed under it must have been fixed before. A salt
 * therefore lasts until pack_flush, at the end of a call into the library, whose
 * input was in memory when it began; or until something else was drawn, which may
 * be in the next plaintext: pack_drawn.
 *
 * Runs come from a small pool. When it is used up it is handed to `send` and
 * starts over, so any number of peers needs the same memory, and what is sent
 * to one peer leaves in the order it was packed.
 *
 * On a way whose remote address has a leg, which is the relay's index of it here, each
 * datagram has a relay's header before it; the run then goes to the relay itself, and
 * its address has no leg. What this host carries for others is copied into runs too,
 * behind the header that the next one reads: equal ones, of whichever leg, leave in one
 * send.
 */
#define PACK_RUNS     32
#define PACK_RUN_SIZE 65536
#define PACK_PIECES   128
/* A cut leaves at least this much of the frame in a datagram. */
#define PACK_FRAGMENT_MIN 64

struct pack_ops {
	/* Sends the runs in order; borrowed until it returns. */
	void (*send)(void *user, const struct datagram_run *runs, size_t count);
	/* Draws a salt. */
	void (*salt)(void *user, uint8_t salt[WIRE_SALT_LEN]);
};

/* A run that datagrams are still appended to; NULL: none. */
struct pack_open {
	struct datagram_run *run;
	uint32_t segments; /* in it */
};

struct packer {
	const struct pack_ops *ops;
	void *user;
	uint8_t *pool; /* PACK_RUNS × PACK_RUN_SIZE */
	struct datagram_run runs[PACK_RUNS];
	uint32_t runs_count;
	bool salted; /* the salt may be used still */
	uint8_t salt[WIRE_SALT_LEN];
	struct pack_open carried; /* for others */

	/* the peer being packed for, between pack_begin and pack_end */
	struct session *session;
	struct way to;
	size_t limit; /* record bytes a datagram holds */
	struct pack_open open;
	uint64_t now_us;
	/* Since pack_begin, without headers for a relay: */
	uint64_t sealed, bytes; /* datagrams and their bytes */
	size_t largest;		/* of those datagrams */
	uint64_t exhausted;	/* datagrams the session would not seal */

	/* the open datagram */
	struct iovec pieces[PACK_PIECES];
	size_t count, len;
	uint8_t fragment_header[2][WIRE_RECORD_LEN + WIRE_FRAGMENT_LEN];
	size_t fragments;
};

/* False if memory is short. */
bool pack_init(struct packer *b, const struct pack_ops *ops, void *user);
void pack_free(struct packer *b);

/* Starts packing for one peer: its session, the way there, the largest data message it
 * takes (at least 128 bytes; over a leg, a relay's header is not counted). */
void pack_begin(struct packer *b, struct session *session, const struct way *to,
		size_t datagram_size, uint64_t now_us);
/* Appends one whole record (header included), cut if it must be. It is borrowed
 * until the next pack_close or pack_end. */
void pack_add(struct packer *b, const uint8_t *record, size_t len);
/* The same for a record whose bytes lie in two places: the head has its header. */
void pack_add_two(struct packer *b, const uint8_t *head, size_t head_len,
		  const uint8_t *body, size_t body_len);
/* The largest record that is not cut. */
size_t pack_record_max(const struct packer *b);
/* Seals the open datagram, if there is one. */
void pack_close(struct packer *b);
/* Seals what is open and ends the peer's turn. */
void pack_end(struct packer *b);
/* A copy of an unsealed message (a handshake) as a run of its own. */
void pack_message(struct packer *b, const struct way *to,
		  const uint8_t *message, size_t len);
/* A copy of a message that this host relays, behind a header with leg: by that way, whose
 * own leg does not matter. Not in a peer's turn. */
void pack_forward(struct packer *b, const struct way *to, uint32_t leg,
		  const uint8_t *inner, size_t len);
/* Something random was drawn: the salt is of the past. */
void pack_drawn(struct packer *b);
/* Hands every run to send. The call into the library is over. */
void pack_flush(struct packer *b);

#endif
