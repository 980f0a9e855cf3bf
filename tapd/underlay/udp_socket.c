#include "tapd/underlay/udp_socket.h"

#include <errno.h>
#include <unistd.h>

#define SEND_BUFFER (8 * 1024 * 1024)

bool udp_socket_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/*
 * PMTUDISC_PROBE sets DF and does not believe what ICMP says about path MTUs:
 * the tunnel finds out by itself. PMTUDISC_DO believes it. An IPv6 socket that takes
 * IPv4 needs both.
 */
static bool set_discovery(int fd, const struct udp_socket *s)
{
	const int v6 = s->plain ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_PROBE;
	const int v4 = s->plain ? IP_PMTUDISC_DO : IP_PMTUDISC_PROBE;

	if (s->family == AF_INET6 &&
	    !udp_socket_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, v6))
		return false;
	return (s->family == AF_INET6 && !s->both) ||
	       udp_socket_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, v4);
}

static bool set_options(int fd, const struct udp_socket *s, int buffer)
{
	/* A raw socket is of one family, and does not let it be said. */
	if (s->family == AF_INET6 && !s->raw &&
	    !udp_socket_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !s->both))
		return false;
	if (!set_discovery(fd, s))
		return false;

	/* The rest makes it faster, or counts; tapd does without. */
	if (!udp_socket_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, buffer))
		(void)udp_socket_option(fd, SOL_SOCKET, SO_RCVBUF, buffer);
	if (!udp_socket_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER))
		(void)udp_socket_option(fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER);
	(void)udp_socket_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	/* Without these the kernel chooses which address answers. */
	if (s->family == AF_INET6)
		(void)udp_socket_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	if (s->family == AF_INET || s->both)
		(void)udp_socket_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
	return true;
}

int udp_socket_new(struct udp_socket *s, int buffer)
{
	const int kind = s->raw ? SOCK_RAW : SOCK_DGRAM;
	int err;

	s->fd = socket(s->family, kind | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       s->raw ? IPPROTO_GRE : IPPROTO_UDP);
	if (s->fd < 0)
		return -errno;
	err = set_options(s->fd, s, buffer) ? routing_set(s->fd, &s->routing)
					    : -errno;
	if (err == 0)
		return 0;
	close(s->fd);
	return err;
}
