/*
 * Many hosts of a network in one process, for a daemon that is to have many peers:
 *
 *	crowd SECRET LINKS HOSTS DAEMON...
 *
 * SECRET as in secret_file; DAEMON an address with a port, one of each family that
 * hosts have. The file HOSTS has lines of ADDRESS NAME [GROUP...]: each host has a socket
 * at its address, which is one of this namespace, dials the daemon, and has joined the
 * groups.
 * Their applications answer IGMP and MLD, and are silent otherwise but for a broadcast,
 * by which their MACs are known. Each has the LINKS hosts before it as peers, too; what
 * they send each other stays in the process. It runs until it is killed.
 */
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "node/node.h"
#include "support/alloc.h"
#include "support/net.h"
#include "support/reports.h"

#define HOSTS_MAX  NODE_PEERS_MAX
#define GROUPS_MAX 64
#define WORDS_MAX  (2 + GROUPS_MAX)
/* Of a datagram that stays here. */
#define LINK_MAX   1452
#define LATENCY_US 300
/* The daemon probes as often as it likes; among themselves hosts need not. */
#define INTERVAL_US (10 * CLOCK_S)
/* As Linux, which repeats what it joined. */
#define AGAIN_US      CLOCK_S
#define BROADCAST_LEN 60
#define LOCAL_TYPE    0x88b5 /* IEEE 802: for experiments */

struct host {
	struct crowd *crowd;
	unsigned index;
	struct node *node;
	struct addr addr;
	int fd;
	uint8_t mac[ETH_ADDR_LEN];
	struct group groups[GROUPS_MAX];
	size_t groups_count;
	uint32_t reports;
	bool asked;	   /* for the groups */
	bool unknown;	   /* somebody came up who has not seen its MAC */
	uint64_t again_us; /* it says what it joined; CLOCK_NEVER: no more */
};

struct crowd {
	struct addr daemons[2];
	size_t daemons_count;
	uint8_t secret[KEY_LEN];
	size_t links;
	struct host hosts[HOSTS_MAX];
	size_t count;
	struct queue *queue; /* of what they send each other */
	int epoll;
};

static struct clock now(void)
{
	struct timespec mono, wall;

	clock_gettime(CLOCK_BOOTTIME, &mono);
	clock_gettime(CLOCK_REALTIME, &wall);
	return (struct clock){
		.mono_us = (uint64_t)mono.tv_sec * CLOCK_S +
			   (uint64_t)mono.tv_nsec / 1000,
		.wall_us = (uint64_t)wall.tv_sec * CLOCK_S +
			   (uint64_t)wall.tv_nsec / 1000,
	};
}

/* ---- sockets ---- */

static socklen_t to_sockaddr(const struct addr *a, struct sockaddr_storage *out)
{
	*out = (struct sockaddr_storage){ .ss_family = AF_INET6 };
	if (addr_is_v4(a)) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)out;

		v4->sin_family = AF_INET;
		v4->sin_port = htons(a->port);
		memcpy(&v4->sin_addr, a->ip + 12, sizeof(v4->sin_addr));
		return sizeof(*v4);
	}
	((struct sockaddr_in6 *)out)->sin6_port = htons(a->port);
	memcpy(&((struct sockaddr_in6 *)out)->sin6_addr, a->ip, sizeof(a->ip));
	return sizeof(struct sockaddr_in6);
}

static struct addr from_sockaddr(const struct sockaddr_storage *from)
{
	struct addr a = { .port = 0 };

	if (from->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;

		return addr_v4(ntohl(v4->sin_addr.s_addr), ntohs(v4->sin_port));
	}
	a.port = ntohs(((const struct sockaddr_in6 *)from)->sin6_port);
	memcpy(a.ip, &((const struct sockaddr_in6 *)from)->sin6_addr,
	       sizeof(a.ip));
	return a;
}

/* Datagrams are never cut, so that sizes are found out. */
static int open_socket(const struct addr *at)
{
	struct sockaddr_storage here;
	const socklen_t len = to_sockaddr(at, &here);
	const int whole = IP_PMTUDISC_PROBE, size = 1 << 20;
	const bool v4 = addr_is_v4(at);
	int fd = socket(here.ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	if (fd < 0 ||
	    setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6,
		       v4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &whole,
		       sizeof(whole)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    bind(fd, (struct sockaddr *)&here, len))
		err(71, "socket");
	return fd;
}

/* ---- the nodes' surroundings ---- */

static void draw(void *user, void *buf, size_t len)
{
	(void)user;
	if (getrandom(buf, len, 0) != (ssize_t)len)
		err(71, "getrandom");
}

static struct host *find(struct crowd *c, const struct addr *at)
{
	for (size_t i = 0; i < c->count; i++)
		if (addr_equal(&c->hosts[i].addr, at))
			return &c->hosts[i];
	return NULL;
}

static void send_out(struct host *h, const struct addr *to,
		     const uint8_t *bytes, size_t len)
{
	struct sockaddr_storage there;
	const socklen_t there_len = to_sockaddr(to, &there);

	if (sendto(h->fd, bytes, len, 0, (struct sockaddr *)&there,
		   there_len) >= 0)
		return;
	node_send_failed(h->node, to,
			 errno == EMSGSIZE ? DROP_send_too_big
					   : DROP_send_failed,
			 len, 1, now());
}

static void send_one(struct host *h, const struct addr *to,
		     const uint8_t *bytes, size_t len)
{
	const struct host *other = find(h->crowd, to);

	if (!other)
		send_out(h, to, bytes, len);
	else if (len > LINK_MAX)
		node_send_failed(h->node, to, DROP_send_too_big, len, 1, now());
	else
		queue_push(h->crowd->queue, now().mono_us + LATENCY_US,
			   EVENT_ARRIVAL, other->index,
			   flight_new(NET_HOSTS_MAX, &h->addr, to, bytes, len));
}

static void udp_send(void *user, const struct datagram_run *runs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct datagram_run *r = &runs[i];
		const size_t each = r->segment_len ? r->segment_len : r->len;

		for (size_t at = 0; at < r->len; at += each)
			send_one(user, &r->remote, r->data + at,
				 r->len - at < each ? r->len - at : each);
	}
}

/* Its applications listen to nothing but queries, which go to all hosts. */
static void tap_write(void *user, const struct frame *frames, size_t n)
{
	static const uint8_t all_v4[] = { 1, 0, 0x5e, 0, 0, 1 };
	static const uint8_t all_v6[] = { 0x33, 0x33, 0, 0, 0, 1 };
	struct host *h = user;

	for (size_t i = 0; i < n; i++) {
		const struct iovec *first = &frames[i].iov[0];

		if (first->iov_len >= ETH_ADDR_LEN &&
		    (!memcmp(first->iov_base, all_v4, sizeof(all_v4)) ||
		     !memcmp(first->iov_base, all_v6, sizeof(all_v6))))
			h->asked = true;
	}
}

static void event(void *user, const struct node_event *e)
{
	struct host *h = user;

	if (e->type == NODE_PEER_UP)
		h->unknown = true;
}

static const struct node_ops ops = { .random = draw,
				     .udp_send = udp_send,
				     .tap_write = tap_write,
				     .event = event };

/* ---- its applications ---- */

static void write_frame(struct host *h, const uint8_t *bytes, size_t len)
{
	uint8_t space[FRAME_HEADROOM + REPORT_MAX];
	const struct iovec piece = { space + FRAME_HEADROOM, len };
	const struct frame frame = { .iov = &piece, .iovcnt = 1 };

	memcpy(space + FRAME_HEADROOM, bytes, len);
	node_from_tap(h->node, &frame, 1, now());
}

static void report(struct host *h, enum report_type says, bool v4)
{
	struct host_report r = { .serial = h->reports++, .says = says };
	uint8_t bytes[REPORT_MAX];

	memcpy(r.mac, h->mac, sizeof(r.mac));
	for (size_t i = 0; i < h->groups_count; i++)
		if (group_is_v4(&h->groups[i]) == v4)
			r.groups[r.count++] = h->groups[i];
	if (r.count > 0)
		write_frame(h, bytes, report_build(bytes, &r));
}

static void broadcast(struct host *h)
{
	uint8_t bytes[BROADCAST_LEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	memcpy(bytes + ETH_ADDR_LEN, h->mac, ETH_ADDR_LEN);
	store_be16(bytes + 2 * ETH_ADDR_LEN, LOCAL_TYPE);
	write_frame(h, bytes, sizeof(bytes));
}

/* What became due while the node was called. */
static void act(struct host *h, uint64_t now_us)
{
	const bool again = now_us >= h->again_us;

	for (int v4 = 0; v4 < 2 && (again || h->asked); v4++)
		report(h, h->asked ? REPORT_ANSWER : REPORT_JOIN, v4);
	if (again)
		h->again_us = CLOCK_NEVER;
	h->asked = false;
	if (h->unknown)
		broadcast(h);
	h->unknown = false;
}

/* ---- the course of time ---- */

static void receive(struct host *h)
{
	struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
	uint8_t bytes[2048];
	socklen_t from_len = sizeof(from);
	ssize_t len;

	while ((len = recvfrom(h->fd, bytes, sizeof(bytes), 0,
			       (struct sockaddr *)&from, &from_len)) >= 0) {
		const struct datagram_run run = { .remote =
							  from_sockaddr(&from),
						  .local = h->addr,
						  .data = bytes,
						  .len = (size_t)len };

		node_from_udp(h->node, &run, 1, now());
		from_len = sizeof(from);
	}
}

static void arrive(struct crowd *c)
{
	struct event e = queue_pop(c->queue);
	const struct datagram_run run = { .remote = e.flight->from,
					  .local = e.flight->to,
					  .data = e.flight->bytes,
					  .len = e.flight->len };

	node_from_udp(c->hosts[e.host].node, &run, 1, now());
	free(e.flight);
}

/* What is due, and until when nothing is. */
static uint64_t turn(struct crowd *c)
{
	const struct clock at = now();
	uint64_t next = CLOCK_NEVER;

	while (queue_first(c->queue) &&
	       queue_first(c->queue)->at_us <= at.mono_us)
		arrive(c);
	for (size_t i = 0; i < c->count; i++) {
		struct host *h = &c->hosts[i];
		uint64_t due;

		if (node_deadline(h->node) <= at.mono_us)
			node_tick(h->node, at);
		act(h, at.mono_us);
		due = node_deadline(h->node);
		next = due < next ? due : next;
		next = h->again_us < next ? h->again_us : next;
	}
	if (queue_first(c->queue) && queue_first(c->queue)->at_us < next)
		next = queue_first(c->queue)->at_us;
	return next;
}

static void run(struct crowd *c)
{
	struct epoll_event events[64];

	for (;;) {
		const uint64_t next = turn(c), at = now().mono_us;
		const uint64_t left = next > at ? next - at : 0;
		const int ms =
			left > CLOCK_S ? 1000 : (int)((left + 999) / 1000);
		const int n = epoll_wait(c->epoll, events, 64, ms);

		for (int i = 0; i < n; i++)
			receive(events[i].data.ptr);
	}
}

/* ---- the crowd ---- */

static void host_start(struct crowd *c, struct host *h, const char *name)
{
	struct node_config config = { .secrets_count = 1,
				      .tap_mtu = 1500,
				      .interval_us = INTERVAL_US,
				      .down_after = 3,
				      .expire_us = 300 * CLOCK_S,
				      .snooping = true,
				      .querier = true,
				      .fdb_capacity = 1024,
				      .groups_max = GROUPS_MAX,
				      .mdb_capacity = 4096,
				      .frag_buffers = 4,
				      .frame_max = 2048 };
	const uint8_t mac[] = {
		2, 0xc0, 0, 0, (uint8_t)(h->index >> 8), (uint8_t)h->index
	};
	struct epoll_event wait = { .events = EPOLLIN, .data.ptr = h };
	const char *error;

	memcpy(h->mac, mac, sizeof(mac));
	memcpy(config.tap_mac, mac, sizeof(mac));
	memcpy(config.secrets[0], c->secret, KEY_LEN);
	draw(NULL, config.private_key, KEY_LEN);
	snprintf(config.name, sizeof(config.name), "%s", name);
	h->node = node_new(&config, &ops, h, now(), &error);
	if (!h->node)
		errx(71, "%s", error);
	h->fd = open_socket(&h->addr);
	if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, h->fd, &wait))
		err(71, "epoll_ctl");
	node_tap_up(h->node, now());
	h->again_us = now().mono_us + AGAIN_US;
}

static void host_dial(struct crowd *c, struct host *h)
{
	struct addr wanted[2 + HOSTS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < c->daemons_count; i++)
		if (addr_is_v4(&c->daemons[i]) == addr_is_v4(&h->addr))
			wanted[n++] = c->daemons[i];
	for (size_t i = 1; i <= c->links && i <= h->index; i++)
		wanted[n++] = c->hosts[h->index - i].addr;
	node_want(h->node, NODE_SOURCE_PEERS, wanted, n, now());
}

/* ADDRESS NAME [GROUP...]. */
static void read_host(struct crowd *c, char *line)
{
	struct host *h = &c->hosts[c->count];
	const char *words[WORDS_MAX];
	size_t n = 0;

	for (char *word = strtok(line, " \n"); word && n < WORDS_MAX;
	     word = strtok(NULL, " \n"))
		words[n++] = word;
	if (n < 2 || c->count == HOSTS_MAX ||
	    !addr_parse(&h->addr, words[0], NODE_PORT))
		errx(64, "host %zu: ADDRESS NAME [GROUP...]", c->count + 1);
	h->crowd = c;
	h->index = (unsigned)c->count++;
	for (size_t i = 2; i < n; i++)
		h->groups[h->groups_count++] = group_parse(0, words[i]);
	host_start(c, h, words[1]);
}

static void read_hosts(struct crowd *c, const char *path)
{
	FILE *file = fopen(path, "r");
	char line[4096];

	if (!file)
		err(66, "%s", path);
	while (fgets(line, sizeof(line), file))
		read_host(c, line);
	fclose(file);
}

int main(int argc, char **argv)
{
	static struct crowd c;

	if (argc < 5 || argc > 6 || !key_parse(c.secret, argv[1]))
		errx(64, "SECRET LINKS HOSTS DAEMON...");
	c.links = strtoul(argv[2], NULL, 10);
	for (int i = 4; i < argc; i++)
		if (!addr_parse(&c.daemons[c.daemons_count++], argv[i], 0))
			errx(64, "%s is no address with a port", argv[i]);
	c.queue = queue_new();
	c.epoll = epoll_create1(0);
	read_hosts(&c, argv[3]);
	for (size_t i = 0; i < c.count; i++)
		host_dial(&c, &c.hosts[i]);
	run(&c);
	return 0;
}
