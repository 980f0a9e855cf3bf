#include "tapd/control/capture.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checksum.h"
#include "tapd/common/error.h"
#include "tapd/control/pcapng.h"

/* In one turn of the loop. */
#define WRITE_MAX ((size_t)256 << 10)

enum stage {
	STAGE_BEGIN, /* the pipe is to be handed over */
	STAGE_RUNS,
	STAGE_ENOUGH, /* it has all it wants; what it has is still on the way */
	STAGE_OVER,   /* the pipe is closed */
	STAGE_TOLD,
};

struct capture {
	struct control_list list;
	struct captures *captures;
	struct capture_wants wants;
	enum stage stage;
	int fd; /* the end that is written to, or -1 */
	struct event *writable;
	uint64_t frames, lost, lost_before; /* before the next one */
	size_t start, len; /* of what is in room and was not written yet */
	uint8_t room[];
};

struct captures {
	struct event_base *base;
	char *interface;
	void (*watched)(void *user, bool on);
	void *user;
	struct capture *running[CAPTURES_MAX];
	size_t count;
};

struct captures *captures_new(struct event_base *base, const char *interface,
			      void (*watched)(void *user, bool on), void *user)
{
	struct captures *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	*c = (struct captures){ .base = base,
				.interface = strdup(interface),
				.watched = watched,
				.user = user };
	if (c->interface)
		return c;
	free(c);
	return NULL;
}

void captures_free(struct captures *c)
{
	if (!c)
		return;
	free(c->interface);
	free(c);
}

/* ---- what is shown ---- */

static void end(struct capture *c)
{
	if (c->writable)
		event_free(c->writable);
	c->writable = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->stage = STAGE_OVER;
	control_wake(&c->list);
}

static void write_on(struct capture *c)
{
	(void)event_add(c->writable, NULL);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct capture *c = arg;
	ssize_t n = write(fd, c->room + c->start,
			  c->len < WRITE_MAX ? c->len : WRITE_MAX);

	(void)what;
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		end(c); /* its reader is gone */
		return;
	}
	if (n > 0) {
		c->start += (size_t)n;
		c->len -= (size_t)n;
	}
	if (c->len > 0) {
		write_on(c);
		return;
	}
	c->start = 0;
	if (c->stage == STAGE_ENOUGH)
		end(c);
}

/* Room for so many bytes; NULL if there is none. What waits is moved only if as much
 * was written meanwhile, or a slow reader would have all of it moved each time. */
static uint8_t *make_room(struct capture *c, size_t size)
{
	if (CAPTURE_ROOM - c->start - c->len < size && c->start >= c->len) {
		memmove(c->room, c->room + c->start, c->len);
		c->start = 0;
	}
	return CAPTURE_ROOM - c->start - c->len < size
		       ? NULL
		       : c->room + c->start + c->len;
}

/* Where nothing is sealed peers have no keys. */
static bool is_of(const struct capture_wants *wants, const struct node_sight *s)
{
	if (s->key)
		return public_key_equal(s->key, &wants->key);
	return s->peer && *s->peer && strcmp(s->peer, wants->name) == 0;
}

static bool is_wanted(const struct capture *c, const struct node_sight *s)
{
	if (c->stage > STAGE_RUNS)
		return false;
	if (c->wants.dropped != (s->reason != DROP_NONE))
		return false;
	return !c->wants.one_peer || is_of(&c->wants, s);
}

/* "web2", or why it was dropped. */
static void comment(const struct node_sight *s,
		    char buf[PCAPNG_COMMENT_MAX + 1])
{
	const char *peer = s->peer && *s->peer ? s->peer : NULL;
	const char *way = s->from_tap ? "to" : "from";

	if (s->reason == DROP_NONE)
		snprintf(buf, PCAPNG_COMMENT_MAX + 1, "%s %s", way,
			 peer ? peer : "a peer");
	else
		snprintf(buf, PCAPNG_COMMENT_MAX + 1, "dropped%s%s: %s: %s",
			 peer ? ", from " : "", peer ? peer : "",
			 drop_name(s->reason), drop_text(s->reason));
}

/* As a card would have sent it. */
static void complete(const struct node_sight *s, uint8_t *frame, size_t len)
{
	if (s->offload.csum_partial && s->offload.gso == OFFLOAD_GSO_NONE)
		(void)checksum_complete(frame, len, s->offload.csum_start,
					s->offload.csum_offset);
}

static void add(struct capture *c, const struct node_sight *s,
		const struct pcapng_packet *packet, size_t len)
{
	const size_t size = len + PCAPNG_COMMENT_MAX + PCAPNG_BLOCK_MORE;
	struct pcapng_packet p = *packet;
	uint8_t *out = make_room(c, size), *frame;
	size_t written;

	p.lost = c->lost_before;
	written = out ? pcapng_packet(out, size, &p, &frame) : 0;
	if (!written) {
		c->lost++;
		c->lost_before++;
		return;
	}
	complete(s, frame, len);
	c->lost_before = 0;
	c->frames++;
	c->len += written;
	if (c->wants.count > 0 && c->frames == c->wants.count)
		c->stage = STAGE_ENOUGH;
	write_on(c);
}

void captures_show(struct captures *c, const struct node_sight *sight,
		   uint64_t wall_us)
{
	char text[PCAPNG_COMMENT_MAX + 1];
	const struct pcapng_packet packet = { .time_us = wall_us,
					      .pieces = sight->pieces,
					      .lens = sight->lens,
					      .count = sight->count,
					      .inbound = !sight->from_tap,
					      .comment = text };
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sight->count; i++)
		len += sight->lens[i];
	for (size_t i = 0; i < CAPTURES_MAX; i++) {
		struct capture *running = c->running[i];

		if (!running || !is_wanted(running, sight))
			continue;
		if (!*text)
			comment(sight, text);
		add(running, sight, &packet, len);
	}
}

/* ---- a capture ---- */

static enum control_step step(struct control_list *list, json_t **row)
{
	struct capture *c = (struct capture *)list;

	switch (c->stage) {
	case STAGE_BEGIN:
		c->stage = STAGE_RUNS;
		*row = json_pack("{s:s}", "format", "pcapng");
		break;
	case STAGE_RUNS:
	case STAGE_ENOUGH:
		return CONTROL_WAIT;
	case STAGE_OVER:
		c->stage = STAGE_TOLD;
		*row = json_pack("{s:I, s:I}", "frames", (json_int_t)c->frames,
				 "lost", (json_int_t)c->lost);
		break;
	case STAGE_TOLD:
		return CONTROL_END;
	}
	return *row ? CONTROL_ROW : CONTROL_FAILED;
}

static void free_capture(struct control_list *list)
{
	struct capture *c = (struct capture *)list;
	struct captures *all = c->captures;

	for (size_t i = 0; i < CAPTURES_MAX; i++)
		if (all->running[i] == c)
			all->running[i] = NULL;
	if (list->passed >= 0)
		close(list->passed);
	if (c->writable)
		event_free(c->writable);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
	if (--all->count == 0)
		all->watched(all->user, false);
}

static struct capture **free_place(struct captures *c)
{
	for (size_t i = 0; i < CAPTURES_MAX; i++)
		if (!c->running[i])
			return &c->running[i];
	return NULL;
}

/* The pipe, and what the file begins with. False if the system is short of
 * something. */
static bool open_pipe(struct capture *c)
{
	int fds[2];

	if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) != 0)
		return false;
	c->list.passed = fds[0];
	c->fd = fds[1];
	/* Its reader may as well wait for what there is. */
	(void)fcntl(fds[0], F_SETFL, 0);
	/* As much as it may be: fewer turns for a stream. */
	(void)fcntl(fds[1], F_SETPIPE_SZ, (int)CAPTURE_ROOM);
	c->writable =
		event_new(c->captures->base, c->fd, EV_WRITE, on_writable, c);
	c->len = pcapng_begin(c->room, CAPTURE_ROOM, "tapd " TAPD_VERSION,
			      c->captures->interface);
	return c->writable && event_add(c->writable, NULL) == 0;
}

struct control_list *captures_begin(struct captures *c,
				    const struct capture_wants *wants,
				    char **error)
{
	struct capture **place = free_place(c), *new;

	if (!place) {
		error_set(error, "%d captures are running: end one of them",
			  CAPTURES_MAX);
		return NULL;
	}
	new = calloc(1, sizeof(*new) + CAPTURE_ROOM);
	if (!new) {
		error_set(error, "out of memory");
		return NULL;
	}
	new->list = (struct control_list){ .step = step,
					   .free = free_capture,
					   .form = CONTROL_LINES,
					   .passes = true,
					   .passed = -1 };
	new->captures = c;
	new->wants = *wants;
	new->fd = -1;
	*place = new;
	if (c->count++ == 0)
		c->watched(c->user, true);
	if (open_pipe(new))
		return &new->list;
	error_set(error, "no pipe: %s", strerror(errno));
	free_capture(&new->list);
	return NULL;
}
