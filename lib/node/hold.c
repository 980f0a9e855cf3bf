#include "node/hold.h"

#include <stdlib.h>
#include <string.h>

struct hold {
	struct way way;
	uint64_t until_us; /* 0: a free place */
	size_t len;	   /* of what is held */
};

/* A run that is held, and its bytes behind it. */
struct held {
	struct datagram_run run;
	size_t hold; /* its number */
	size_t size; /* of both, so that the next one is aligned */
};

/* The runs of all ways lie side by side, in the order in which they came. */
struct holds {
	struct hold hold[HOLD_WAYS];
	struct timer timer;
	size_t len;
	uint8_t *bytes; /* HOLD_BYTES */
};

bool hold_init(struct node *n)
{
	n->holds = calloc(1, sizeof(*n->holds));
	if (!n->holds)
		return false;
	n->holds->timer.kind = NODE_TIMER_HOLD;
	n->holds->bytes = malloc(HOLD_BYTES);
	return n->holds->bytes != NULL;
}

void hold_free(struct node *n)
{
	if (n->holds)
		free(n->holds->bytes);
	free(n->holds);
	n->holds = NULL;
	n->holds_count = 0;
}

static bool is_held(const struct hold *h, const struct addr *remote,
		    const struct addr *local)
{
	return h->until_us && addr_equal(&h->way.remote, remote) &&
	       addr_equal(&h->way.local, local);
}

/* HOLD_WAYS: it is not. */
static size_t find_hold(const struct holds *holds, const struct addr *remote,
			const struct addr *local)
{
	size_t i = 0;

	while (i < HOLD_WAYS && !is_held(&holds->hold[i], remote, local))
		i++;
	return i;
}

static void arm_hold(struct node *n)
{
	uint64_t due = CLOCK_NEVER;

	for (size_t i = 0; i < HOLD_WAYS; i++)
		if (n->holds->hold[i].until_us)
			due = clock_earlier(due, n->holds->hold[i].until_us);
	timers_set(&n->timers, &n->holds->timer, due);
}

bool hold_begin(struct node *n, const struct way *before, const struct way *way,
		uint64_t for_us, uint64_t now_us)
{
	struct hold *hold = n->holds->hold;
	uint64_t until_us = now_us;
	size_t i = find_hold(n->holds, &before->remote, &before->local);

	if (i < HOLD_WAYS)
		until_us = hold[i].until_us;
	until_us += for_us < HOLD_MAX_US ? for_us : HOLD_MAX_US;
	if (until_us > now_us + HOLD_MAX_US)
		until_us = now_us + HOLD_MAX_US;
	if (until_us <= now_us)
		return false;
	if (find_hold(n->holds, &way->remote, &way->local) < HOLD_WAYS)
		return false;
	for (i = 0; i < HOLD_WAYS && hold[i].until_us;)
		i++;
	if (i == HOLD_WAYS)
		return false;
	n->holds_count++;
	hold[i] = (struct hold){ .way = *way, .until_us = until_us };
	arm_hold(n);
	return true;
}

static struct held *held_at(struct holds *holds, size_t at)
{
	return (struct held *)(void *)(holds->bytes + at);
}

static uint64_t datagrams_of(const struct datagram_run *run)
{
	return run->segment_len
		       ? (run->len + run->segment_len - 1) / run->segment_len
		       : 1;
}

static void keep_run(struct node *n, const struct datagram_run *run, size_t i)
{
	const size_t align = _Alignof(max_align_t);
	const size_t size =
		(sizeof(struct held) + run->len + align - 1) / align * align;
	struct hold *hold = &n->holds->hold[i];
	struct held *held;

	if (hold->len + size > HOLD_BYTES - n->holds->len) {
		n->lane.drops[DROP_hold_full] += datagrams_of(run);
		return;
	}
	held = held_at(n->holds, n->holds->len);
	*held = (struct held){ .run = *run, .hold = i, .size = size };
	memcpy(held + 1, run->data, run->len);
	n->holds->len += size;
	hold->len += size;
}

void hold_send(struct node *n, const struct datagram_run *runs, size_t count)
{
	size_t from = 0;

	for (size_t i = 0; i < count; i++) {
		size_t hold =
			find_hold(n->holds, &runs[i].remote, &runs[i].local);

		if (hold == HOLD_WAYS)
			continue;
		if (i > from)
			n->ops.udp_send(n->user, runs + from, i - from);
		keep_run(n, &runs[i], hold);
		from = i + 1;
	}
	if (count > from)
		n->ops.udp_send(n->user, runs + from, count - from);
}

/* Sends what is held for ways whose time is over, and closes the gaps. */
static void release(struct node *n, uint64_t now_us)
{
	struct holds *holds = n->holds;
	size_t kept = 0, size;

	for (size_t at = 0; at < holds->len; at += size) {
		struct held *held = held_at(holds, at);

		size = held->size;
		if (holds->hold[held->hold].until_us > now_us) {
			memmove(holds->bytes + kept, held, size);
			kept += size;
			continue;
		}
		held->run.data = (uint8_t *)(held + 1);
		n->ops.udp_send(n->user, &held->run, 1);
	}
	holds->len = kept;
}

void hold_timer(struct node *n, uint64_t now_us)
{
	struct hold *hold = n->holds->hold;

	release(n, now_us);
	for (size_t i = 0; i < HOLD_WAYS; i++)
		if (hold[i].until_us && hold[i].until_us <= now_us) {
			hold[i] = (struct hold){ .until_us = 0 };
			n->holds_count--;
		}
	arm_hold(n);
}
