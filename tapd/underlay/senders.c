#include "tapd/underlay/senders.h"

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
	for (unsigned i = 1; shared && i < SENDERS; i++)
		if (!open_beside(&senders[i], s))
			break;
}

void senders_close(struct sender senders[SENDERS])
{
	for (unsigned i = 1; i < SENDERS; i++)
		if (senders[i].socket.fd >= 0)
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
