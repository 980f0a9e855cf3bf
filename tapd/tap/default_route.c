#include "tapd/tap/default_route.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

struct route {
	uint32_t table, metric;
	unsigned index;		   /* of the interface; 0: it has none */
	const struct nlattr *hops; /* of a route by several ways */
};

struct search {
	unsigned except;
	struct route best; /* its index is 0: none yet */
};

/* The first that leads anywhere: one whose interface is down is still listed. */
static unsigned first_hop(const struct nlattr *attr, unsigned except)
{
	const uint8_t *at = mnl_attr_get_payload(attr);
	size_t left = mnl_attr_get_payload_len(attr);
	struct rtnexthop hop;

	while (left >= sizeof(hop)) {
		size_t len;

		memcpy(&hop, at, sizeof(hop));
		if (!(hop.rtnh_flags & RTNH_F_DEAD) && hop.rtnh_ifindex > 0 &&
		    (unsigned)hop.rtnh_ifindex != except)
			return (unsigned)hop.rtnh_ifindex;
		len = NLMSG_ALIGN((size_t)hop.rtnh_len);
		if (len < sizeof(hop) || len > left)
			break;
		at += len;
		left -= len;
	}
	return 0;
}

static int take_attribute(const struct nlattr *attr, void *user)
{
	struct route *route = user;
	bool is_u32 = mnl_attr_get_payload_len(attr) == sizeof(uint32_t);

	switch (mnl_attr_get_type(attr)) {
	case RTA_TABLE:
		if (is_u32)
			route->table = mnl_attr_get_u32(attr);
		break;
	case RTA_PRIORITY:
		if (is_u32)
			route->metric = mnl_attr_get_u32(attr);
		break;
	case RTA_OIF:
		if (is_u32)
			route->index = mnl_attr_get_u32(attr);
		break;
	case RTA_MULTIPATH:
		route->hops = attr;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int take_route(const struct nlmsghdr *nlh, void *user)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(nlh);
	struct search *search = user;
	struct route route = { .metric = 0 };

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*m) ||
	    m->rtm_dst_len != 0 || m->rtm_type != RTN_UNICAST ||
	    (m->rtm_flags & (RTM_F_CLONED | RTNH_F_DEAD)))
		return MNL_CB_OK;
	route.table = m->rtm_table;
	mnl_attr_parse(nlh, sizeof(*m), take_attribute, &route);
	if (route.hops)
		route.index = first_hop(route.hops, search->except);
	if (route.table != RT_TABLE_MAIN || route.index == 0 ||
	    route.index == search->except)
		return MNL_CB_OK;
	if (search->best.index == 0 || route.metric < search->best.metric)
		search->best = route;
	return MNL_CB_OK;
}

static bool ask(struct mnl_socket *s, bool v4, struct search *search)
{
	uint8_t message[16384];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(message);
	struct rtmsg *m;
	int verdict = MNL_CB_OK;

	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = 1;
	m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	m->rtm_family = v4 ? AF_INET : AF_INET6;
	if (mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0)
		return false;
	while (verdict == MNL_CB_OK) {
		ssize_t n = mnl_socket_recvfrom(s, message, sizeof(message));

		if (n < 0)
			return false;
		verdict = mnl_cb_run(message, (size_t)n, 1,
				     mnl_socket_get_portid(s), take_route,
				     search);
	}
	return verdict == MNL_CB_STOP;
}

bool default_route_find(bool v4, const char *except, char name[IF_NAMESIZE])
{
	struct search search = { .except = if_nametoindex(except) };
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	bool ok;

	if (!s)
		return false;
	ok = mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == 0 &&
	     ask(s, v4, &search);
	mnl_socket_close(s);
	return ok && search.best.index &&
	       if_indextoname(search.best.index, name);
}
