/* Datagrams in: batches of them, where each came, and what came to nobody's. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "tapd/underlay/udp_impl.h"

/* False if it was not sent to an address of this host's alone: to answer it would be
 * to answer along with everybody who has it. */
static bool read_control(struct udp *u, struct udp_socket *s, struct msghdr *m,
			 struct datagram_run *out)
{
	const bool v4 = addr_is_v4(&out->remote);
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
			u->overflows += total - s->overflows;
			s->overflows = total;
		}
		pktinfo_read(c, v4, &out->local, &ours);
	}
	if (!addr_is_any(&out->local))
		out->local.port = s->bound.port;
	return ours;
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
		if (read_control(u, s, &u->messages[i].msg_hdr, r))
			count++;
		else
			u->misdirected += run_count(r);
	}
	*out = u->received;
	*more = n == (int)receive_batch(u);
	return count;
}

uint64_t udp_overflows(struct udp *u)
{
	uint64_t n = u->overflows;

	u->overflows = 0;
	return n;
}

uint64_t udp_misdirected(struct udp *u)
{
	uint64_t n = u->misdirected;

	u->misdirected = 0;
	return n;
}
