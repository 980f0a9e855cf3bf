/* Records → datagrams → one run for one peer; the pool of runs to send. */
#ifndef TAPD_TUNNEL_BATCH_H
#define TAPD_TUNNEL_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/addr.h"
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
 * Runs come from a small pool. When it is used up it is handed to `send` and
 * starts over, so any number of peers needs the same memory, and what is sent
 * to one peer leaves in the order it was packed.
 */
#define BATCH_RUNS	   32
#define BATCH_RUN_SIZE	   65536
#define BATCH_RUN_LEN_MAX  65507 /* UDP over IPv4 */
#define BATCH_RUN_SEGMENTS 64	 /* UDP_MAX_SEGMENTS of older kernels */
#define BATCH_PIECES	   128
/* A cut leaves at least this much of the frame in a datagram. */
#define BATCH_FRAGMENT_MIN 64

struct batch_run {
	struct addr to;
	uint8_t *data;
	size_t len, segment_len;
	uint32_t segments;
	bool closed; /* a short datagram ended it */
};

struct batch_ops {
	/* Sends the runs in order; borrowed until it returns. */
	void (*send)(void *user, const struct batch_run *runs, size_t count);
};

struct batch {
	const struct batch_ops *ops;
	void *user;
	uint8_t *pool; /* BATCH_RUNS × BATCH_RUN_SIZE */
	struct batch_run runs[BATCH_RUNS];
	uint32_t runs_count;

	/* the peer being packed for, between batch_begin and batch_end */
	struct session *session;
	struct addr to;
	size_t limit;	       /* record bytes a datagram holds */
	struct batch_run *run; /* the one it appends to, or NULL */
	uint64_t now_us;
	uint64_t sealed, bytes; /* datagrams and bytes since batch_begin */
	uint64_t exhausted;	/* datagrams the session would not seal */

	/* the open datagram */
	struct iovec pieces[BATCH_PIECES];
	size_t count, len;
	uint8_t fragment_header[2][WIRE_RECORD_LEN + WIRE_FRAGMENT_LEN];
	size_t fragments;
};

/* False if memory is short. */
bool batch_init(struct batch *b, const struct batch_ops *ops, void *user);
void batch_free(struct batch *b);

/* Starts packing for one peer: its session, its endpoint, the UDP payload it
 * takes (at least 128). */
void batch_begin(struct batch *b, struct session *session,
		 const struct addr *to, size_t datagram_size, uint64_t now_us);
/* Appends one whole record (header included), cut if it must be. It is borrowed
 * until the next batch_close or batch_end. */
void batch_add(struct batch *b, const uint8_t *record, size_t len);
/* The same for a record whose bytes lie in two places: the head has its header. */
void batch_add_two(struct batch *b, const uint8_t *head, size_t head_len,
		   const uint8_t *body, size_t body_len);
/* The largest record that is not cut. */
size_t batch_record_max(const struct batch *b);
/* Seals the open datagram, if there is one. */
void batch_close(struct batch *b);
/* Seals what is open and ends the peer's turn. */
void batch_end(struct batch *b);
/* A copy of an unsealed message (a handshake) as a run of its own. */
void batch_message(struct batch *b, const struct addr *to,
		   const uint8_t *message, size_t len);
/* Hands every run to send. */
void batch_flush(struct batch *b);

#endif
