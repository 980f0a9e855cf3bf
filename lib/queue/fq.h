/* The fair queue between the TAP and sealing: nothing waits behind bulk. */
#ifndef TAPD_QUEUE_FQ_H
#define TAPD_QUEUE_FQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/frame.h"
#include "base/siphash.h"
#include "queue/stats.h"

/*
 * Linux's tun takes frames from the senders' sockets at once, however many, and so a
 * qdisc on the TAP never sees a queue: it is in the TAP's ring, in order, and beyond
 * that in the underlay's card. This takes the ring empty and decides what leaves
 * next, while a bound on what lies in the UDP socket keeps the queue here.
 *
 * Three classes (traffic.h):
 *
 *	CONTROL  leaves before all others, as long as it is a twentieth of what leaves,
 *	         and 64 KB beyond; what is more is REST.
 *	REST     one FIFO (fifo.h); it leaves before TCP, but has three quarters of
 *	         what leaves at most while TCP waits.
 *	TCP      flows in turn, with CoDel (drr.h).
 *
 * "What leaves" is counted as sealed bytes, of all copies: ten megabits to a group may
 * be gigabits of datagrams.
 *
 * Invariants: frames of REST leave in the order in which they came in, and so do those
 * of one TCP flow; what a class has waiting never costs another class a frame; no
 * frame is longer in here than it takes the others' shares to leave.
 */
struct fq;

/* A batch ends after so many frames, or so many bytes, or so many of all their copies:
 * a socket holds no more, and what it does not hold is lost. */
#define FQ_BATCH_FRAMES 64
#define FQ_BATCH_BYTES	65536
#define FQ_BATCH_COPIES (UINT64_C(8) * 1024 * 1024)
/* The largest that fq_place has room for. */
#define FQ_FRAME_MAX (22 + 65535)

/* key: random, and nobody else's. NULL if memory is short. */
struct fq *fq_new(const uint8_t key[SIPHASH_KEY_LEN]);
void fq_free(struct fq *q);

/* Where the next frame is to be read to: FQ_FRAME_MAX bytes, and FRAME_HEADROOM
 * writable ones before it. There is always room. */
uint8_t *fq_place(struct fq *q);
/* It was: len bytes. It waits now, or cost another its place, or was dropped. True: it
 * is of what leaves first. receivers: how many a frame to all goes to. */
void fq_put(struct fq *q, size_t len, const struct offload *offload,
	    uint32_t receivers, uint64_t now_us);
/* So much of CONTROL waits that it should be taken before more is put. */
bool fq_is_urgent(const struct fq *q);
bool fq_has_control(const struct fq *q);
/* How many more ordinary frames of REST would find room; any number while it stands, for
 * then who floods pays, and what waits elsewhere meanwhile is not told apart. */
uint32_t fq_room(const struct fq *q, uint64_t now_us);
/* And of TCP. */
uint32_t fq_room_tcp(const struct fq *q);

enum fq_take {
	FQ_CONTROL, /* only this class: the socket has had enough */
	FQ_ALL,
};

struct fq_batch {
	/* One piece each, with FRAME_HEADROOM writable bytes before it. */
	struct frame frames[FQ_BATCH_FRAMES];
	size_t count;
	size_t len;	/* of these frames */
	uint64_t bytes; /* of all their copies, about */
};

/* What leaves next, as it is good to be handed on together; count 0: nothing. Borrowed
 * until fq_sent, before which there is no other fq_take. */
const struct fq_batch *fq_take(struct fq *q, enum fq_take what,
			       uint64_t now_us);
/* The batch has left, as so many bytes of datagrams. */
void fq_sent(struct fq *q, uint64_t bytes);
/* Frames that fq_take would give. */
bool fq_is_empty(const struct fq *q);

struct fq_info {
	uint32_t frames;      /* that wait */
	uint64_t bytes;	      /* of these frames */
	uint32_t sojourn_us;  /* how long frames waited: a moving average */
	uint64_t marks;	      /* frames marked as having met congestion (ECN) */
	uint64_t full, delay; /* frames dropped: DROP_queue_full, _delay */
};
void fq_info(const struct fq *q, struct fq_info *out);

/* Calls dropped for each frame that is dropped from now on; NULL: for none. Only a
 * frame that is dropped costs anything for it. */
void fq_show_drops(struct fq *q, queue_dropped *dropped, void *user);

#endif
