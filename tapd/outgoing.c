#include "tapd/outgoing.h"

#include <errno.h>
#include <event2/event.h>

#include "tapd/daemon_state.h"
#include "tapd/entry.h"
#include "tapd/tap/interface.h"

/*
 * More is read in a turn than is sent in it: the TAP is a FIFO that drops what comes
 * when it is full, whatever it is; what has been read the queue can tell apart. But
 * where a flood is more than this host can seal, what is read in vain costs what it
 * could have sealed, and with many receivers such a flood is soon had. So frames that
 * go to more are read ahead less; and if the queue has little room left for a burst,
 * about as many as leave, for the rest is as well where it is.
 */
#define READ_BYTES  ((size_t)4 * FQ_BATCH_BYTES)
#define READ_FRAMES ((size_t)2 * FQ_BATCH_FRAMES)
#define READ_LEAST  ((size_t)FQ_BATCH_FRAMES / 2)
/* In a turn, of the ring that a TAP of ours has. */
#define READ_MOST ((size_t)4096)
/* As many as that are read for a batch that leaves, while a flood fills the ring faster
 * than it can be read: it must not leave this host with nothing but reading. */
#define READ_PER_BATCH (2 * READ_FRAMES)

static size_t frames_to_read(const struct daemon *d)
{
	const uint32_t room = fq_room(d->queue, d->now.mono_us);

	if (d->copies > 1)
		return FQ_BATCH_FRAMES + READ_FRAMES / (d->copies + 1);
	if (room >= READ_FRAMES)
		return READ_FRAMES;
	return room > READ_LEAST ? room : READ_LEAST;
}

/* Reads frames into the queue, up to a bound. 0: there may be more; else as tap_read.
 * *frames: how many were read, those that made no sense among them. */
static int read_frames(struct daemon *d, size_t *frames)
{
	struct tap *tap = interface_tap(d->interface);
	struct iovec piece;
	struct frame f = { .iov = &piece, .iovcnt = 1 };
	const size_t most = frames_to_read(d);
	size_t bytes = 0, good = 0;
	ssize_t n = 0;

	for (*frames = 0;
	     *frames < most && bytes < READ_BYTES && !fq_is_urgent(d->queue);
	     ++*frames) {
		n = tap_read(tap, fq_place(d->queue), &f.offload);
		if (n < 0)
			break;
		if (n == 0)
			continue;
		piece = (struct iovec){ fq_place(d->queue), (size_t)n };
		moderation_frames(&d->moderation, BUSY_POLL_TAP, &f, 1,
				  d->now.mono_us);
		fq_put(d->queue, (size_t)n, &f.offload, d->peers_up,
		       d->now.mono_us);
		bytes += (size_t)n;
		good++;
	}
	if (*frames > good)
		node_count_drop(d->node, DROP_offload_bad, *frames - good);
	if (good > 0)
		busy_poll_frames(&d->busy_poll, BUSY_POLL_TAP, &f, good,
				 d->now.mono_us);
	return n < 0 ? (int)n : 0;
}

static void count_drops(struct daemon *d)
{
	struct fq_info info;

	fq_info(d->queue, &info);
	if (info.full > d->queue_full)
		node_count_drop(d->node, DROP_queue_full,
				info.full - d->queue_full);
	if (info.delay > d->queue_delay)
		node_count_drop(d->node, DROP_queue_delay,
				info.delay - d->queue_delay);
	d->queue_full = info.full;
	d->queue_delay = info.delay;
}

/* What most paths take. */
#define DATAGRAM_SIZE 1400

static void send_batch(struct daemon *d, enum fq_take what)
{
	const struct fq_batch *batch = fq_take(d->queue, what, d->now.mono_us);
	const size_t len = batch->len;
	struct node_traffic before, after;

	node_traffic(d->node, &before);
	if (batch->count > 0) {
		udp_expect(d->udp, batch->bytes,
			   batch->count + batch->bytes / DATAGRAM_SIZE,
			   d->now.mono_us);
		node_from_tap(d->node, batch->frames, batch->count, d->now);
	}
	node_traffic(d->node, &after);
	fq_sent(d->queue, after.tx.bytes - before.tx.bytes);
	if (what == FQ_ALL)
		d->copies = len ? (after.tx.bytes - before.tx.bytes) / len : 0;
	count_drops(d);
}

/* A batch, if there is room; else what may always leave, and false. */
static bool send_queued(struct daemon *d)
{
	bool room;

	if (fq_is_empty(d->queue))
		return true;
	room = !udp_is_full(d->udp, d->now.mono_us);
	send_batch(d, room ? FQ_ALL : FQ_CONTROL);
	return room;
}

/* False: there is room after all. */
static bool wait_for_room(struct daemon *d)
{
	bool waits = false;

	for (unsigned i = 0; i < UDP_SENDERS_MAX; i++)
		if (d->senders[i].room && udp_sender_is_full(d->udp, i))
			waits |= event_add(d->senders[i].room, NULL) == 0;
	return waits;
}

static void go_on_later(struct daemon *d, bool room)
{
	static const struct timeval next_turn = { 0, 0 };

	if (fq_is_empty(d->queue) || (!room && wait_for_room(d)))
		return;
	if (d->queue_event)
		(void)event_add(d->queue_event, &next_turn);
}

/* Lone frames to one receiver each, as many as that, and room for as many again. */
static bool is_deep(const struct daemon *d, size_t frames)
{
	return d->copies <= 1 && frames == READ_FRAMES &&
	       fq_room(d->queue, d->now.mono_us) >= READ_FRAMES &&
	       fq_room_tcp(d->queue) >= READ_FRAMES;
}

/*
 * Beside a flood the TAP's ring is as deep as it gets each time that this host was busy
 * otherwise, and what is thin waits behind all of it. So it is read until it is dry, and
 * what must not wait leaves in between; to read a frame takes less than half as long
 * as to seal and send it.
 */
static int read_until_dry(struct daemon *d)
{
	size_t frames, all = 0;
	int error = read_frames(d, &frames);

	while (error == 0 && all < READ_MOST && is_deep(d, frames)) {
		all += frames;
		if (d->ring_outruns && all % READ_PER_BATCH == 0)
			(void)send_queued(d);
		else if (fq_has_control(d->queue))
			send_batch(d, FQ_CONTROL);
		daemon_enter(d);
		error = read_frames(d, &frames);
	}
	d->ring_outruns = error == 0 && all >= READ_MOST;
	return error;
}

int daemon_move_frames(struct daemon *d)
{
	int error = read_until_dry(d);

	go_on_later(d, send_queued(d));
	return error == -EAGAIN ? 0 : error;
}

int daemon_drain_frames(struct daemon *d, size_t left)
{
	size_t frames;
	bool room;
	int error;

	do {
		error = read_frames(d, &frames);
		room = send_queued(d);
		left -= frames < left ? frames : left;
	} while (error == 0 && left > 0);
	go_on_later(d, room);
	return error == -EAGAIN ? 0 : error;
}

static void on_queue(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;

	(void)fd;
	(void)what;
	daemon_enter(d);
	/* What is wrong with it, if anything, its own event will show. */
	(void)daemon_move_frames(d);
	daemon_leave(d);
}

bool daemon_watch_queue(struct daemon *d)
{
	d->queue_event = evtimer_new(d->base, on_queue, d);
	return d->queue_event != NULL;
}
