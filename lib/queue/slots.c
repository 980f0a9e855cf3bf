#include "queue/slots.h"

#include <stdlib.h>
#include <string.h>

/* Lines of the cache are not shared between frames. */
#define ALIGN 64

static const uint32_t quotas[TRAFFIC_CLASSES][SLOT_SIZES] = {
	[TRAFFIC_CONTROL] = { 128, 64, 0 },
	[TRAFFIC_TCP] = { 1024, 128, 96 },
	[TRAFFIC_REST] = { 1024, 160, 48 },
};

static const size_t sizes[SLOT_SIZES] = {
	[SLOT_SMALL] = SLOT_SMALL_MAX,
	[SLOT_MEDIUM] = SLOT_MEDIUM_MAX,
	[SLOT_LARGE] = SLOT_LARGE_MAX,
};

static size_t space_of(enum slot_size size)
{
	return (FRAME_HEADROOM + sizes[size] + ALIGN - 1) / ALIGN * ALIGN;
}

static uint32_t count_of(enum slot_size size)
{
	uint32_t count = size == SLOT_LARGE; /* the spare one */

	for (int c = 0; c < TRAFFIC_CLASSES; c++)
		count += quotas[c][size];
	return count;
}

bool slots_init(struct slots *s)
{
	size_t count = 0, bytes = 0;
	struct slot *slot;
	uint8_t *space;

	memset(s, 0, sizeof(*s));
	for (enum slot_size i = 0; i < SLOT_SIZES; i++) {
		TAILQ_INIT(&s->free[i]);
		count += count_of(i);
		bytes += count_of(i) * space_of(i);
	}
	slot = s->all = calloc(count, sizeof(*s->all));
	space = s->space = aligned_alloc(ALIGN, bytes);
	if (!slot || !space) {
		slots_free(s);
		return false;
	}
	for (enum slot_size i = 0; i < SLOT_SIZES; i++)
		for (uint32_t n = count_of(i); n > 0; n--) {
			*slot = (struct slot){ .space = space, .size = i };
			TAILQ_INSERT_TAIL(&s->free[i], slot, in_flow);
			space += space_of(i);
			slot++;
		}
	return true;
}

void slots_free(struct slots *s)
{
	free(s->all);
	free(s->space);
	memset(s, 0, sizeof(*s));
}

enum slot_size slots_size_for(size_t len)
{
	if (len <= SLOT_SMALL_MAX)
		return SLOT_SMALL;
	return len <= SLOT_MEDIUM_MAX ? SLOT_MEDIUM : SLOT_LARGE;
}

static struct slot *take_free(struct slots *s, enum slot_size size)
{
	struct slot *slot = TAILQ_FIRST(&s->free[size]);

	TAILQ_REMOVE(&s->free[size], slot, in_flow);
	return slot;
}

uint32_t slots_left(const struct slots *s, enum traffic_class class,
		    enum slot_size size)
{
	return quotas[class][size] - s->used[class][size];
}

struct slot *slots_take(struct slots *s, enum traffic_class class,
			enum slot_size size)
{
	struct slot *slot;

	if (slots_left(s, class, size) == 0)
		return NULL;
	s->used[class][size]++;
	slot = take_free(s, size);
	slot->class = class;
	return slot;
}

/* The one used last is used next: it is in the cache still. */
void slots_give(struct slots *s, struct slot *slot)
{
	s->used[slot->class][slot->size]--;
	TAILQ_INSERT_HEAD(&s->free[slot->size], slot, in_flow);
}

struct slot *slots_take_spare(struct slots *s)
{
	return take_free(s, SLOT_LARGE);
}

struct slot *slots_change_spare(struct slots *s, struct slot *spare,
				enum traffic_class class)
{
	struct slot *other = slots_take(s, class, SLOT_LARGE);

	if (other)
		spare->class = class;
	return other;
}
