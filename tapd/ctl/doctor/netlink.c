#include "tapd/ctl/doctor/netlink.h"

#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

static const struct timeval patience = { .tv_sec = 2 };

struct mnl_socket *netlink_open(void)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (!s)
		return NULL;
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) != 0) {
		mnl_socket_close(s);
		return NULL;
	}
	setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	return s;
}

bool netlink_ask(struct mnl_socket *s, struct nlmsghdr *nlh, mnl_cb_t take,
		 void *user)
{
	const bool dump = nlh->nlmsg_flags & NLM_F_DUMP;
	uint8_t answer[32768];
	int verdict = MNL_CB_OK;

	if (mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0)
		return false;
	do {
		ssize_t n = mnl_socket_recvfrom(s, answer, sizeof(answer));

		if (n < 0)
			return false;
		verdict = mnl_cb_run(answer, (size_t)n, nlh->nlmsg_seq,
				     mnl_socket_get_portid(s), take, user);
	} while (dump && verdict == MNL_CB_OK);
	return verdict >= 0;
}

uint32_t netlink_u32(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) == sizeof(uint32_t)
		       ? mnl_attr_get_u32(attr)
		       : 0;
}

struct addr netlink_addr(const struct nlattr *attr)
{
	const uint8_t *at = mnl_attr_get_payload(attr);
	struct addr a = { .port = 0 };

	if (mnl_attr_get_payload_len(attr) == sizeof(a.ip))
		memcpy(a.ip, at, sizeof(a.ip));
	else if (mnl_attr_get_payload_len(attr) == 4)
		a = addr_v4((uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
				    (uint32_t)at[2] << 8 | at[3],
			    0);
	return a;
}
