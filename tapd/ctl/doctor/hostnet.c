#include "tapd/ctl/doctor/hostnet.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tapd/ctl/doctor/netlink.h"

/* On a host whose addresses or routes change all the time. */
#define TRIES 5

/* size: of the header that each message of that type has after nlmsghdr. */
static bool ask(struct mnl_socket *s, uint16_t type, size_t size, mnl_cb_t take,
		struct hostnet *n)
{
	uint8_t message[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(message);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = type;
	mnl_nlmsg_put_extra_header(nlh, size);
	return netlink_ask(s, nlh, take, n);
}

/* Asks again for what changed while the kernel told it, by another socket: the rest
 * of the old answer is still in the first. count: of what `take` adds to. */
static bool dump(uint16_t type, size_t size, mnl_cb_t take, struct hostnet *n,
		 size_t *count)
{
	bool ok = false, again = true;

	for (int i = 0; i < TRIES && again; i++) {
		struct mnl_socket *s = netlink_open();

		if (!s)
			return false;
		*count = 0;
		ok = ask(s, type, size, take, n);
		again = !ok && errno == EINTR;
		mnl_socket_close(s);
	}
	return ok;
}

/* ---- taking ---- */

/* Room for one more in an array; NULL if memory is short. */
static void *more(void *array, size_t count, size_t *size, size_t each)
{
	size_t wanted = *size ? 2 * *size : 16;
	void *grown;

	if (count < *size)
		return array;
	grown = realloc(array, wanted * each);
	if (grown)
		*size = wanted;
	return grown;
}

static void text_of(const struct nlattr *attr, char *text, size_t size)
{
	size_t len = mnl_attr_get_payload_len(attr);

	if (len >= size)
		len = size - 1;
	memcpy(text, mnl_attr_get_payload(attr), len);
	text[len] = '\0';
}

static int take_kind(const struct nlattr *attr, void *user)
{
	struct hostnet_link *link = user;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		text_of(attr, link->kind, sizeof(link->kind));
	return MNL_CB_OK;
}

static int take_link_attribute(const struct nlattr *attr, void *user)
{
	struct hostnet_link *link = user;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		text_of(attr, link->name, sizeof(link->name));
		break;
	case IFLA_MTU:
		link->mtu = netlink_u32(attr);
		break;
	case IFLA_MASTER:
		link->master = netlink_u32(attr);
		break;
	case IFLA_LINK:
		link->below = netlink_u32(attr);
		break;
	case IFLA_LINKINFO:
		mnl_attr_parse_nested(attr, take_kind, link);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int take_link(const struct nlmsghdr *nlh, void *user)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(nlh);
	struct hostnet_link link = { .index = 0 };
	struct hostnet *n = user;
	struct hostnet_link *all;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*m))
		return MNL_CB_OK;
	link.index = (unsigned)m->ifi_index;
	link.up = m->ifi_flags & IFF_UP;
	link.loopback = m->ifi_flags & IFF_LOOPBACK;
	mnl_attr_parse(nlh, sizeof(*m), take_link_attribute, &link);
	/* The other end of a veth is in another namespace, by whose number it is
	 * known there. */
	if (strcmp(link.kind, "veth") == 0)
		link.below = 0;
	all = more(n->links, n->links_count, &n->links_size, sizeof(link));
	if (!all)
		return MNL_CB_ERROR;
	n->links = all;
	n->links[n->links_count++] = link;
	return MNL_CB_OK;
}

static int take_address_attribute(const struct nlattr *attr, void *user)
{
	struct hostnet_address *a = user;

	/* Of a tunnel IFA_ADDRESS is the far end's, and comes first. */
	if (mnl_attr_get_type(attr) == IFA_LOCAL ||
	    (mnl_attr_get_type(attr) == IFA_ADDRESS &&
	     addr_is_any(&a->prefix.addr)))
		a->prefix.addr = netlink_addr(attr);
	if (mnl_attr_get_type(attr) == IFA_FLAGS)
		a->duplicate = netlink_u32(attr) & IFA_F_DADFAILED;
	return MNL_CB_OK;
}

static int take_address(const struct nlmsghdr *nlh, void *user)
{
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(nlh);
	struct hostnet_address address = { .index = 0 };
	struct hostnet *n = user;
	struct hostnet_address *all;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*m))
		return MNL_CB_OK;
	address.index = m->ifa_index;
	address.duplicate = m->ifa_flags & IFA_F_DADFAILED;
	address.prefix.len = m->ifa_prefixlen;
	mnl_attr_parse(nlh, sizeof(*m), take_address_attribute, &address);
	all = more(n->addresses, n->addresses_count, &n->addresses_size,
		   sizeof(address));
	if (!all)
		return MNL_CB_ERROR;
	n->addresses = all;
	n->addresses[n->addresses_count++] = address;
	return MNL_CB_OK;
}

struct route_in {
	struct hostnet_route route;
	uint32_t table;
};

static int take_route_attribute(const struct nlattr *attr, void *user)
{
	struct route_in *in = user;

	switch (mnl_attr_get_type(attr)) {
	case RTA_DST:
		in->route.to.addr = netlink_addr(attr);
		break;
	case RTA_OIF:
		in->route.index = netlink_u32(attr);
		break;
	case RTA_TABLE:
		in->table = netlink_u32(attr);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int take_route(const struct nlmsghdr *nlh, void *user)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(nlh);
	struct route_in in = { .table = 0 };
	struct hostnet *n = user;
	struct hostnet_route *all;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*m) ||
	    m->rtm_type != RTN_UNICAST || (m->rtm_flags & RTM_F_CLONED))
		return MNL_CB_OK;
	in.table = m->rtm_table;
	in.route.to.len = m->rtm_dst_len;
	in.route.kernel = m->rtm_protocol == RTPROT_KERNEL;
	mnl_attr_parse(nlh, sizeof(*m), take_route_attribute, &in);
	if (in.table != RT_TABLE_MAIN || in.route.index == 0)
		return MNL_CB_OK;
	all = more(n->routes, n->routes_count, &n->routes_size,
		   sizeof(in.route));
	if (!all)
		return MNL_CB_ERROR;
	n->routes = all;
	n->routes[n->routes_count++] = in.route;
	return MNL_CB_OK;
}

bool hostnet_take(struct hostnet *n)
{
	bool ok;

	*n = (struct hostnet){ .links = NULL };
	ok = dump(RTM_GETLINK, sizeof(struct ifinfomsg), take_link, n,
		  &n->links_count) &&
	     dump(RTM_GETADDR, sizeof(struct ifaddrmsg), take_address, n,
		  &n->addresses_count) &&
	     dump(RTM_GETROUTE, sizeof(struct rtmsg), take_route, n,
		  &n->routes_count);
	if (!ok)
		hostnet_free(n);
	return ok;
}

void hostnet_free(struct hostnet *n)
{
	free(n->links);
	free(n->addresses);
	free(n->routes);
	*n = (struct hostnet){ .links = NULL };
}

/* ---- looking ---- */

const struct hostnet_link *hostnet_link_named(const struct hostnet *n,
					      const char *name)
{
	for (size_t i = 0; i < n->links_count; i++)
		if (strcmp(n->links[i].name, name) == 0)
			return &n->links[i];
	return NULL;
}

const struct hostnet_link *hostnet_link_of(const struct hostnet *n,
					   unsigned index)
{
	for (size_t i = 0; i < n->links_count; i++)
		if (n->links[i].index == index)
			return &n->links[i];
	return NULL;
}

/* How high links are piled; also the end where they go round in a circle. */
#define HEIGHT_MAX 8

static bool is_above(const struct hostnet *n, unsigned index, unsigned other,
		     unsigned height)
{
	const struct hostnet_link *link = hostnet_link_of(n, index);
	const struct hostnet_link *under = hostnet_link_of(n, other);

	if (index == other)
		return true;
	if (!link || !under || height == HEIGHT_MAX)
		return false;
	return (link->below && is_above(n, link->below, other, height + 1)) ||
	       (under->master && is_above(n, index, under->master, height + 1));
}

bool hostnet_is_above(const struct hostnet *n, unsigned index, unsigned other)
{
	return is_above(n, index, other, 0);
}
