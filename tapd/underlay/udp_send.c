/* Datagrams out: runs, batches of them, and what becomes of those refused. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "tapd/log/log.h"
#include "tapd/underlay/udp_impl.h"

static size_t run_segment(const struct datagram_run *r)
{
	return is_run(r) ? r->segment_len : r->len;
}

/* Takes the first datagram off a run. */
static struct datagram_run run_take(struct datagram_run *r)
{
	struct datagram_run first = *r;

	first.len = is_run(r) ? r->segment_len : r->len;
	r->data += first.len;
	r->len -= first.len;
	return first;
}

static bool takes_runs(const struct udp *u, const struct addr *to)
{
	if (!u->segments || u->send != UDP_RUNS)
		return false;
	for (unsigned i = 0; i < u->singles_count; i++)
		if (addr_equal(&u->singles[i], to))
			return false;
	return true;
}

/* From now on this endpoint gets one datagram a message. */
static void refuse_runs(struct udp *u, const struct addr *to, int err)
{
	char text[ADDR_STRLEN];

	if (!takes_runs(u, to))
		return;
	log_info("%s: UDP segmentation offload does not work on the way there"
		 " (%s): sending its datagrams one by one",
		 addr_print(to, text), strerror(err));
	if (u->singles_count < UDP_SINGLES_MAX)
		u->singles[u->singles_count++] = *to;
	else
		u->segments = false;
}

static enum drop_reason reason_of(int err)
{
	switch (err) {
	case EAGAIN:
		return DROP_send_again;
	case ENOBUFS:
	case ENOMEM:
		return DROP_send_nobufs;
	case EMSGSIZE:
		return DROP_send_too_big;
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENETDOWN:
	case EADDRNOTAVAIL:
	case EACCES:
	case EPERM:
		return DROP_send_unreachable;
	default:
		return DROP_send_failed;
	}
}

static void lose(struct udp *u, const struct datagram_run *r,
		 enum drop_reason reason)
{
	u->events->lost(u->user, &r->remote, reason, run_segment(r),
			run_count(r));
}

/* Where it leaves from, and how it is segmented. Returns the length. */
static size_t write_control(struct udp_send_control *control,
			    const struct datagram_run *r)
{
	const uint16_t segment_len = (uint16_t)r->segment_len;
	size_t len = 0;
	struct cmsghdr *c = (struct cmsghdr *)control->space;

	if (r->local.port != 0) {
		len = pktinfo_write(c, &r->local);
		c = (struct cmsghdr *)(control->space + len);
	}
	if (!is_run(r))
		return len;
	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(segment_len));
	memcpy(CMSG_DATA(c), &segment_len, sizeof(segment_len));
	return len + CMSG_SPACE(sizeof(segment_len));
}

/* Makes message i of the batch from its run. */
static void prepare(struct udp_send_batch *b, unsigned i)
{
	struct datagram_run *r = &b->runs[i];
	struct msghdr *m = &b->messages[i].msg_hdr;

	b->pieces[i] = (struct iovec){ r->data, r->len };
	*m = (struct msghdr){
		.msg_name = &b->names[i],
		.msg_namelen = sockname_from_addr(&b->names[i], &r->remote,
						  b->socket->family),
		.msg_iov = &b->pieces[i],
		.msg_iovlen = 1,
	};
	m->msg_controllen = write_control(&b->controls[i], r);
	if (m->msg_controllen > 0)
		m->msg_control = &b->controls[i];
}

/* What kernels say of a source address that is not this host's, or from which no
 * route leads there. */
static bool may_be_its_source(int err)
{
	return err == EINVAL || err == EADDRNOTAVAIL || err == ENETUNREACH;
}

/*
 * An address that is no longer this host's is refused as a run that cannot be
 * segmented is, so that this is asked first: does the message leave from another?
 * 0, and the caller of udp_send knows; or why the message was refused.
 */
static int send_from_any(struct udp *u, unsigned i, int why)
{
	struct udp_send_batch *b = &u->batch;
	struct datagram_run *r = &b->runs[i];
	const struct way way = { r->remote, r->local };

	if (!way_is_pinned(&way) || !may_be_its_source(why))
		return why;
	r->local = (struct addr){ 0 };
	prepare(b, i);
	if (sendmsg(b->socket->fd, &b->messages[i].msg_hdr, MSG_DONTWAIT) >=
	    0) {
		u->events->local_gone(u->user, &way);
		return 0;
	}
	why = errno;
	r->local = way.local;
	prepare(b, i);
	return why;
}

/* 0, or why it was refused. */
static int send_one(struct udp *u, unsigned i)
{
	struct udp_send_batch *b = &u->batch;

	if (sendmsg(b->socket->fd, &b->messages[i].msg_hdr, MSG_DONTWAIT) >= 0)
		return 0;
	return send_from_any(u, i, errno);
}

/*
 * A run that was refused as a whole is sent again one by one. If all of it then
 * passes, it was the segmentation that failed; EIO says so at once.
 */
static void send_singly(struct udp *u, unsigned i, int why)
{
	struct udp_send_batch *b = &u->batch;
	struct datagram_run rest = b->runs[i];
	bool passed = true;

	while (rest.len > 0) {
		int err;

		b->runs[i] = run_take(&rest);
		prepare(b, i);
		err = send_one(u, i);
		if (err == 0)
			continue;
		passed = false;
		lose(u, &b->runs[i], reason_of(err));
	}
	if (passed || why == EIO)
		refuse_runs(u, &b->runs[i].remote, why);
}

/*
 * sendmmsg(2) stops at the first message that fails and hides why; asked again
 * from there, it says. Then that one is dealt with, and the next ones follow.
 */
static void flush(struct udp *u)
{
	struct udp_send_batch *b = &u->batch;

	for (unsigned i = 0; i < b->count;) {
		int n = sendmmsg(b->socket->fd, b->messages + i, b->count - i,
				 MSG_DONTWAIT);
		int err = errno;

		if (n > 0) {
			i += (unsigned)n;
			continue;
		}
		if (n < 0 && err == EINTR)
			continue;
		err = send_from_any(u, i, err);
		if (err == 0) {
			i++;
			continue;
		}
		if (is_run(&b->runs[i]) &&
		    (err == EIO || err == EINVAL || err == EMSGSIZE))
			send_singly(u, i, err);
		else
			lose(u, &b->runs[i], reason_of(err));
		i++;
	}
	b->count = 0;
	b->bytes = 0;
}

static bool fits(const struct udp_socket *s, const struct datagram_run *r)
{
	const int family = addr_is_v4(&r->remote) ? AF_INET : AF_INET6;

	return (s->family == family || s->both) &&
	       s->bound.port == r->local.port &&
	       (addr_is_any(&s->bound) ||
		memcmp(s->bound.ip, r->local.ip, sizeof(s->bound.ip)) == 0);
}

/* The socket whose port and address it is to leave from; or one of its family. */
static const struct udp_socket *socket_for(const struct udp *u,
					   const struct datagram_run *r)
{
	const struct udp_socket *usual =
		addr_is_v4(&r->remote) ? u->for_v4 : u->for_v6;

	if (r->local.port == 0 || !usual || fits(usual, r))
		return usual;
	for (unsigned i = 0; i < u->count; i++)
		if (fits(&u->sockets[i], r))
			return &u->sockets[i];
	return usual;
}

/* And of that one's senders the one for its way. */
static const struct sender *sender_for(struct udp *u,
				       const struct datagram_run *r)
{
	const struct udp_socket *s = socket_for(u, r);
	struct sender *sender;

	if (!s)
		return NULL;
	sender = u->kind == UDP_VXLAN
			 ? senders_choose_spread(u->senders[s - u->sockets], r)
			 : senders_choose(u->senders[s - u->sockets], r);
	sender->used_us = u->now_us;
	return sender;
}

/* What is about to be sent by the same socket takes its room, too. */
static bool may_carry(const struct udp_send_batch *b, const struct sender *s,
		      const struct datagram_run *r)
{
	const size_t before = b->socket == &s->socket ? b->bytes : 0;

	return udp_sender_may_carry(s, before, run_segment(r));
}

static void queue(struct udp *u, const struct datagram_run *r)
{
	struct udp_send_batch *b = &u->batch;
	const struct sender *sender = sender_for(u, r);
	const struct udp_socket *s = sender ? &sender->socket : NULL;

	if (!s) {
		lose(u, r, DROP_send_unreachable);
		return;
	}
	if (r->carried && !may_carry(b, sender, r)) {
		lose(u, r, DROP_leg_room);
		return;
	}
	if (b->count == (u->send == UDP_SINGLE ? 1 : UDP_SEND_BATCH) ||
	    (b->count > 0 && b->socket != s))
		flush(u);
	b->socket = s;
	b->bytes += r->len;
	b->runs[b->count] = *r;
	prepare(b, b->count++);
}

void udp_send(struct udp *u, const struct datagram_run *runs, size_t count,
	      const struct udp_events *events, void *user)
{
	u->events = events;
	u->user = user;
	for (size_t i = 0; i < count; i++) {
		struct datagram_run rest = runs[i];

		if (takes_runs(u, &rest.remote)) {
			queue(u, &rest);
			continue;
		}
		while (rest.len > 0) {
			struct datagram_run first = run_take(&rest);

			queue(u, &first);
		}
	}
	flush(u);
}
