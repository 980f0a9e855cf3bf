/* Datagrams out: runs, batches of them, and what becomes of those refused. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "tapd/log.h"
#include "tapd/underlay/udp_impl.h"

static bool is_run(const struct datagram_run *r)
{
	return r->segment_len > 0 && r->segment_len < r->len;
}

static size_t run_segment(const struct datagram_run *r)
{
	return is_run(r) ? r->segment_len : r->len;
}

static uint64_t run_count(const struct datagram_run *r)
{
	return is_run(r) ? (r->len + r->segment_len - 1) / r->segment_len : 1;
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
	u->lost(u->lost_user, &r->remote, reason, run_segment(r), run_count(r));
}

/* Makes message i of the batch from its run. */
static void prepare(struct udp_send_batch *b, unsigned i)
{
	struct datagram_run *r = &b->runs[i];
	struct msghdr *m = &b->messages[i].msg_hdr;
	uint16_t segment_len;
	struct cmsghdr *c;

	b->pieces[i] = (struct iovec){ r->data, r->len };
	*m = (struct msghdr){
		.msg_name = &b->names[i],
		.msg_namelen = sockname_from_addr(&b->names[i], &r->remote,
						  b->socket->family),
		.msg_iov = &b->pieces[i],
		.msg_iovlen = 1,
	};
	if (!is_run(r))
		return;
	segment_len = (uint16_t)r->segment_len;
	m->msg_control = &b->controls[i];
	m->msg_controllen = sizeof(b->controls[i]);
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(segment_len));
	memcpy(CMSG_DATA(c), &segment_len, sizeof(segment_len));
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
		b->runs[i] = run_take(&rest);
		prepare(b, i);
		if (sendmsg(b->socket->fd, &b->messages[i].msg_hdr,
			    MSG_DONTWAIT) >= 0)
			continue;
		passed = false;
		lose(u, &b->runs[i], reason_of(errno));
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
		if (is_run(&b->runs[i]) &&
		    (err == EIO || err == EINVAL || err == EMSGSIZE))
			send_singly(u, i, err);
		else
			lose(u, &b->runs[i], reason_of(err));
		i++;
	}
	b->count = 0;
}

static void queue(struct udp *u, const struct datagram_run *r)
{
	struct udp_send_batch *b = &u->batch;
	const struct udp_socket *s =
		addr_is_v4(&r->remote) ? u->for_v4 : u->for_v6;

	if (!s) {
		lose(u, r, DROP_send_unreachable);
		return;
	}
	if (b->count == (u->send == UDP_SINGLE ? 1 : UDP_SEND_BATCH) ||
	    (b->count > 0 && b->socket != s))
		flush(u);
	b->socket = s;
	b->runs[b->count] = *r;
	prepare(b, b->count++);
}

void udp_send(struct udp *u, const struct datagram_run *runs, size_t count,
	      udp_lost *lost, void *user)
{
	u->lost = lost;
	u->lost_user = user;
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
