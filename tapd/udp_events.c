#include "tapd/udp_events.h"

#include <event2/event.h>

#include "tapd/daemon_state.h"
#include "tapd/entry.h"
#include "tapd/outgoing.h"

#define READS 8			   /* batches of 8 messages each, */
#define BYTES ((size_t)256 * 1024) /* or what a batch of the TAP has */

static void on_udp(evutil_socket_t fd, short what, void *user)
{
	const struct daemon_socket *s = user;
	struct daemon *d = s->daemon;
	uint64_t overflows, misdirected, recursive;
	size_t bytes = 0;
	bool more = true;

	(void)fd;
	(void)what;
	daemon_enter(d);
	for (int i = 0; more && i < READS && bytes < BYTES; i++) {
		const struct datagram_run *received;
		size_t n = udp_receive(d->udp, s->number, &received, &more);

		if (n > 0)
			node_from_udp(d->node, received, n, d->now);
		for (size_t j = 0; j < n; j++)
			bytes += received[j].len;
	}
	overflows = udp_overflows(d->udp);
	if (overflows > 0)
		node_count_drop(d->node, DROP_udp_overflow, overflows);
	misdirected = udp_misdirected(d->udp);
	if (misdirected > 0)
		node_count_drop(d->node, DROP_datagram_misdirected,
				misdirected);
	recursive = udp_recursive(d->udp);
	if (recursive > 0)
		node_count_drop(d->node, DROP_recursion, recursive);
	daemon_leave(d);
}

/*
 * A few handshakes a turn of the loop: each may cost as much as hundreds of frames.
 * What is left of a message that was read is done in the next turn, for which the
 * socket does not ask.
 */
static void on_strangers(evutil_socket_t fd, short what, void *user)
{
	static const struct timeval next_turn = { 0, 0 };
	const struct daemon_socket *s = user;
	struct daemon *d = s->daemon;
	const struct datagram_run *received;
	uint64_t overflows;
	bool more;

	(void)fd;
	(void)what;
	daemon_enter(d);
	if (udp_receive_strangers(d->udp, s->number, &received, &more) > 0)
		node_from_udp(d->node, received, 1, d->now);
	overflows = udp_strangers_overflows(d->udp);
	if (overflows > 0)
		node_count_drop(d->node, DROP_handshake_rate, overflows);
	(void)event_add(s->strangers, more ? &next_turn : NULL);
	daemon_leave(d);
}

/* Whatever waits for it may go on. */
static void on_room(evutil_socket_t fd, short what, void *user)
{
	const struct daemon_socket *s = user;
	struct daemon *d = s->daemon;

	(void)fd;
	(void)what;
	daemon_enter(d);
	udp_has_room_again(d->udp, s->number, d->now.mono_us);
	(void)daemon_move_frames(d);
	daemon_leave(d);
}

static bool watch_strangers(struct daemon *d, struct daemon_socket *s)
{
	int fd = udp_strangers_fd(d->udp, s->number);

	if (fd < 0)
		return true;
	s->strangers = event_new(d->base, fd, EV_READ, on_strangers, s);
	return s->strangers && event_add(s->strangers, NULL) == 0;
}

/* Each is waited for only while it is full. */
static bool make_room_events(struct daemon *d)
{
	for (unsigned i = 0; i < UDP_SENDERS_MAX; i++) {
		struct daemon_socket *s = &d->senders[i];
		int fd = udp_sender_fd(d->udp, i);

		if (fd < 0)
			continue;
		s->daemon = d;
		s->number = i;
		s->room = event_new(d->base, fd, EV_WRITE, on_room, s);
		if (!s->room)
			return false;
	}
	return true;
}

bool daemon_watch_sockets(struct daemon *d)
{
	for (unsigned i = 0; udp_fd(d->udp, i) >= 0; i++) {
		struct daemon_socket *s = &d->sockets[i];

		s->daemon = d;
		s->number = i;
		s->event = event_new(d->base, udp_fd(d->udp, i),
				     EV_READ | EV_PERSIST, on_udp, s);
		if (!s->event || event_add(s->event, NULL) != 0 ||
		    !watch_strangers(d, s))
			return false;
	}
	return make_room_events(d);
}
