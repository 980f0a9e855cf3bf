/* The buffers that waiting frames are in. */
#ifndef TAPD_QUEUE_SLOTS_H
#define TAPD_QUEUE_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/frame.h"
#include "queue/traffic.h"

/*
 * A frame is read before its length is known, so into a large slot; what is smaller
 * is copied into one of its size, where it waits. Each class has a quota of each
 * size: no class waits for another's frames to leave. One large slot is in
 * nobody's quota: the next frame is read into it.
 */
enum slot_size { SLOT_SMALL, SLOT_MEDIUM, SLOT_LARGE, SLOT_SIZES };

/* The largest frame of each: an ordinary MTU's, a jumbo frame, a GSO frame with two
 * tags. */
#define SLOT_SMALL_MAX	2032
#define SLOT_MEDIUM_MAX 9728
#define SLOT_LARGE_MAX	(22 + 65535)

struct slot {
	uint8_t *space; /* FRAME_HEADROOM, then room for a frame of its size */
	enum slot_size size;

	/* While a frame is in it. */
	enum traffic_class class;
	uint8_t *frame;
	size_t len;
	struct offload offload;
	uint64_t at_us; /* when it was read */
	uint32_t flow;
	uint32_t receivers; /* how many copies of it leave, about */
	TAILQ_ENTRY(slot) in_flow, in_fifo;
};
TAILQ_HEAD(slot_list, slot);

struct slots {
	struct slot_list free[SLOT_SIZES];
	uint32_t used[TRAFFIC_CLASSES][SLOT_SIZES];
	struct slot *all;
	uint8_t *space;
};

/* False if memory is short. Pages that were never used cost nothing. */
bool slots_init(struct slots *s);
void slots_free(struct slots *s);

/* The size that a frame of so many bytes takes. */
enum slot_size slots_size_for(size_t len);
/* How many more of that size the class may take. */
uint32_t slots_left(const struct slots *s, enum traffic_class class,
		    enum slot_size size);
/* NULL: the class has used its quota. */
struct slot *slots_take(struct slots *s, enum traffic_class class,
			enum slot_size size);
void slots_give(struct slots *s, struct slot *slot);
/* The large one that is in no quota, and the same one for another that has a frame
 * in it now; NULL if that class's quota of large slots is used. */
struct slot *slots_take_spare(struct slots *s);
struct slot *slots_change_spare(struct slots *s, struct slot *spare,
				enum traffic_class class);

#endif
