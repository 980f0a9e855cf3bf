#include "tapd/udp.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "tapd/error.h"
#include "tapd/log.h"
#include "tapd/sockname.h"

/* linux/udp.h; older libc headers lack them. */
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define SOCKET_BUFFER (8 * 1024 * 1024)

#define RECEIVE_BATCH 8
#define RECEIVE_SIZE  65536
#define SEND_BATCH    64

/* So many endpoints are remembered that cannot be sent whole runs; if there are
 * more, it is this host that cannot. */
#define SINGLES_MAX 16

struct receive_control {
	_Alignas(struct cmsghdr) uint8_t
		space[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint32_t))];
};

struct send_control {
	_Alignas(struct cmsghdr) uint8_t space[CMSG_SPACE(sizeof(uint16_t))];
};

struct udp_socket {
	int fd;
	int family;
	bool both; /* IPv6 that takes IPv4 as well */
	struct addr bound;
	uint32_t overflows; /* as the kernel last said: since it was opened */
};

/* Messages for one socket that leave together. */
struct send_batch {
	const struct udp_socket *socket;
	unsigned count;
	struct node_run runs[SEND_BATCH];
	struct mmsghdr messages[SEND_BATCH];
	struct iovec pieces[SEND_BATCH];
	union sockname names[SEND_BATCH];
	struct send_control controls[SEND_BATCH];
};

struct udp {
	struct udp_socket sockets[UDP_SOCKETS_MAX];
	unsigned count;
	const struct udp_socket *for_v4, *for_v6;
	uint64_t overflows;

	bool segments;			 /* UDP_SEGMENT is there and works */
	bool gro;			 /* UDP_GRO is on */
	enum udp_batching send, receive; /* wanted */
	struct addr singles[SINGLES_MAX];
	unsigned singles_count;

	udp_lost *lost;
	void *lost_user;
	struct send_batch batch;

	struct mmsghdr messages[RECEIVE_BATCH];
	struct iovec pieces[RECEIVE_BATCH];
	union sockname names[RECEIVE_BATCH];
	struct receive_control controls[RECEIVE_BATCH];
	struct node_received received[RECEIVE_BATCH];
	uint8_t buffers[RECEIVE_BATCH][RECEIVE_SIZE];
};

/* ---- opening ---- */

static bool set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/*
 * PMTUDISC_PROBE sets DF and does not believe what ICMP says about path MTUs:
 * the tunnel finds out by itself. An IPv6 socket that takes IPv4 needs both.
 */
static bool set_options(int fd, const struct udp_socket *s)
{
	if (s->family == AF_INET6 &&
	    (!set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !s->both) ||
	     !set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
			 IPV6_PMTUDISC_PROBE)))
		return false;
	if ((s->family == AF_INET || s->both) &&
	    !set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE))
		return false;

	/* The rest makes it faster, or counts; tapd does without. */
	if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER))
		(void)set_option(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
	if (!set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER))
		(void)set_option(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER);
	(void)set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	return true;
}

/* 0 or -errno. */
static int open_socket(struct udp_socket *s, const struct addr *listen,
		       bool both)
{
	union sockname name;
	socklen_t len;
	int err;

	s->family = addr_is_v4(listen) ? AF_INET : AF_INET6;
	s->both = both;
	int fd = socket(s->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			IPPROTO_UDP);
	if (fd < 0)
		return -errno;
	len = sockname_from_addr(&name, listen, s->family);
	if (!set_options(fd, s) || bind(fd, &name.any, len) < 0 ||
	    getsockname(fd, &name.any, &len) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	s->fd = fd;
	(void)sockname_to_addr(&s->bound, &name);
	return 0;
}

static void explain_refusal(char **error, const struct addr *listen, int err)
{
	char text[ADDR_STRLEN];

	addr_print(listen, text);
	switch (err) {
	case EADDRINUSE:
		error_set(error,
			  "cannot listen on %s: another program (another"
			  " tapd?) has UDP port %u: `ss -ulpn 'sport = :%u'`"
			  " shows it; stop it, or set another `listen`",
			  text, listen->port, listen->port);
		break;
	case EADDRNOTAVAIL:
		error_set(error,
			  "cannot listen on %s: no interface of this host"
			  " has that address; [::]:%u listens on all",
			  text, listen->port);
		break;
	case EACCES:
		error_set(error,
			  "cannot listen on %s: a port below 1024 needs root"
			  " or CAP_NET_BIND_SERVICE; set another `listen`",
			  text);
		break;
	case EAFNOSUPPORT:
		error_set(error,
			  "cannot listen on %s: this host has no IPv6; set"
			  " `listen` to 0.0.0.0:%u",
			  text, listen->port);
		break;
	default:
		error_set(error, "cannot listen on %s: %s", text,
			  strerror(err));
	}
}

static struct udp *udp_new(char **error)
{
	struct udp *u = calloc(1, sizeof(*u));

	if (!u) {
		error_set(error, "out of memory");
		return NULL;
	}
	for (unsigned i = 0; i < RECEIVE_BATCH; i++)
		u->pieces[i] = (struct iovec){ u->buffers[i], RECEIVE_SIZE };
	return u;
}

/*
 * Older kernels do not refuse an unknown UDP_SEGMENT message, they would send
 * one giant datagram: ask first.
 */
static void finish_open(struct udp *u)
{
	u->segments = u->count > 0;
	for (unsigned i = 0; i < u->count; i++) {
		const struct udp_socket *s = &u->sockets[i];

		if (!u->for_v4 && s->family == AF_INET)
			u->for_v4 = s;
		if (!u->for_v6 && s->family == AF_INET6)
			u->for_v6 = s;
		u->segments &= set_option(s->fd, IPPROTO_UDP, UDP_SEGMENT, 0);
	}
	for (unsigned i = 0; i < u->count && !u->for_v4; i++)
		if (u->sockets[i].both)
			u->for_v4 = &u->sockets[i];
	udp_set_batching(u, UDP_RUNS, UDP_RUNS);
}

const char *const udp_batching_words[] = {
	[UDP_SINGLE] = "single",
	[UDP_BATCH] = "batch",
	[UDP_RUNS] = "all",
	NULL,
};

void udp_set_batching(struct udp *u, enum udp_batching send,
		      enum udp_batching receive)
{
	u->send = send;
	u->receive = receive;
	u->gro = receive == UDP_RUNS;
	for (unsigned i = 0; i < u->count; i++)
		u->gro &= set_option(u->sockets[i].fd, IPPROTO_UDP, UDP_GRO,
				     receive == UDP_RUNS);
}

enum udp_batching udp_send_batching(const struct udp *u)
{
	return u->send == UDP_RUNS && !u->segments ? UDP_BATCH : u->send;
}

enum udp_batching udp_receive_batching(const struct udp *u)
{
	return u->receive == UDP_RUNS && !u->gro ? UDP_BATCH : u->receive;
}

static bool is_any(const struct addr *a)
{
	static const uint8_t any[16];

	return memcmp(a->ip, any, sizeof(any)) == 0;
}

/* [::] takes IPv4 too unless someone else in the list does on that port. */
static bool takes_both(const struct addr *a, const struct addr *listen,
		       size_t count)
{
	if (!is_any(a))
		return false;
	for (size_t i = 0; i < count; i++)
		if (addr_is_v4(&listen[i]) && listen[i].port == a->port)
			return false;
	return true;
}

struct udp *udp_open(const struct addr *listen, size_t count, char **error)
{
	struct udp *u = udp_new(error);

	assert(count <= UDP_SOCKETS_MAX);
	for (size_t i = 0; u && i < count; i++) {
		bool both = takes_both(&listen[i], listen, count);
		int err = open_socket(&u->sockets[i], &listen[i], both);

		if (err < 0) {
			explain_refusal(error, &listen[i], -err);
			udp_close(u);
			return NULL;
		}
		u->count++;
	}
	if (u)
		finish_open(u);
	return u;
}

struct udp *udp_open_default(uint16_t port, char **error)
{
	const struct addr v4 = addr_v4(0, port), both = { .port = port };
	struct udp *u = udp_new(error);

	if (!u)
		return NULL;
	int err = open_socket(&u->sockets[0], &both, true);
	if (err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL)
		err = open_socket(&u->sockets[0], &v4, false);
	if (err < 0) {
		explain_refusal(error, &both, -err);
		udp_close(u);
		return NULL;
	}
	u->count = 1;
	finish_open(u);
	return u;
}

void udp_close(struct udp *u)
{
	if (!u)
		return;
	for (unsigned i = 0; i < u->count; i++)
		close(u->sockets[i].fd);
	free(u);
}

int udp_fd(const struct udp *u, unsigned socket)
{
	return socket < u->count ? u->sockets[socket].fd : -1;
}

struct addr udp_bound(const struct udp *u, unsigned socket)
{
	return u->sockets[socket].bound;
}

int udp_receive_buffer(const struct udp *u)
{
	int smallest = 0;

	for (unsigned i = 0; i < u->count; i++) {
		int size = 0;
		socklen_t len = sizeof(size);

		if (getsockopt(u->sockets[i].fd, SOL_SOCKET, SO_RCVBUF, &size,
			       &len) == 0 &&
		    (smallest == 0 || size < smallest))
			smallest = size;
	}
	return smallest;
}

/* ---- in ---- */

static void read_control(struct udp *u, struct udp_socket *s, struct msghdr *m,
			 struct node_received *out)
{
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
	}
}

static unsigned receive_batch(const struct udp *u)
{
	return u->receive == UDP_SINGLE ? 1 : RECEIVE_BATCH;
}

static int receive_messages(struct udp *u, const struct udp_socket *s)
{
	int n;

	for (unsigned i = 0; i < RECEIVE_BATCH; i++)
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
		   const struct node_received **out, bool *more)
{
	struct udp_socket *s = &u->sockets[socket];
	int n = receive_messages(u, s);

	for (int i = 0; i < n; i++) {
		struct node_received *r = &u->received[i];

		*r = (struct node_received){
			.data = u->buffers[i],
			.len = u->messages[i].msg_len,
		};
		(void)sockname_to_addr(&r->from, &u->names[i]);
		read_control(u, s, &u->messages[i].msg_hdr, r);
	}
	*out = u->received;
	*more = n == (int)receive_batch(u);
	return n > 0 ? (size_t)n : 0;
}

uint64_t udp_overflows(struct udp *u)
{
	uint64_t n = u->overflows;

	u->overflows = 0;
	return n;
}

/* ---- out ---- */

static bool is_run(const struct node_run *r)
{
	return r->segment_len > 0 && r->segment_len < r->len;
}

static size_t run_segment(const struct node_run *r)
{
	return is_run(r) ? r->segment_len : r->len;
}

static uint64_t run_count(const struct node_run *r)
{
	return is_run(r) ? (r->len + r->segment_len - 1) / r->segment_len : 1;
}

/* Takes the first datagram off a run. */
static struct node_run run_take(struct node_run *r)
{
	struct node_run first = *r;

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
	if (u->singles_count < SINGLES_MAX)
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

static void lose(struct udp *u, const struct node_run *r,
		 enum drop_reason reason)
{
	u->lost(u->lost_user, &r->to, reason, run_segment(r), run_count(r));
}

/* sendmsg(2) does not write there; struct iovec is not const because recvmsg(2)
 * does. */
static void *sendable(const uint8_t *data)
{
	const union {
		const uint8_t *data;
		void *base;
	} both = { .data = data };

	return both.base;
}

/* Makes message i of the batch from its run. */
static void prepare(struct send_batch *b, unsigned i)
{
	struct node_run *r = &b->runs[i];
	struct msghdr *m = &b->messages[i].msg_hdr;

	b->pieces[i] = (struct iovec){ sendable(r->data), r->len };
	*m = (struct msghdr){
		.msg_name = &b->names[i],
		.msg_namelen = sockname_from_addr(&b->names[i], &r->to,
						  b->socket->family),
		.msg_iov = &b->pieces[i],
		.msg_iovlen = 1,
	};
	if (!is_run(r))
		return;

	uint16_t segment_len = (uint16_t)r->segment_len;
	m->msg_control = &b->controls[i];
	m->msg_controllen = sizeof(b->controls[i]);
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
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
	struct send_batch *b = &u->batch;
	struct node_run rest = b->runs[i];
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
		refuse_runs(u, &b->runs[i].to, why);
}

/*
 * sendmmsg(2) stops at the first message that fails and hides why; asked again
 * from there, it says. Then that one is dealt with, and the next ones follow.
 */
static void flush(struct udp *u)
{
	struct send_batch *b = &u->batch;

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

static void queue(struct udp *u, const struct node_run *r)
{
	struct send_batch *b = &u->batch;
	const struct udp_socket *s = addr_is_v4(&r->to) ? u->for_v4 : u->for_v6;

	if (!s) {
		lose(u, r, DROP_send_unreachable);
		return;
	}
	if (b->count == (u->send == UDP_SINGLE ? 1 : SEND_BATCH) ||
	    (b->count > 0 && b->socket != s))
		flush(u);
	b->socket = s;
	b->runs[b->count] = *r;
	prepare(b, b->count++);
}

void udp_send(struct udp *u, const struct node_run *runs, size_t count,
	      udp_lost *lost, void *user)
{
	u->lost = lost;
	u->lost_user = user;
	for (size_t i = 0; i < count; i++) {
		struct node_run rest = runs[i];

		if (takes_runs(u, &rest.to)) {
			queue(u, &rest);
			continue;
		}
		while (rest.len > 0) {
			struct node_run first = run_take(&rest);

			queue(u, &first);
		}
	}
	flush(u);
}
