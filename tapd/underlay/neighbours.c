#include "tapd/underlay/neighbours.h"

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct neighbours {
	struct mnl_socket *socket;
	struct routing routing;
	uint32_t seq;
};

/* Where datagrams for an address are sent on the link. */
struct hop {
	struct addr at;
	unsigned index; /* of the interface; 0: there is no route */
};

struct neighbours *neighbours_new(const struct routing *routing)
{
	struct neighbours *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->routing = *routing;
	n->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (n->socket && mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID) == 0)
		return n;
	neighbours_free(n);
	return NULL;
}

void neighbours_free(struct neighbours *n)
{
	if (!n)
		return;
	if (n->socket)
		mnl_socket_close(n->socket);
	free(n);
}

/* ---- asking ---- */

static uint8_t family_of(const struct addr *a)
{
	return addr_is_v4(a) ? AF_INET : AF_INET6;
}

static void put_address(struct nlmsghdr *nlh, uint16_t type,
			const struct addr *a)
{
	if (addr_is_v4(a))
		mnl_attr_put(nlh, type, 4, a->ip + 12);
	else
		mnl_attr_put(nlh, type, sizeof(a->ip), a->ip);
}

static void take_address(const struct nlattr *attr, struct addr *a)
{
	uint8_t v4[4];

	if (mnl_attr_get_payload_len(attr) == sizeof(v4)) {
		memcpy(v4, mnl_attr_get_payload(attr), sizeof(v4));
		*a = addr_v4((uint32_t)v4[0] << 24 | (uint32_t)v4[1] << 16 |
				     (uint32_t)v4[2] << 8 | v4[3],
			     0);
	} else if (mnl_attr_get_payload_len(attr) == sizeof(a->ip)) {
		memcpy(a->ip, mnl_attr_get_payload(attr), sizeof(a->ip));
	}
}

/* Sends the request and has its one answer taken. False if there is none. */
static bool ask(struct neighbours *n, struct nlmsghdr *nlh, mnl_cb_t take,
		void *user)
{
	uint8_t answer[8192];
	ssize_t len;

	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = ++n->seq;
	if (mnl_socket_sendto(n->socket, nlh, nlh->nlmsg_len) < 0)
		return false;
	len = mnl_socket_recvfrom(n->socket, answer, sizeof(answer));
	return len > 0 &&
	       mnl_cb_run(answer, (size_t)len, n->seq,
			  mnl_socket_get_portid(n->socket), take, user) >= 0;
}

static int take_route_attribute(const struct nlattr *attr, void *user)
{
	struct hop *hop = user;

	switch (mnl_attr_get_type(attr)) {
	case RTA_OIF:
		if (mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
			hop->index = mnl_attr_get_u32(attr);
		break;
	case RTA_GATEWAY:
		take_address(attr, &hop->at);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int take_route(const struct nlmsghdr *nlh, void *user)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type != RTM_NEWROUTE ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*m) ||
	    m->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	return mnl_attr_parse(nlh, sizeof(*m), take_route_attribute, user);
}

static struct hop next_hop(struct neighbours *n, const struct addr *to)
{
	uint8_t message[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(message);
	struct hop hop = { .at = *to };
	struct rtmsg *m;

	nlh->nlmsg_type = RTM_GETROUTE;
	m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	m->rtm_family = family_of(to);
	m->rtm_dst_len = addr_is_v4(to) ? 32 : 128;
	put_address(nlh, RTA_DST, to);
	if (!routing_ask(nlh, &n->routing, to->scope) ||
	    !ask(n, nlh, take_route, &hop))
		hop.index = 0;
	return hop;
}

static int take_state(const struct nlmsghdr *nlh, void *user)
{
	const struct ndmsg *m = mnl_nlmsg_get_payload(nlh);
	uint16_t *state = user;

	if (nlh->nlmsg_type == RTM_NEWNEIGH &&
	    mnl_nlmsg_get_payload_len(nlh) >= sizeof(*m))
		*state = m->ndm_state;
	return MNL_CB_OK;
}

/* NUD_*; NUD_NONE if there is no entry. */
static uint16_t state_of(struct neighbours *n, const struct hop *hop)
{
	uint8_t message[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(message);
	uint16_t state = NUD_NONE;
	struct ndmsg *m;

	nlh->nlmsg_type = RTM_GETNEIGH;
	m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	m->ndm_family = family_of(&hop->at);
	m->ndm_ifindex = (int)hop->index;
	put_address(nlh, NDA_DST, &hop->at);
	return ask(n, nlh, take_state, &state) ? state : NUD_NONE;
}

/* ---- the table's size ---- */

static unsigned long read_number(const char *path, unsigned line, int base)
{
	FILE *file = fopen(path, "re");
	char text[256] = "";
	unsigned long value;

	if (!file)
		return 0;
	for (unsigned i = 0; i <= line; i++)
		if (!fgets(text, sizeof(text), file))
			text[0] = '\0';
	(void)fclose(file);
	value = strtoul(text, NULL, base);
	return value <= UINT32_MAX ? value : 0;
}

unsigned neighbours_full(const char *stat, const char *limit)
{
	unsigned long max = read_number(limit, 0, 10);
	unsigned long entries = read_number(stat, 1, 16);

	/* What the kernel throws out to make room leaves some. */
	return max > 0 && entries >= max - max / 16 ? (unsigned)max : 0;
}

static unsigned table_full(bool v4)
{
	return v4 ? neighbours_full("/proc/net/stat/arp_cache",
				    "/proc/sys/net/ipv4/neigh/default/"
				    "gc_thresh3")
		  : neighbours_full("/proc/net/stat/ndisc_cache",
				    "/proc/sys/net/ipv6/neigh/default/"
				    "gc_thresh3");
}

/* ---- what is said ---- */

bool neighbours_why(struct neighbours *n, const struct addr *to, char *text,
		    size_t size)
{
	const bool v4 = addr_is_v4(to);
	char at[ADDR_STRLEN], name[IF_NAMESIZE];
	unsigned limit;
	uint16_t state;
	struct hop hop;

	text[0] = '\0';
	if (!n)
		return false;
	hop = next_hop(n, to);
	if (hop.index == 0 || !if_indextoname(hop.index, name))
		return false;
	hop.at.scope = 0;
	state = state_of(n, &hop);
	limit = state == NUD_NONE ? table_full(v4) : 0;
	if (state & (NUD_FAILED | NUD_INCOMPLETE))
		snprintf(text, size, "neighbour %s does not answer %s on %s",
			 addr_print_host(&hop.at, at), v4 ? "ARP" : "ND", name);
	else if (limit > 0)
		snprintf(text, size,
			 "neighbour table full: raise"
			 " net.%s.neigh.default.gc_thresh3 (now %u)",
			 v4 ? "ipv4" : "ipv6", limit);
	return text[0] != '\0';
}
