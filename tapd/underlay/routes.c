#include "tapd/underlay/routes.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdlib.h>

/* linux/rtnetlink.h has no name for it as one of a mask. */
#define IPV6_RULE (1U << (RTNLGRP_IPV6_RULE - 1))

struct routes {
	struct mnl_socket *ask, *monitor;
	struct routing routing;
};

static struct mnl_socket *open_socket(unsigned groups, int flags)
{
	struct mnl_socket *s =
		mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | flags);

	if (s && mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(s);
		s = NULL;
	}
	return s;
}

struct routes *routes_open(const struct routing *routing)
{
	struct routes *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->routing = *routing;
	r->ask = open_socket(0, 0);
	r->monitor = open_socket(RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE |
					 RTMGRP_IPV4_RULE | IPV6_RULE,
				 SOCK_NONBLOCK);
	if (r->ask && r->monitor)
		return r;
	routes_close(r);
	return NULL;
}

void routes_close(struct routes *r)
{
	if (!r)
		return;
	if (r->ask)
		mnl_socket_close(r->ask);
	if (r->monitor)
		mnl_socket_close(r->monitor);
	free(r);
}

int routes_fd(const struct routes *r)
{
	return mnl_socket_get_fd(r->monitor);
}

/* Whatever it says, something changed; also where some of it was lost. */
void routes_read(struct routes *r)
{
	uint8_t message[16384];

	for (int i = 0; i < 64; i++)
		if (mnl_socket_recvfrom(r->monitor, message, sizeof(message)) <
		    0)
			break;
}

static int take_attribute(const struct nlattr *attr, void *user)
{
	unsigned *index = user;

	if (mnl_attr_get_type(attr) == RTA_OIF &&
	    mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
		*index = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int take_route(const struct nlmsghdr *nlh, void *user)
{
	if (nlh->nlmsg_type != RTM_NEWROUTE ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct rtmsg))
		return MNL_CB_OK;
	mnl_attr_parse(nlh, sizeof(struct rtmsg), take_attribute, user);
	return MNL_CB_STOP;
}

unsigned routes_interface(struct routes *r, const struct addr *to)
{
	static unsigned seq;
	const bool v4 = addr_is_v4(to);
	uint8_t message[16384];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(message);
	unsigned index = 0;
	struct rtmsg *m;
	ssize_t n;

	if (to->scope)
		return to->scope;
	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = ++seq;
	m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	m->rtm_family = v4 ? AF_INET : AF_INET6;
	m->rtm_dst_len = v4 ? 32 : 128;
	mnl_attr_put(nlh, RTA_DST, v4 ? 4 : 16, v4 ? to->ip + 12 : to->ip);
	if (!routing_ask(nlh, &r->routing, 0))
		return 0;
	if (mnl_socket_sendto(r->ask, nlh, nlh->nlmsg_len) < 0)
		return 0;
	/* The kernel has answered when sendto returns: with one, or an error. */
	n = mnl_socket_recvfrom(r->ask, message, sizeof(message));
	if (n > 0)
		(void)mnl_cb_run(message, (size_t)n, seq,
				 mnl_socket_get_portid(r->ask), take_route,
				 &index);
	return index;
}
