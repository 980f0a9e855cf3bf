#include "tapd/tap/capture_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "tapd/log/log.h"
#include "tapd/tap/above.h"

/* How long a capture counts after it was seen last: two looks, roughly timed. */
#define LINGER_US (1500 * CLOCK_MS)

struct capture_watch {
	int list; /* /proc/net/packet, or -errno */
	struct above *above;
	bool above_current;
	unsigned above_generation; /* the link's, then */
	struct link *link;
	struct capture last;
	uint64_t seen_us;
	bool complained;
};

struct capture_watch *capture_watch_new(void)
{
	struct capture_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->list = captures_open();
	w->above = above_new();
	return w;
}

void capture_watch_free(struct capture_watch *w)
{
	if (!w)
		return;
	if (w->list >= 0)
		close(w->list);
	above_free(w->above);
	free(w);
}

/* Interfaces came or went since the last look only if a message said so. */
static void find_above(struct capture_watch *w)
{
	const unsigned generation = link_generation(w->link);

	if (w->above_current && w->above_generation == generation)
		return;
	w->above_current =
		above_find(w->above, link_state(w->link)->index) == 0;
	w->above_generation = generation;
}

static bool counts(void *user, unsigned index)
{
	struct capture_watch *w = user;

	if (index == 0 || index == link_state(w->link)->index)
		return true;
	if (!w->above)
		return false;
	find_above(w);
	return above_has(w->above, index);
}

/* To look into another namespace wants a right that tapd gave up. */
static void complain(struct capture_watch *w, int err)
{
	const char *name = link_state(w->link)->name;

	if (!w->complained)
		log_warning("%s%s: captures on %s are not noticed, and see"
			    " merged frames and unfinished checksums"
			    " (offload.checksums = \"complete\" helps)",
			    err ? "/proc/net/packet: " : name,
			    err ? strerror(-err)
				: " is in another network namespace",
			    name);
	w->complained = true;
}

struct capture capture_watch_look(struct capture_watch *w, struct link *l,
				  uint64_t now_us)
{
	struct capture found = { .protocol = 0 };
	int err = w->list < 0 ? w->list : 0;

	w->link = l;
	if (!err && link_state(l)->present)
		err = captures_find(w->list, counts, w, &found);
	if (err < 0 || !link_state(l)->present)
		complain(w, err);
	if (found.protocol) {
		w->last = found;
		w->seen_us = now_us;
	} else if (w->last.protocol && now_us - w->seen_us >= LINGER_US) {
		w->last = found;
	}
	return w->last;
}
