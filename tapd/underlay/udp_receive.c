/* Datagrams in: batches of them, where each came, and what came to nobody's. */
#include <errno.h>
#include <netinet/ip.h>
#include <string.h>
#include <sys/socket.h>

#include "tapd/underlay/udp_impl.h"

/* It came by the TAP: one of our own peers was routed into it. */
static bool is_inside(const struct udp *u, unsigned interface)
{
	for (size_t i = 0; i < u->inside_count; i++)
		if (u->inside[i] == interface)
			return true;
	return false;
}

void udp_set_inside(struct udp *u, const unsigned *interfaces, size_t count)
{
	if (count > UDP_INSIDE_MAX)
		count = UDP_INSIDE_MAX;
	if (count > 0)
		memcpy(u->inside, interfaces, count * sizeof(*interfaces));
	u->inside_count = count;
}

/* False if it was not sent to an address of this host's alone: to answer it would be
 * to answer along with everybody who has it. What is sent to a broadcast address comes
 * to all sockets of a port, so the strangers' does not count it. */
static bool read_control(struct udp *u, struct udp_socket *s, struct msghdr *m,
			 struct datagram_run *out, bool strangers)
{
	uint64_t *overflows =
		strangers ? &u->strangers_overflows : &u->overflows;
	const bool v4 = addr_is_v4(&out->remote);
	unsigned interface = 0;
	bool ours = true;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			int len;

			memcpy(&len, CMSG_DATA(c), sizeof(len));
			if (len > 0 && (size_t)len < out->len)
				out->segment_len = (size_t)len;
		}
		if (c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SO_RXQ_OVFL) {
			uint32_t total;

			memcpy(&total, CMSG_DATA(c), sizeof(total));
			*overflows += total - s->overflows;
			s->overflows = total;
		}
		pktinfo_read(c, v4, &out->local, &ours, &interface);
	}
	if (!addr_is_any(&out->local))
		out->local.port = s->bound.port;
	if (is_inside(u, interface))
		u->recursive += run_count(out);
	else if (!ours && !strangers)
		u->misdirected += run_count(out);
	return ours && !is_inside(u, interface);
}

static unsigned receive_batch(const struct udp *u)
{
	return u->receive == UDP_SINGLE ? 1 : UDP_RECEIVE_BATCH;
}

static int receive_messages(struct udp *u, const struct udp_socket *s)
{
	int n;

	for (unsigned i = 0; i < UDP_RECEIVE_BATCH; i++)
		u->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &u->names[i],
			.msg_namelen = sizeof(u->names[i]),
			.msg_iov = &u->pieces[i],
			.msg_iovlen = 1,
			.msg_control = &u->controls[i],
			.msg_controllen = sizeof(u->controls[i]),
		};
	do {
		n = recvmmsg(s->fd, u->messages, receive_batch(u), MSG_DONTWAIT,
			     NULL);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* A raw socket of IPv4 hands out the IP header, too. False if it makes no sense. */
static bool strip_header(const struct udp_socket *s, struct datagram_run *r)
{
	size_t len;

	if (!s->raw || s->family != AF_INET)
		return true;
	len = r->len > 0 ? (size_t)(r->data[0] & 0x0f) * 4 : 0;
	if (len < sizeof(struct iphdr) || len > r->len)
		return false;
	r->data += len;
	r->len -= len;
	return true;
}

size_t udp_receive(struct udp *u, unsigned socket,
		   const struct datagram_run **out, bool *more)
{
	struct udp_socket *s = &u->sockets[socket];
	int n = receive_messages(u, s);
	size_t count = 0;

	for (int i = 0; i < n; i++) {
		struct datagram_run *r = &u->received[count];

		*r = (struct datagram_run){
			.data = u->buffers[i],
			.len = u->messages[i].msg_len,
		};
		(void)sockname_to_addr(&r->remote, &u->names[i]);
		if (strip_header(s, r) &&
		    read_control(u, s, &u->messages[i].msg_hdr, r, false))
			count++;
	}
	*out = u->received;
	*more = n == (int)receive_batch(u);
	return count;
}

/* One message, which may be many datagrams. False: there was none for us. */
static bool receive_message(struct udp *u, unsigned socket)
{
	struct udp_socket *s = &u->strangers[socket];
	struct datagram_run *r = &u->rest[socket];
	struct iovec piece = { u->strangers_buffers[socket], UDP_RECEIVE_SIZE };
	struct udp_receive_control control;
	union sockname name;
	struct msghdr m = { .msg_name = &name,
			    .msg_namelen = sizeof(name),
			    .msg_iov = &piece,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(s->fd, &m, MSG_DONTWAIT);

	if (n < 0)
		return false;
	*r = (struct datagram_run){ .data = piece.iov_base, .len = (size_t)n };
	(void)sockname_to_addr(&r->remote, &name);
	if (read_control(u, s, &m, r, true))
		return true;
	r->len = 0;
	return false;
}

size_t udp_receive_strangers(struct udp *u, unsigned socket,
			     const struct datagram_run **out, bool *more)
{
	struct datagram_run *r = &u->rest[socket];
	size_t most;

	*more = false;
	if (r->len == 0 && !receive_message(u, socket))
		return 0;
	u->part = *r;
	most = is_run(r) ? UDP_STRANGERS_BATCH * r->segment_len : r->len;
	if (u->part.len > most)
		u->part.len = most;
	r->data += u->part.len;
	r->len -= u->part.len;
	*out = &u->part;
	*more = r->len > 0;
	return 1;
}

uint64_t udp_strangers_overflows(struct udp *u)
{
	uint64_t n = u->strangers_overflows;

	u->strangers_overflows = 0;
	return n;
}

uint64_t udp_overflows(struct udp *u)
{
	uint64_t n = u->overflows;

	u->overflows = 0;
	return n;
}

uint64_t udp_recursive(struct udp *u)
{
	uint64_t n = u->recursive;

	u->recursive = 0;
	return n;
}

uint64_t udp_misdirected(struct udp *u)
{
	uint64_t n = u->misdirected;

	u->misdirected = 0;
	return n;
}
