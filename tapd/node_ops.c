#include "tapd/node_ops.h"

#include <stdlib.h>

#include "tapd/common/random.h"
#include "tapd/daemon_state.h"
#include "tapd/events.h"
#include "tapd/recursion.h"
#include "tapd/tap/interface.h"

static void fill_random(void *user, void *buf, size_t len)
{
	(void)user;
	if (!random_fill(buf, len))
		abort(); /* keys must not be guessable */
}

static void lose_datagrams(void *user, const struct addr *to,
			   enum drop_reason reason, size_t size, uint64_t count)
{
	struct daemon *d = user;

	node_send_failed(d->node, to, reason, size, count, d->now);
}

static void forget_local(void *user, const struct way *way)
{
	struct daemon *d = user;

	node_local_gone(d->node, way);
}

static void send_datagrams(void *user, const struct datagram_run *runs,
			   size_t n)
{
	static const struct udp_events events = { .lost = lose_datagrams,
						  .local_gone = forget_local };
	struct daemon *d = user;

	udp_send(d->udp, runs, n, &events, d);
}

static void write_frames(void *user, const struct frame *frames, size_t n)
{
	struct daemon *d = user;
	size_t refused = tap_write(interface_tap(d->interface), frames, n);

	busy_poll_frames(&d->busy_poll, BUSY_POLL_PEERS, frames, n,
			 d->now.mono_us);
	moderation_frames(&d->moderation, BUSY_POLL_PEERS, frames, n,
			  d->now.mono_us);
	if (refused == 0)
		return;
	node_count_drop(d->node, DROP_tap_write, refused);
	offload_level_refused(&d->offloads, d->conf,
			      interface_tap(d->interface), d->node);
}

static void note_event(void *user, const struct node_event *event)
{
	struct daemon *d = user;

	daemon_announce(d, event);
	if (event->type < NODE_PEER_REFUSED)
		d->peers_changed = true;
}

static bool leads_into_tap(void *user, const struct addr *to)
{
	return daemon_leads_inside(user, to);
}

const struct node_ops daemon_node_ops = {
	.random = fill_random,
	.udp_send = send_datagrams,
	.tap_write = write_frames,
	.event = note_event,
	.leads_into_tap = leads_into_tap,
};
