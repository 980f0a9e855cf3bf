/* Frames larger than a datagram: bounded reassembly of frame records. */
#ifndef TAPD_TUNNEL_FRAG_H
#define TAPD_TUNNEL_FRAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/drop.h"
#include "tunnel/wire.h"

#define FRAG_PER_PEER 8
#define FRAG_LIFE_US  (1 * CLOCK_S)
/* Holes one frame may have at a time (RFC 815); with more it is dropped. */
#define FRAG_HOLES_MAX 16

/*
 * One pool of record-sized buffers for the whole node, allocated at init and
 * touched only when used. A set is named by (port, session's local index, frame
 * id). It dies with its session, after FRAG_LIFE_US, on overlap or a second
 * LAST. A peer holds at most FRAG_PER_PEER sets: a ninth evicts its own oldest;
 * an empty pool evicts the oldest of whoever has most. What dies incomplete is counted
 * through `drops` (indexed by enum drop_reason): fragment_bad, fragment_full,
 * fragment_timeout, one per frame.
 */
struct frag;

/*
 * NULL if memory is short. buffers: 1..65,535. record_max: the largest record
 * taken, 1..65,535. ports: how many there are; a port passed below is less.
 * drops is borrowed until frag_free.
 */
struct frag *frag_new(uint32_t buffers, size_t record_max, uint16_t ports,
		      uint64_t *drops);
void frag_free(struct frag *f);

struct frag_done {
	uint8_t *record; /* the whole frame record; valid until frag_release */
	size_t len;
	uint32_t slot;
};

/*
 * Takes one piece. True when it completes a record, which is then the caller's
 * until frag_release(done->slot); its set no longer counts against the peer.
 * Otherwise *done is zeroed.
 */
bool frag_add(struct frag *f, uint16_t port, uint32_t session,
	      const struct wire_fragment *piece, uint64_t now_us,
	      struct frag_done *done);
void frag_release(struct frag *f, uint32_t slot);
/* Forgets a session's sets (not counted: the session is gone). Records the
 * caller still holds stay his. */
void frag_forget_session(struct frag *f, uint16_t port, uint32_t session);
/* Forgets sets that are too old, and counts them. */
void frag_age(struct frag *f, uint64_t now_us);
/* When frag_age has something to do; CLOCK_NEVER if nothing is open. */
uint64_t frag_deadline(const struct frag *f);

#endif
