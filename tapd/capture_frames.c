#include "tapd/capture_frames.h"

#include <string.h>

#include "tapd/common/error.h"
#include "tapd/control/arguments.h"
#include "tapd/control/capture.h"
#include "tapd/control/peer_value.h"
#include "tapd/daemon_state.h"

static void on_seen(void *user, const struct node_sight *sight)
{
	struct daemon *d = user;

	captures_show(d->captures, sight, d->now.wall_us);
}

static void on_dropped(void *user, const struct frame *frame,
		       enum drop_reason reason)
{
	const uint8_t *pieces[2];
	size_t lens[2];
	const struct node_sight sight = { .pieces = pieces,
					  .lens = lens,
					  .count = frame->iovcnt,
					  .offload = frame->offload,
					  .from_tap = true,
					  .reason = reason };

	for (size_t i = 0; i < frame->iovcnt; i++) {
		pieces[i] = frame->iov[i].iov_base;
		lens[i] = frame->iov[i].iov_len;
	}
	on_seen(user, &sight);
}

void daemon_capture_watched(void *daemon, bool on)
{
	struct daemon *d = daemon;

	if (d->queue)
		fq_show_drops(d->queue, on ? on_dropped : NULL, d);
	if (d->node)
		node_capture(d->node, on ? on_seen : NULL);
}

/* Notes the one peer that is meant. */
static bool find_peer(const struct node *n, const char *which,
		      struct capture_wants *wants, char **error)
{
	struct node_iter at = { .slot = 0 };
	struct node_peer_info info;
	unsigned int count = 0;

	while (node_next_peer(n, &at, &info)) {
		if ((!info.has_key && info.state != NODE_PEER_STATE_UP) ||
		    !peer_is(&info, which))
			continue;
		wants->key = info.key;
		if (!info.has_key)
			memcpy(wants->name, info.name, sizeof(wants->name));
		count++;
	}
	if (count != 1)
		error_set(error,
			  count ? "several peers have that name, key or "
				  "endpoint: %s; give more of the key, see "
				  "tapctl -j peers"
				: "no peer has that name, key or endpoint: %s; "
				  "see tapctl peers",
			  which);
	return count == 1;
}

json_t *daemon_capture(struct daemon *d, const json_t *arguments,
		       struct control_list **list, char **error)
{
	const char *peer = argument_text(arguments, "peer");
	struct capture_wants wants = {
		.one_peer = peer != NULL,
		.dropped = argument_flag(arguments, "dropped"),
		.count = (uint64_t)argument_number(arguments, "count", 0),
	};

	if (!peer || find_peer(d->node, peer, &wants, error))
		*list = captures_begin(d->captures, &wants, error);
	return NULL;
}
