#include "tapd/tap/link.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "tapd/common/error.h"
#include "tapd/log/log.h"
#include "tapd/tap/link_impl.h"

/* IFLA_ALLMULTI, which the headers have since 6.0. */
#define ATTRIBUTE_ALLMULTI 61

/* The kernel counts up from 1, and gives no interface this one. */
#define NO_INDEX 0x7fffffffu

/* ---- what the kernel says ---- */

void link_note_address(struct link *l, const struct link_address *address,
		       bool there)
{
	if (!link_addresses_note(&l->state.addresses, address, there))
		log_warning("%s: out of memory: an address of it is not seen",
			    l->state.name);
}

static void take_address(struct link *l, const struct nlmsghdr *nlh)
{
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(nlh);
	struct link_address address;

	if (m->ifa_index != l->state.index || !link_address_read(nlh, &address))
		return;
	link_note_address(l, &address, nlh->nlmsg_type == RTM_NEWADDR);
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
	if (m->ifi_family != AF_UNSPEC)
		return;
	if (m->ifi_index != (int)s->index) {
		l->others_changed = true;
		return;
	}
	s->alias[0] = '\0';
	mnl_attr_parse(nlh, sizeof(*m), take_link_attribute, &a);
	if (!a.tells_allmulti)
		s->allmulti = is_allmulti(s, m->ifi_flags);
	s->enslaved = a.has_master && !a.in_vrf;
	s->present = nlh->nlmsg_type == RTM_NEWLINK;
	s->up = s->present && (m->ifi_flags & IFF_UP);
	l->was_down |= !s->up;
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
struct nlmsghdr *link_request_new(struct link *l, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(l->message);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = ++l->sequence;
	return nlh;
}

/* Sends the request in l->message and takes in the answers, up to the
 * acknowledgement or a dump's end. 0 or -errno. */
int link_request_run(struct link *l, struct nlmsghdr *nlh)
{
	unsigned port = mnl_socket_get_portid(l->requests);

	if (mnl_socket_sendto(l->requests, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(l->requests, l->message,
						sizeof(l->message));
		int verdict;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		verdict = mnl_cb_run(l->message, (size_t)n, l->sequence, port,
				     take_message, l);
		if (verdict == MNL_CB_STOP)
			return 0;
		/* EPROTO: what is left of an answer given up before. */
		if (verdict < 0 && errno != EPROTO)
			return -errno;
	}
}

int link_ask(struct link *l)
{
	struct nlmsghdr *nlh = link_request_new(l, RTM_GETLINK, NLM_F_ACK);
	struct ifinfomsg *m =
		mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	int err;

	m->ifi_index = (int)l->state.index;
	err = link_request_run(l, nlh);
	if (err == -ENODEV)
		l->state.present = l->state.up = l->state.carrier =
			l->state.running = false;
	return err;
}

/* A dump that something changed meanwhile (EINTR) is begun again. */
int link_ask_addresses(struct link *l)
{
	int err, tries = 8;

	do {
		struct nlmsghdr *nlh =
			link_request_new(l, RTM_GETADDR, NLM_F_DUMP);

		mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifaddrmsg));
		l->state.addresses.count = 0;
		err = link_request_run(l, nlh);
	} while (err == -EINTR && --tries > 0);
	return err;
}

static int ask_all(struct link *l)
{
	int err = link_ask(l);

	l->changed = true;
	return err < 0 ? err : link_ask_addresses(l);
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
	int err;

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
	err = l->monitor && l->requests ? ask_all(l) : -errno;
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
	link_addresses_free(&l->state.addresses);
	free(l);
}

void link_forget(struct link *l)
{
	l->state.index = NO_INDEX;
	l->state.addresses.count = 0;
}

int link_fd(const struct link *l)
{
	return mnl_socket_get_fd(l->monitor);
}

/* Messages were lost: whatever they were about may have changed. */
static void lost(struct link *l)
{
	(void)ask_all(l); /* gone: state.present says so */
	l->was_down = true;
	l->others_changed = true;
}

bool link_was_down(struct link *l)
{
	const bool was_down = l->was_down;

	l->was_down = false;
	return was_down;
}

bool link_read(struct link *l)
{
	l->changed = false;
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(l->monitor, l->message,
						sizeof(l->message));

		l->generation += n >= 0 || errno == ENOBUFS;
		if (n >= 0)
			mnl_cb_run(l->message, (size_t)n, 0, 0, take_message,
				   l);
		else if (errno == ENOBUFS)
			lost(l);
		else if (errno != EINTR)
			return l->changed;
	}
}

bool link_others_changed(struct link *l)
{
	bool changed = l->others_changed;

	l->others_changed = false;
	return changed;
}

unsigned link_generation(const struct link *l)
{
	return l->generation;
}

const struct link_state *link_state(const struct link *l)
{
	return &l->state;
}

bool link_has_address(const struct link *l, const struct prefix *address)
{
	return link_addresses_find(&l->state.addresses, address) != NULL;
}
