#include "tapd/tap/link_dump.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

/* More than one of a dump's pieces. */
#define MESSAGE_SIZE 32768

struct link_dump {
	struct mnl_socket *socket;
	uint32_t sequence;
	mnl_cb_t take;
	void *user;
	uint8_t message[MESSAGE_SIZE];
};

struct link_dump *link_dump_open(void)
{
	const struct timeval limit = { .tv_sec = 5 };
	struct link_dump *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (d->socket &&
	    mnl_socket_bind(d->socket, 0, MNL_SOCKET_AUTOPID) == 0 &&
	    setsockopt(mnl_socket_get_fd(d->socket), SOL_SOCKET, SO_RCVTIMEO,
		       &limit, sizeof(limit)) == 0)
		return d;
	link_dump_close(d);
	return NULL;
}

void link_dump_close(struct link_dump *d)
{
	if (!d)
		return;
	if (d->socket)
		mnl_socket_close(d->socket);
	free(d);
}

static int take_message(const struct nlmsghdr *nlh, void *user)
{
	const struct link_dump *d = user;

	if (nlh->nlmsg_type != RTM_NEWLINK ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct ifinfomsg))
		return MNL_CB_OK;
	return d->take(nlh, d->user);
}

static int ask(struct link_dump *d)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(d->message);

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++d->sequence;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	return mnl_socket_sendto(d->socket, nlh, nlh->nlmsg_len) < 0 ? -errno
								     : 0;
}

int link_dump_run(struct link_dump *d, mnl_cb_t take, void *user)
{
	const unsigned port = mnl_socket_get_portid(d->socket);
	int err = ask(d), verdict = MNL_CB_OK;

	d->take = take;
	d->user = user;
	while (err == 0 && verdict != MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(d->socket, d->message,
						sizeof(d->message));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		verdict = mnl_cb_run(d->message, (size_t)n, d->sequence, port,
				     take_message, d);
		/* EPROTO: what is left of an answer given up before. */
		if (verdict < 0 && errno != EPROTO)
			err = -errno;
	}
	return err;
}
