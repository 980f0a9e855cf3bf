#include "tapd/underlay/udp.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tapd/common/error.h"
#include "tapd/log/log.h"
#include "tapd/underlay/strangers.h"
#include "tapd/underlay/udp_impl.h"

#define RECEIVE_BUFFER (8 * 1024 * 1024)

/* ---- opening ---- */

/* 0 or -errno. */
static int open_socket(const struct udp *u, struct udp_socket *s,
		       const struct addr *listen, bool both)
{
	const enum udp_kind kind = u->kind;
	union sockname name;
	socklen_t len;
	int err;

	s->family = addr_is_v4(listen) ? AF_INET : AF_INET6;
	s->both = both && kind != UDP_GRE;
	s->plain = kind != UDP_SEALED;
	s->raw = kind == UDP_GRE;
	s->routing = u->routing;
	err = udp_socket_new(s, RECEIVE_BUFFER);
	if (err != 0)
		return err;
	len = sockname_from_addr(&name, listen, s->family);
	if (bind(s->fd, &name.any, len) < 0 ||
	    getsockname(s->fd, &name.any, &len) < 0) {
		err = -errno;
		close(s->fd);
		return err;
	}
	(void)sockname_to_addr(&s->bound, &name);
	/* A kernel without it takes none of those without a checksum, as VXLAN of Linux
	 * does unless it is told to. */
	if (kind == UDP_VXLAN && s->family == AF_INET6)
		(void)udp_socket_option(s->fd, IPPROTO_UDP, UDP_NO_CHECK6_RX,
					1);
	return 0;
}

/* Each socket gets another for handshakes beside it. */
static void open_strangers(struct udp *u)
{
	int failed = 0;

	for (unsigned i = 0; i < u->count; i++) {
		int err = strangers_open(&u->strangers[i], &u->sockets[i]);

		failed = err ? err : failed;
	}
	if (failed)
		log_info("handshakes wait in one queue with data: this kernel"
			 " does not tell them apart: %s",
			 strerror(-failed));
}

static void explain_missing_right(char **error, const struct udp *u)
{
	if (u->kind == UDP_GRE)
		error_set(
			error,
			"cannot open a raw socket, which GRE needs: start tapd"
			" with CAP_NET_RAW; gre.conf in tapd's documents is a"
			" drop-in for its unit");
	else if (u->routing.mark)
		error_set(error,
			  "mark: cannot be set on a socket: start tapd with"
			  " CAP_NET_ADMIN");
	else
		error_set(error,
			  "device: cannot bind a socket to %s: this kernel,"
			  " before Linux 5.7, wants CAP_NET_RAW for it",
			  u->routing.device);
}

static void explain_refusal(char **error, const struct udp *u,
			    const struct addr *listen, int err)
{
	const char *device = u->routing.device;
	const enum udp_kind kind = u->kind;
	char text[ADDR_STRLEN];

	addr_print(listen, text);
	switch (err) {
	case EPERM:
		explain_missing_right(error, u);
		break;
	case ENODEV:
		error_set(error,
			  "device: this host has no interface and no VRF %s:"
			  " `ip link` shows those that it has",
			  device);
		break;
	case EADDRINUSE:
		if (kind == UDP_VXLAN) {
			error_set(
				error,
				"cannot listen on %s: the kernel's own VXLAN,"
				" or another program, has UDP port %u: `ip -d"
				" link show type vxlan` and `ss -ulpn 'sport ="
				" :%u'` show it; remove it, or set another"
				" `listen`",
				text, listen->port, listen->port);
			break;
		}
		error_set(error,
			  "cannot listen on %s: another program (another"
			  " tapd?) has UDP port %u: `ss -ulpn 'sport = :%u'`"
			  " shows it; stop it, or set another `listen`",
			  text, listen->port, listen->port);
		break;
	case EADDRNOTAVAIL:
		error_set(error,
			  "cannot listen on %s: no interface of this host%s%s"
			  " has that address; [::]:%u listens on all",
			  text, *device ? " that belongs to " : "", device,
			  listen->port);
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

static struct udp *udp_new(enum udp_kind kind, const struct routing *routing,
			   char **error)
{
	struct udp *u = calloc(1, sizeof(*u));

	if (!u) {
		error_set(error, "out of memory");
		return NULL;
	}
	u->kind = kind;
	if (routing)
		u->routing = *routing;
	for (unsigned i = 0; i < UDP_RECEIVE_BATCH; i++)
		u->pieces[i] =
			(struct iovec){ u->buffers[i], UDP_RECEIVE_SIZE };
	for (unsigned i = 0; i < UDP_SOCKETS_MAX; i++) {
		u->strangers[i].fd = -1;
		for (unsigned j = 0; j < SENDERS; j++)
			u->senders[i][j].socket.fd = -1;
	}
	return u;
}

/*
 * Older kernels do not refuse an unknown UDP_SEGMENT message, they would send
 * one giant datagram: ask first.
 */
static void finish_open(struct udp *u)
{
	if (u->kind == UDP_SEALED)
		open_strangers(u);
	for (unsigned i = 0; i < u->count; i++)
		if (u->kind == UDP_VXLAN)
			senders_open_spread(u->senders[i], &u->sockets[i]);
		else
			senders_open(u->senders[i], &u->sockets[i],
				     u->strangers[i].fd >= 0 &&
					     addr_is_any(&u->sockets[i].bound));
	u->segments = u->count > 0;
	for (unsigned i = 0; i < u->count; i++) {
		const struct udp_socket *s = &u->sockets[i];

		if (!u->for_v4 && s->family == AF_INET)
			u->for_v4 = s;
		if (!u->for_v6 && s->family == AF_INET6)
			u->for_v6 = s;
		u->segments &=
			udp_socket_option(s->fd, IPPROTO_UDP, UDP_SEGMENT, 0);
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

/* The kernel asks one of a group's sockets, by chance, whether to merge what comes:
 * a group is of one mind. */
static bool set_gro(const struct udp_socket *s, bool on)
{
	return s->fd < 0 || udp_socket_option(s->fd, IPPROTO_UDP, UDP_GRO, on);
}

void udp_set_batching(struct udp *u, enum udp_batching send,
		      enum udp_batching receive)
{
	u->send = send;
	u->receive = receive;
	u->gro = receive == UDP_RUNS;
	for (unsigned i = 0; i < u->count; i++)
		u->gro &= set_gro(&u->sockets[i], receive == UDP_RUNS) &&
			  set_gro(&u->strangers[i], receive == UDP_RUNS);
}

enum udp_batching udp_send_batching(const struct udp *u)
{
	return u->send == UDP_RUNS && !u->segments ? UDP_BATCH : u->send;
}

enum udp_batching udp_receive_batching(const struct udp *u)
{
	return u->receive == UDP_RUNS && !u->gro ? UDP_BATCH : u->receive;
}

/* [::] takes IPv4 too unless someone else in the list does on that port. */
static bool takes_both(const struct addr *a, const struct addr *listen,
		       size_t count)
{
	if (!addr_is_any(a))
		return false;
	for (size_t i = 0; i < count; i++)
		if (addr_is_v4(&listen[i]) && listen[i].port == a->port)
			return false;
	return true;
}

struct udp *udp_open(const struct addr *listen, size_t count,
		     enum udp_kind kind, const struct routing *routing,
		     char **error)
{
	struct udp *u = udp_new(kind, routing, error);

	assert(count <= UDP_SOCKETS_MAX);
	for (size_t i = 0; u && i < count; i++) {
		bool both = takes_both(&listen[i], listen, count);
		int err = open_socket(u, &u->sockets[i], &listen[i], both);

		if (err < 0) {
			explain_refusal(error, u, &listen[i], -err);
			udp_close(u);
			return NULL;
		}
		u->count++;
	}
	if (u)
		finish_open(u);
	return u;
}

struct udp *udp_open_default(uint16_t port, enum udp_kind kind,
			     const struct routing *routing, char **error)
{
	const struct addr v4 = addr_v4(0, port), both = { .port = port };
	struct udp *u = udp_new(kind, routing, error);
	int err;

	if (!u)
		return NULL;
	err = open_socket(u, &u->sockets[0], &both, true);
	u->count = err == 0;
	/* IPv4 alone; or as well, where a socket of IPv6 takes none of it. */
	if (err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL ||
	    (err == 0 && kind == UDP_GRE)) {
		err = open_socket(u, &u->sockets[u->count], &v4, false);
		u->count += err == 0;
	}
	if (err < 0) {
		explain_refusal(error, u, &both, -err);
		udp_close(u);
		return NULL;
	}
	finish_open(u);
	return u;
}

void udp_close(struct udp *u)
{
	if (!u)
		return;
	for (unsigned i = 0; i < u->count; i++) {
		senders_close(u->senders[i], &u->sockets[i]);
		close(u->sockets[i].fd);
		if (u->strangers[i].fd >= 0)
			close(u->strangers[i].fd);
	}
	free(u);
}

int udp_fd(const struct udp *u, unsigned socket)
{
	return socket < u->count ? u->sockets[socket].fd : -1;
}

int udp_strangers_fd(const struct udp *u, unsigned socket)
{
	return u->strangers[socket].fd;
}

struct addr udp_bound(const struct udp *u, unsigned socket)
{
	return u->sockets[socket].bound;
}

bool udp_has_family(const struct udp *u, const struct addr *to)
{
	return addr_is_v4(to) ? u->for_v4 != NULL : u->for_v6 != NULL;
}

bool udp_has_device(const struct udp *u)
{
	return routing_has_device(u->sockets[0].fd, &u->routing);
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
