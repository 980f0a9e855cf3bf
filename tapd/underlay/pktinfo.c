#include "tapd/underlay/pktinfo.h"

#include <string.h>

static void read_v4(const struct cmsghdr *c, struct addr *local, bool *ours,
		    unsigned *interface)
{
	struct in_pktinfo info;

	memcpy(&info, CMSG_DATA(c), sizeof(info));
	*interface = (unsigned)info.ipi_ifindex;
	/* The kernel names the address that an answer would leave from, which is
	 * another one if the datagram was sent to many. */
	*ours = info.ipi_addr.s_addr == info.ipi_spec_dst.s_addr;
	*local = addr_v4(ntohl(info.ipi_addr.s_addr), local->port);
}

static void read_v6(const struct cmsghdr *c, struct addr *local, bool *ours,
		    unsigned *interface)
{
	struct in6_pktinfo info;

	memcpy(&info, CMSG_DATA(c), sizeof(info));
	*interface = (unsigned)info.ipi6_ifindex;
	memcpy(local->ip, &info.ipi6_addr, sizeof(local->ip));
	*ours = addr_is_unicast(local);
	if (addr_is_link_local(local))
		local->scope = (uint32_t)info.ipi6_ifindex;
}

void pktinfo_read(const struct cmsghdr *c, bool v4, struct addr *local,
		  bool *ours, unsigned *interface)
{
	if (v4 && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
		read_v4(c, local, ours, interface);
	if (!v4 && c->cmsg_level == IPPROTO_IPV6 &&
	    c->cmsg_type == IPV6_PKTINFO)
		read_v6(c, local, ours, interface);
}

size_t pktinfo_write(struct cmsghdr *c, const struct addr *local)
{
	if (addr_is_v4(local)) {
		struct in_pktinfo info = { 0 };

		memcpy(&info.ipi_spec_dst, local->ip + 12,
		       sizeof(info.ipi_spec_dst));
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		return CMSG_SPACE(sizeof(info));
	}
	struct in6_pktinfo info = { .ipi6_ifindex = local->scope };

	memcpy(&info.ipi6_addr, local->ip, sizeof(info.ipi6_addr));
	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	return CMSG_SPACE(sizeof(info));
}
