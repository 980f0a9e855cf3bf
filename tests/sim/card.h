/* A card of a rate behind the fair queue, and who sends through them. */
#ifndef TAPD_SIM_CARD_H
#define TAPD_SIM_CARD_H

#include "queue/fq.h"
#include "sim.h"
#include "support/queue_frames.h"

#define CARD_SENDERS 1100
#define CARD_FRAMES  512 /* of one sender, on their way */
#define CARD_WAITS   65536

enum card_manner {
	CARD_AIMD, /* TCP: halves on a mark or a loss, a segment more a round trip */
	CARD_STEADY, /* so many bytes a millisecond, whatever happens */
};

struct card_sender {
	enum card_manner manner;
	enum queue_kind kind;
	unsigned flow;
	size_t len; /* of a frame, at most */
	uint32_t receivers;
	double rate; /* STEADY: bytes a microsecond */
	double due;  /* what that makes by now */

	double window;
	uint64_t in_flight, reduced_us, heard_us;
	uint64_t lens[CARD_FRAMES]; /* by number */

	uint64_t next, expected; /* numbers */
	uint64_t lost, frames, bytes;
	uint64_t wait_max_us;
};

struct card {
	struct sim *sim;
	struct fq *queue;
	uint64_t now_us;
	double rate; /* bytes a microsecond; 0: it stands still */
	double lies; /* what lies in the socket */
	struct card_sender *senders;
	unsigned count;
	struct card_ack *acks;
	uint64_t acks_head, acks_tail;
	/* How long the frames waited that were asked about. */
	uint32_t *waits;
	size_t wait_count;
	const struct card_sender *asked; /* NULL: about all of TCP */
};

void card_init(struct card *c, struct sim *s, double gbit);
void card_free(struct card *c);
/* Room for what it keeps; it sends from the next card_run on. */
struct card_sender *card_add(struct card *c, enum card_manner manner,
			     enum queue_kind kind, size_t len);
void card_run(struct card *c, uint64_t us);
/* What was counted, from now on anew. */
void card_begin(struct card *c);
/* Of the waits since then, the one that so many of 1000 stay below. */
uint32_t card_wait(struct card *c, unsigned permille);

#endif
