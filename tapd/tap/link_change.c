/* An interface is changed: set up, its addresses, its routes. */
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "tapd/rights/privileges.h"
#include "tapd/tap/link_impl.h"

/* IPv6 gives every interface ff00::/8 in table local with metric 256. */
#define MULTICAST_ROUTE_METRIC 128

/* link_request_run with the rights that a change needs. */
static int request_change(struct link *l, struct nlmsghdr *nlh)
{
	int err;

	privileges_raise();
	err = link_request_run(l, nlh);
	privileges_lower();
	return err;
}

static struct nlmsghdr *change_new(struct link *l, unsigned flags)
{
	struct nlmsghdr *nlh = link_request_new(l, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *m =
		mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));

	m->ifi_index = (int)l->state.index;
	m->ifi_flags = flags;
	m->ifi_change = flags;
	return nlh;
}

static int change_run(struct link *l, struct nlmsghdr *nlh)
{
	int err = request_change(l, nlh);

	return err < 0 ? err : link_ask(l);
}

int link_set_up(struct link *l)
{
	return l->state.up ? 0 : change_run(l, change_new(l, IFF_UP));
}

int link_set_mtu(struct link *l, uint32_t mtu)
{
	struct nlmsghdr *nlh;

	if (l->state.mtu == mtu)
		return 0;
	nlh = change_new(l, 0);
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	return change_run(l, nlh);
}

int link_set_mac(struct link *l, const uint8_t mac[6])
{
	struct nlmsghdr *nlh;

	if (memcmp(l->state.mac, mac, 6) == 0)
		return 0;
	nlh = change_new(l, 0);
	mnl_attr_put(nlh, IFLA_ADDRESS, 6, mac);
	return change_run(l, nlh);
}

int link_set_alias(struct link *l, const char *alias)
{
	struct nlmsghdr *nlh;

	if (strcmp(l->state.alias, alias) == 0)
		return 0;
	nlh = change_new(l, 0);
	mnl_attr_put_str(nlh, IFLA_IFALIAS, alias);
	return change_run(l, nlh);
}

int link_raise_queue_len(struct link *l, uint32_t len)
{
	struct nlmsghdr *nlh;

	if (l->state.queue_len >= len)
		return 0;
	nlh = change_new(l, 0);
	mnl_attr_put_u32(nlh, IFLA_TXQLEN, len);
	return change_run(l, nlh);
}

/* The kernel has no netlink attribute for IPv6's. */
static int open_sysctl(const struct link *l, const char *family,
		       const char *name, int flags)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family,
		 l->state.name, name);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int set_sysctl(const struct link *l, const char *family,
		      const char *name, char value)
{
	int fd, err;

	privileges_raise();
	fd = err = open_sysctl(l, family, name, O_WRONLY);
	if (fd >= 0) {
		err = write(fd, &value, 1) < 0 ? -errno : 0;
		close(fd);
	}
	privileges_lower();
	return err;
}

/* The first digit, or -errno. */
static int read_sysctl(const struct link *l, const char *family,
		       const char *name)
{
	const int fd = open_sysctl(l, family, name, O_RDONLY);
	char digit = '0';
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, &digit, 1);
	n = n < 0 ? -errno : digit - '0';
	close(fd);
	return (int)n;
}

int link_refuse_redirects(struct link *l)
{
	int v4 = set_sysctl(l, "ipv4", "accept_redirects", '0');
	int v6 = set_sysctl(l, "ipv6", "accept_redirects", '0');

	/* There may be no IPv6. */
	return v4 < 0 || v6 == -ENOENT ? v4 : v6;
}

int link_keep_secondaries(struct link *l, bool keep)
{
	static const char name[] = "promote_secondaries";
	const int was = read_sysctl(l, "ipv4", name);
	int err = 0;

	if (was >= 0 && (was > 0) != keep)
		err = set_sysctl(l, "ipv4", name, keep ? '1' : '0');
	return err < 0 ? err : was;
}

static void put_addr(struct nlmsghdr *nlh, uint16_t type, const struct addr *a)
{
	if (addr_is_v4(a))
		mnl_attr_put(nlh, type, 4, a->ip + 12);
	else
		mnl_attr_put(nlh, type, 16, a->ip);
}

static void put_broadcast(struct nlmsghdr *nlh, const struct prefix *p)
{
	uint8_t broadcast[4];

	store_be32(broadcast,
		   load_be32(p->addr.ip + 12) | UINT32_MAX >> p->len);
	mnl_attr_put(nlh, IFA_BROADCAST, sizeof(broadcast), broadcast);
}

static int change_address(struct link *l, uint16_t type, uint16_t flags,
			  const struct prefix *p)
{
	struct nlmsghdr *nlh = link_request_new(l, type, NLM_F_ACK | flags);
	struct ifaddrmsg *m =
		mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifaddrmsg));
	bool v4 = addr_is_v4(&p->addr);

	m->ifa_family = v4 ? AF_INET : AF_INET6;
	m->ifa_prefixlen = p->len;
	m->ifa_index = l->state.index;
	put_addr(nlh, IFA_LOCAL, &p->addr);
	put_addr(nlh, IFA_ADDRESS, &p->addr);
	if (v4 && p->len < 31)
		put_broadcast(nlh, p);
	mnl_attr_put_u8(nlh, LINK_ADDRESS_PROTO, LINK_PROTO);
	return request_change(l, nlh);
}

int link_add_address(struct link *l, const struct prefix *address)
{
	int err;

	if (link_has_address(l, address))
		return 0;
	err = change_address(l, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL,
			     address);
	if (err < 0 && err != -EEXIST)
		return err;
	/* What else there is to know, the kernel tells. */
	link_note_address(l,
			  &(struct link_address){ .prefix = *address,
						  .flags = IFA_F_TENTATIVE,
						  .proto = LINK_PROTO },
			  true);
	return 0;
}

int link_remove_address(struct link *l, const struct prefix *address)
{
	int err;

	if (!link_has_address(l, address))
		return 0;
	err = change_address(l, RTM_DELADDR, 0, address);
	if (err < 0 && err != -EADDRNOTAVAIL)
		return err;
	link_note_address(l, &(struct link_address){ .prefix = *address },
			  false);
	return 0;
}

struct route {
	bool ipv6;
	uint8_t dst[16];
	uint8_t len; /* of the prefix */
};

static const struct route multicast_v4 = { .dst = { 224 }, .len = 4 };
static const struct route broadcast_v4 = { .dst = { 255, 255, 255, 255 },
					   .len = 32 };
static const struct route multicast_v6 = { true, { 0xff }, 8 };

/*
 * IPv4 looks in table main, where NLM_F_CREATE alone puts the route before
 * others for the same destination. IPv6 has such a route for every interface
 * in table local, which is looked at first: there the lower metric wins.
 */
static int change_route(struct link *l, uint16_t type, const struct route *r)
{
	uint16_t flags = type == RTM_NEWROUTE ? NLM_F_CREATE : 0;
	struct nlmsghdr *nlh = link_request_new(l, type, NLM_F_ACK | flags);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(struct rtmsg));

	m->rtm_family = r->ipv6 ? AF_INET6 : AF_INET;
	m->rtm_dst_len = r->len;
	m->rtm_table = r->ipv6 ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
	m->rtm_type = r->ipv6 ? RTN_MULTICAST : RTN_UNICAST;
	m->rtm_protocol = LINK_PROTO;
	m->rtm_scope = r->ipv6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	mnl_attr_put(nlh, RTA_DST, r->ipv6 ? 16 : 4, r->dst);
	mnl_attr_put_u32(nlh, RTA_OIF, l->state.index);
	if (r->ipv6)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, MULTICAST_ROUTE_METRIC);
	return request_change(l, nlh);
}

static int add_route(struct link *l, const struct route *r)
{
	int err = change_route(l, RTM_NEWROUTE, r);

	return err == -EEXIST ? 0 : err;
}

static int remove_route(struct link *l, const struct route *r)
{
	int err = change_route(l, RTM_DELROUTE, r);

	return err == -ESRCH ? 0 : err;
}

int link_add_multicast_route(struct link *l, bool ipv6)
{
	return add_route(l, ipv6 ? &multicast_v6 : &multicast_v4);
}

int link_remove_multicast_route(struct link *l, bool ipv6)
{
	return remove_route(l, ipv6 ? &multicast_v6 : &multicast_v4);
}

int link_add_broadcast_route(struct link *l)
{
	return add_route(l, &broadcast_v4);
}

int link_remove_broadcast_route(struct link *l)
{
	return remove_route(l, &broadcast_v4);
}
