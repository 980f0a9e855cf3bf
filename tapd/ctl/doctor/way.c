#include "tapd/ctl/doctor/way.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "tapd/ctl/doctor/netlink.h"

static int take_metric(const struct nlattr *attr, void *user)
{
	struct way_out *way = user;

	if (mnl_attr_get_type(attr) == RTAX_MTU)
		way->mtu = netlink_u32(attr);
	return MNL_CB_OK;
}

static int take_attribute(const struct nlattr *attr, void *user)
{
	struct way_out *way = user;

	if (mnl_attr_get_type(attr) == RTA_OIF)
		way->index = netlink_u32(attr);
	if (mnl_attr_get_type(attr) == RTA_METRICS)
		mnl_attr_parse_nested(attr, take_metric, way);
	return MNL_CB_OK;
}

static int take_route(const struct nlmsghdr *nlh, void *user)
{
	if (nlh->nlmsg_type != RTM_NEWROUTE ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct rtmsg))
		return MNL_CB_OK;
	return mnl_attr_parse(nlh, sizeof(struct rtmsg), take_attribute, user);
}

struct way_out way_out_to(const struct addr *to, unsigned bound, uint32_t mark)
{
	struct mnl_socket *s = netlink_open();
	struct way_out way = { .index = 0 };
	const bool v4 = addr_is_v4(to);
	uint8_t message[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(message);
	struct rtmsg *m;

	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = 1;
	m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	m->rtm_family = v4 ? AF_INET : AF_INET6;
	m->rtm_dst_len = v4 ? 32 : 128;
	mnl_attr_put(nlh, RTA_DST, v4 ? 4 : sizeof(to->ip),
		     to->ip + (v4 ? 12 : 0));
	if (to->scope || bound)
		mnl_attr_put_u32(nlh, RTA_OIF, to->scope ? to->scope : bound);
	if (mark)
		mnl_attr_put_u32(nlh, RTA_MARK, mark);
	if (!s || !netlink_ask(s, nlh, take_route, &way))
		way = (struct way_out){ .index = 0 };
	if (s)
		mnl_socket_close(s);
	return way;
}
