#include "tapd/underlay/senders.h"

#include <linux/filter.h>
#include <string.h>
#include <unistd.h>

#include "tapd/underlay/sockname.h"

/* Nothing comes to them. */
#define RECEIVE_BUFFER 4096

static bool open_beside(struct sender *sender, const struct udp_socket *s)
{
	union sockname name;
	socklen_t len = sockname_from_addr(&name, &s->bound, s->family);

	sender->socket = *s;
	if (udp_socket_new(&sender->socket, RECEIVE_BUFFER) != 0) {
		sender->socket.fd = -1;
		return false;
	}
	if (udp_socket_option(sender->socket.fd, SOL_SOCKET, SO_REUSEPORT, 1) &&
	    bind(sender->socket.fd, &name.any, len) == 0)
		return true;
	close(sender->socket.fd);
	sender->socket.fd = -1;
	return false;
}

void senders_open(struct sender senders[SENDERS], const struct udp_socket *s,
		  bool shared)
{
	for (unsigned i = 1; i < SENDERS; i++)
		senders[i].socket.fd = -1;
	senders[0].socket = *s;
	for (unsigned i = 1; shared && i < SENDERS_WAYS; i++)
		if (!open_beside(&senders[i], s))
			break;
}

/* ---- spread ---- */

/* Whoever answers to the port that a datagram came from is wrong. */
static bool take_nothing(int fd)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	const struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]),
		.filter = code,
	};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			  sizeof(program)) == 0;
}

/* The kernel chooses the port: it knows which are kept free for others
 * (ip_local_reserved_ports). */
static bool bind_apart(int fd, const struct udp_socket *s)
{
	struct addr at = s->bound;
	union sockname name;
	socklen_t len;

	at.port = 0;
	len = sockname_from_addr(&name, &at, s->family);
	return bind(fd, &name.any, len) == 0;
}

static bool open_apart(struct sender *sender, const struct udp_socket *s)
{
	sender->socket = *s;
	if (udp_socket_new(&sender->socket, RECEIVE_BUFFER) != 0) {
		sender->socket.fd = -1;
		return false;
	}
	if (take_nothing(sender->socket.fd) && bind_apart(sender->socket.fd, s))
		return true;
	close(sender->socket.fd);
	sender->socket.fd = -1;
	return false;
}

void senders_open_spread(struct sender senders[SENDERS],
			 const struct udp_socket *s)
{
	unsigned count = 0;

	for (unsigned i = 0; i < SENDERS; i++)
		senders[i].socket.fd = -1;
	while (count < SENDERS && open_apart(&senders[count], s))
		count++;
	if (count == 0)
		senders[0].socket = *s;
}

struct sender *senders_choose_spread(struct sender senders[SENDERS],
				     const struct datagram_run *r)
{
	unsigned count = SENDERS;

	while (count > 1 && senders[count - 1].socket.fd < 0)
		count--;
	return &senders[r->spread % count];
}

void senders_close(struct sender senders[SENDERS], const struct udp_socket *s)
{
	for (unsigned i = 0; i < SENDERS; i++)
		if (senders[i].socket.fd >= 0 && senders[i].socket.fd != s->fd)
			close(senders[i].socket.fd);
}

struct sender *senders_choose(struct sender senders[SENDERS],
			      const struct datagram_run *r)
{
	unsigned i = 0;

	if (r->local.port == 0)
		return &senders[0];
	for (; i + 1 < SENDERS && senders[i].taken; i++) {
		if (memcmp(senders[i].local, r->local.ip,
			   sizeof(r->local.ip)) == 0 ||
		    senders[i + 1].socket.fd < 0)
			return &senders[i];
	}
	if (!senders[i].taken)
		memcpy(senders[i].local, r->local.ip, sizeof(r->local.ip));
	senders[i].taken = true;
	return &senders[i];
}
