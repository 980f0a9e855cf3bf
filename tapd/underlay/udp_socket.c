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
 * the tunnel finds out by itself. An IPv6 socket that takes IPv4 needs both.
 */
static bool set_options(int fd, const struct udp_socket *s, int buffer)
{
	if (s->family == AF_INET6 &&
	    (!udp_socket_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !s->both) ||
	     !udp_socket_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
				IPV6_PMTUDISC_PROBE)))
		return false;
	if ((s->family == AF_INET || s->both) &&
	    !udp_socket_option(fd, IPPROTO_IP, IP_MTU_DISCOVER,
			       IP_PMTUDISC_PROBE))
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
	int err;

	s->fd = socket(s->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       IPPROTO_UDP);
	if (s->fd < 0)
		return -errno;
	if (set_options(s->fd, s, buffer))
		return 0;
	err = -errno;
	close(s->fd);
	return err;
}
