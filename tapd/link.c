#include "tapd/link.h"

#include <errno.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/bytes.h"
#include "tapd/error.h"
#include "tapd/privileges.h"
#include "tapd/sockname.h"

/* Enough for any message about one interface, and for a full dump's pieces. */
#define MESSAGE_SIZE 32768

/* IPv6 gives every interface ff00::/8 in table local with metric 256. */
#define MULTICAST_ROUTE_METRIC 128

/* IFLA_ALLMULTI, which the headers have since 6.0. */
#define ATTRIBUTE_ALLMULTI 61

struct link {
	struct mnl_socket *requests;
	struct mnl_socket *monitor;
	uint32_t sequence;
	bool changed; /* since link_read began */
	struct link_state state;
	uint8_t message[MESSAGE_SIZE];
};

/* ---- what the kernel says ---- */

static bool read_address(const struct nlattr *attr, int family,
			 struct addr *out)
{
	*out = (struct addr){ 0 };
	if (family == AF_INET && mnl_attr_get_payload_len(attr) == 4) {
		*out = addr_v4(load_be32(mnl_attr_get_payload(attr)), 0);
		return true;
	}
	if (family == AF_INET6 && mnl_attr_get_payload_len(attr) == 16) {
		memcpy(out->ip, mnl_attr_get_payload(attr), 16);
		return true;
	}
	return false;
}

static unsigned find_address(const struct link_state *s,
			     const struct prefix *address)
{
	unsigned i = 0;

	while (i < s->address_count && !prefix_equal(&s->addresses[i], address))
		i++;
	return i;
}

static void note_address(struct link_state *s, const struct prefix *address,
			 bool there)
{
	unsigned i = find_address(s, address);

	if (there && i == s->address_count && i < LINK_ADDRESSES_MAX)
		s->addresses[s->address_count++] = *address;
	else if (!there && i < s->address_count)
		s->addresses[i] = s->addresses[--s->address_count];
}

struct address_attributes {
	int family;
	bool found, local;
	struct addr addr;
};

/* On a point-to-point address IFA_ADDRESS is the far end's. */
static int take_address_attribute(const struct nlattr *attr, void *user)
{
	struct address_attributes *a = user;
	uint16_t type = mnl_attr_get_type(attr);

	if (type == IFA_LOCAL || (type == IFA_ADDRESS && !a->local))
		a->found |= read_address(attr, a->family, &a->addr);
	a->local |= type == IFA_LOCAL;
	return MNL_CB_OK;
}

static void take_address(struct link *l, const struct nlmsghdr *nlh)
{
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(nlh);
	struct address_attributes a = { .family = m->ifa_family };

	if (m->ifa_index != l->state.index)
		return;
	mnl_attr_parse(nlh, sizeof(*m), take_address_attribute, &a);
	if (!a.found)
		return;
	note_address(
		&l->state,
		&(struct prefix){ .addr = a.addr, .len = m->ifa_prefixlen },
		nlh->nlmsg_type == RTM_NEWADDR);
	l->changed = true;
}

/* What is known only when all attributes are. */
struct link_attributes {
	struct link_state *state;
	bool has_master, in_vrf;
	bool tells_allmulti;
};

static int take_master_kind(const struct nlattr *attr, void *user)
{
	static const char vrf[] = "vrf";
	struct link_attributes *a = user;

	if (mnl_attr_get_type(attr) == IFLA_INFO_SLAVE_KIND)
		a->in_vrf = mnl_attr_get_payload_len(attr) == sizeof(vrf) &&
			    memcmp(mnl_attr_get_payload(attr), vrf,
				   sizeof(vrf)) == 0;
	return MNL_CB_OK;
}

/* An older kernel tells less of it. */
static uint64_t read_tx_dropped(const void *stats, size_t len)
{
	const size_t at = offsetof(struct rtnl_link_stats64, tx_dropped);
	uint64_t count = 0;

	if (len >= at + sizeof(count))
		memcpy(&count, (const char *)stats + at, sizeof(count));
	return count;
}

static int take_link_attribute(const struct nlattr *attr, void *user)
{
	struct link_attributes *a = user;
	struct link_state *s = a->state;
	const char *text = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		if (len <= sizeof(s->name) && memchr(text, '\0', len))
			memcpy(s->name, text, len);
		break;
	case IFLA_IFALIAS:
		if (len <= sizeof(s->alias) && memchr(text, '\0', len))
			memcpy(s->alias, text, len);
		break;
	case IFLA_MTU:
		if (len == sizeof(uint32_t))
			s->mtu = mnl_attr_get_u32(attr);
		break;
	case IFLA_TXQLEN:
		if (len == sizeof(uint32_t))
			s->queue_len = mnl_attr_get_u32(attr);
		break;
	case IFLA_ADDRESS:
		if (len == sizeof(s->mac))
			memcpy(s->mac, text, len);
		break;
	case IFLA_CARRIER:
		s->carrier = len > 0 && *text;
		break;
	case IFLA_MASTER:
		a->has_master = true;
		break;
	case IFLA_LINKINFO:
		mnl_attr_parse_nested(attr, take_master_kind, a);
		break;
	case IFLA_STATS64:
		s->tx_dropped = read_tx_dropped(text, len);
		break;
	case ATTRIBUTE_ALLMULTI:
		if (len == sizeof(uint32_t))
			s->allmulti = mnl_attr_get_u32(attr) > 0;
		a->tells_allmulti = true;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

/* For kernels that do not tell by netlink. ifi_flags has what ip(8) set; sysfs,
 * if it is this network namespace's, what programs asked for too. */
static bool is_allmulti(const struct link_state *s, unsigned flags)
{
	char path[sizeof("/sys/class/net//flags") + IFNAMSIZ], text[32];
	bool told;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/net/%s/flags", s->name);
	f = fopen(path, "re");
	if (!f)
		return flags & IFF_ALLMULTI;
	told = fgets(text, sizeof(text), f) != NULL;
	fclose(f);
	if (told)
		flags |= (unsigned)strtoul(text, NULL, 16);
	return flags & IFF_ALLMULTI;
}

static void take_link(struct link *l, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(nlh);
	struct link_state *s = &l->state;
	struct link_attributes a = { .state = s };

	/* AF_BRIDGE tells of a bridge's port, not of the interface. */
	if (m->ifi_family != AF_UNSPEC || m->ifi_index != (int)s->index)
		return;
	s->alias[0] = '\0';
	mnl_attr_parse(nlh, sizeof(*m), take_link_attribute, &a);
	if (!a.tells_allmulti)
		s->allmulti = is_allmulti(s, m->ifi_flags);
	s->enslaved = a.has_master && !a.in_vrf;
	s->present = nlh->nlmsg_type == RTM_NEWLINK;
	s->up = s->present && (m->ifi_flags & IFF_UP);
	s->carrier &= s->up;
	/* Both: on the way up the queue, which drops without counting until it
	 * is at work, comes last; on the way down the flag does. */
	s->running = s->carrier && (m->ifi_flags & IFF_RUNNING);
	l->changed = true;
}

static int take_message(const struct nlmsghdr *nlh, void *user)
{
	struct link *l = user;

	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct ifinfomsg))
			take_link(l, nlh);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct ifaddrmsg))
			take_address(l, nlh);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

/* ---- asking it ---- */

/* flags: NLM_F_DUMP, or NLM_F_ACK and others. */
static struct nlmsghdr *request_new(struct link *l, uint16_t type,
				    uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(l->message);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = ++l->sequence;
	return nlh;
}

/* Sends the request in l->message and takes in the answers, up to the
 * acknowledgement or a dump's end. 0 or -errno. */
static int request_run(struct link *l, struct nlmsghdr *nlh)
{
	unsigned port = mnl_socket_get_portid(l->requests);

	if (mnl_socket_sendto(l->requests, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(l->requests, l->message,
						sizeof(l->message));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		int verdict = mnl_cb_run(l->message, (size_t)n, l->sequence,
					 port, take_message, l);
		if (verdict == MNL_CB_STOP)
			return 0;
		/* EPROTO: what is left of an answer given up before. */
		if (verdict < 0 && errno != EPROTO)
			return -errno;
	}
}

/* The same for a request that changes something. */
static int request_change(struct link *l, struct nlmsghdr *nlh)
{
	privileges_raise();
	int err = request_run(l, nlh);
	privileges_lower();
	return err;
}

static int ask_link(struct link *l)
{
	struct nlmsghdr *nlh = request_new(l, RTM_GETLINK, NLM_F_ACK);
	struct ifinfomsg *m =
		mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));

	m->ifi_index = (int)l->state.index;
	int err = request_run(l, nlh);
	if (err == -ENODEV)
		l->state.present = l->state.up = l->state.carrier =
			l->state.running = false;
	return err;
}

/* A dump that something changed meanwhile (EINTR) is begun again. */
static int ask_addresses(struct link *l)
{
	int err, tries = 8;

	do {
		struct nlmsghdr *nlh = request_new(l, RTM_GETADDR, NLM_F_DUMP);

		mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifaddrmsg));
		l->state.address_count = 0;
		err = request_run(l, nlh);
	} while (err == -EINTR && --tries > 0);
	return err;
}

static int ask_all(struct link *l)
{
	int err = ask_link(l);

	l->changed = true;
	return err < 0 ? err : ask_addresses(l);
}

static struct mnl_socket *socket_open(unsigned groups)
{
	const struct timeval limit = { .tv_sec = 5 };
	struct mnl_socket *s = mnl_socket_open2(
		NETLINK_ROUTE, SOCK_CLOEXEC | (groups ? SOCK_NONBLOCK : 0));

	if (!s)
		return NULL;
	if (mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO, &limit,
		       sizeof(limit)) < 0) {
		mnl_socket_close(s);
		return NULL;
	}
	return s;
}

struct link *link_open(const char *name, char **error)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l) {
		error_set(error, "out of memory");
		return NULL;
	}
	l->state.index = if_nametoindex(name);
	if (l->state.index == 0) {
		error_set(error, "%s: no such interface", name);
		link_close(l);
		return NULL;
	}
	/* The monitor first, so that nothing falls between. */
	l->monitor = socket_open(RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
				 RTMGRP_IPV6_IFADDR);
	l->requests = socket_open(0);
	int err = l->monitor && l->requests ? ask_all(l) : -errno;
	if (err < 0) {
		error_set(error, "%s: cannot ask the kernel about it: %s", name,
			  strerror(-err));
		link_close(l);
		return NULL;
	}
	return l;
}

void link_close(struct link *l)
{
	if (!l)
		return;
	if (l->monitor)
		mnl_socket_close(l->monitor);
	if (l->requests)
		mnl_socket_close(l->requests);
	free(l);
}

int link_fd(const struct link *l)
{
	return mnl_socket_get_fd(l->monitor);
}

bool link_read(struct link *l)
{
	l->changed = false;
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(l->monitor, l->message,
						sizeof(l->message));

		if (n >= 0)
			mnl_cb_run(l->message, (size_t)n, 0, 0, take_message,
				   l);
		else if (errno == ENOBUFS)
			(void)ask_all(l); /* gone: state.present says so */
		else if (errno != EINTR)
			return l->changed;
	}
}

int link_look(struct link *l)
{
	return ask_link(l);
}

const struct link_state *link_state(const struct link *l)
{
	return &l->state;
}

bool link_has_address(const struct link *l, const struct prefix *address)
{
	return find_address(&l->state, address) < l->state.address_count;
}

/* ---- changing it ---- */

static struct nlmsghdr *change_new(struct link *l, unsigned flags)
{
	struct nlmsghdr *nlh = request_new(l, RTM_NEWLINK, NLM_F_ACK);
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

	return err < 0 ? err : ask_link(l);
}

int link_set_up(struct link *l)
{
	return l->state.up ? 0 : change_run(l, change_new(l, IFF_UP));
}

int link_set_mtu(struct link *l, uint32_t mtu)
{
	if (l->state.mtu == mtu)
		return 0;
	struct nlmsghdr *nlh = change_new(l, 0);
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	return change_run(l, nlh);
}

int link_set_mac(struct link *l, const uint8_t mac[6])
{
	if (memcmp(l->state.mac, mac, 6) == 0)
		return 0;
	struct nlmsghdr *nlh = change_new(l, 0);
	mnl_attr_put(nlh, IFLA_ADDRESS, 6, mac);
	return change_run(l, nlh);
}

int link_set_alias(struct link *l, const char *alias)
{
	if (strcmp(l->state.alias, alias) == 0)
		return 0;
	struct nlmsghdr *nlh = change_new(l, 0);
	mnl_attr_put_str(nlh, IFLA_IFALIAS, alias);
	return change_run(l, nlh);
}

int link_raise_queue_len(struct link *l, uint32_t len)
{
	if (l->state.queue_len >= len)
		return 0;
	struct nlmsghdr *nlh = change_new(l, 0);
	mnl_attr_put_u32(nlh, IFLA_TXQLEN, len);
	return change_run(l, nlh);
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
	struct nlmsghdr *nlh = request_new(l, type, NLM_F_ACK | flags);
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
	return request_change(l, nlh);
}

int link_add_address(struct link *l, const struct prefix *address)
{
	if (link_has_address(l, address))
		return 0;
	int err = change_address(l, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL,
				 address);
	if (err < 0 && err != -EEXIST)
		return err;
	note_address(&l->state, address, true);
	return 0;
}

int link_remove_address(struct link *l, const struct prefix *address)
{
	if (!link_has_address(l, address))
		return 0;
	int err = change_address(l, RTM_DELADDR, 0, address);
	if (err < 0 && err != -EADDRNOTAVAIL)
		return err;
	note_address(&l->state, address, false);
	return 0;
}

/*
 * IPv4 looks in table main, where NLM_F_CREATE alone puts the route before
 * others for the same destination. IPv6 has such a route for every interface
 * in table local, which is looked at first: there the lower metric wins.
 */
static int change_multicast_route(struct link *l, uint16_t type, bool ipv6)
{
	static const uint8_t v4[4] = { 224 }, v6[16] = { 0xff };
	uint16_t flags = type == RTM_NEWROUTE ? NLM_F_CREATE : 0;
	struct nlmsghdr *nlh = request_new(l, type, NLM_F_ACK | flags);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(struct rtmsg));

	m->rtm_family = ipv6 ? AF_INET6 : AF_INET;
	m->rtm_dst_len = ipv6 ? 8 : 4;
	m->rtm_table = ipv6 ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
	m->rtm_type = ipv6 ? RTN_MULTICAST : RTN_UNICAST;
	m->rtm_protocol = RTPROT_STATIC;
	m->rtm_scope = ipv6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	mnl_attr_put(nlh, RTA_DST, ipv6 ? sizeof(v6) : sizeof(v4),
		     ipv6 ? v6 : v4);
	mnl_attr_put_u32(nlh, RTA_OIF, l->state.index);
	if (ipv6)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, MULTICAST_ROUTE_METRIC);
	return request_change(l, nlh);
}

int link_add_multicast_route(struct link *l, bool ipv6)
{
	int err = change_multicast_route(l, RTM_NEWROUTE, ipv6);

	return err == -EEXIST ? 0 : err;
}

int link_remove_multicast_route(struct link *l, bool ipv6)
{
	int err = change_multicast_route(l, RTM_DELROUTE, ipv6);

	return err == -ESRCH ? 0 : err;
}

/* ---- address_from ---- */

static bool is_link_local(const struct addr *a)
{
	return a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

/* The first global address, or else the first link-local one. */
static bool find_address_of(const char *interface, bool v4, struct addr *out)
{
	struct ifaddrs *all = NULL;
	bool found = false;
	struct addr a;

	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (strcmp(i->ifa_name, interface) != 0 || !i->ifa_addr ||
		    !sockname_to_addr(&a, i->ifa_addr) || addr_is_v4(&a) != v4)
			continue;
		if (!found || (is_link_local(out) && !is_link_local(&a)))
			*out = a;
		found = true;
	}
	freeifaddrs(all);
	return found;
}

static void replace_host_bits(struct prefix *p, const struct addr *from)
{
	unsigned bits = p->len + (addr_is_v4(&p->addr) ? 96U : 0U);

	for (unsigned i = 0; i < 16; i++) {
		unsigned net = bits > 8 * i ? bits - 8 * i : 0;
		uint8_t host = (uint8_t)(net >= 8 ? 0 : 0xff >> net);

		p->addr.ip[i] = (uint8_t)((p->addr.ip[i] & ~host) |
					  (from->ip[i] & host));
	}
}

bool link_take_host_bits(const char *interface, struct prefix *address,
			 char **error)
{
	bool v4 = addr_is_v4(&address->addr);
	char text[PREFIX_STRLEN];
	struct addr from;

	if (!find_address_of(interface, v4, &from)) {
		error_set(error,
			  "address_from: %s has no %s address to take the"
			  " host bits of %s from",
			  interface, v4 ? "IPv4" : "IPv6",
			  prefix_print(address, text));
		return false;
	}
	replace_host_bits(address, &from);
	return true;
}
