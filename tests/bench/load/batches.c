/*
 * UDP in batches: each send is of up to 64 KB, which the kernel hands an interface whole
 * (UDP_SEGMENT), as TCP does with what it sends. It needs no answers, so the receiver
 * may be taken away and the sender measured alone.
 *
 * As TCP has a window, so has this: no more than some batches may be on their way to an
 * interface that counts what arrives, behind the overlay. A TAP throws away all that its
 * ring has no room for and tells nobody, and the CPU spent on that would be the load's
 * fault. The overlay adds bytes of its own, so the first batches tell how many.
 */
#include "load.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define BATCH_MAX    62000u /* with an overlay's headers it is still one send */
#define SEGMENTS_MAX 64u
#define FIRST	     8u	 /* batches from which the overlay's share is told */
#define WINDOW	     64u /* batches */
#define WINDOW_AGAIN 32u /* so many are left when it goes on */
#define LOOK_NS	     100000u
#define STALL_NS     50000000u /* the rest of the window is lost, then */
#define QUIET_NS     20000000u
#define QUIET_MAX_NS 2000000000u

struct batches {
	int fd, netlink;
	unsigned ifindex; /* of the interface that counts */
	size_t batch_len;
	unsigned segments;
	uint64_t sent, refused;
	double bytes_each;	/* of a batch, as counted */
	uint64_t counted, base; /* bytes, now and at the start */
	uint64_t moved_ns;	/* when they last grew */
	double forgotten;	/* batches that are lost, or so it seems */
};

static uint8_t filling[BATCH_MAX];

/* The bytes that the interface has sent. */
static uint64_t interface_count(const struct batches *b)
{
	struct {
		struct nlmsghdr header;
		struct if_stats_msg body;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = RTM_GETSTATS,
			    .nlmsg_flags = NLM_F_REQUEST },
		.body = { .ifindex = b->ifindex,
			  .filter_mask =
				  IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64) },
	};
	struct {
		struct nlmsghdr header;
		struct if_stats_msg body;
		struct rtattr attribute;
		uint8_t rest[1024];
	} answer;
	struct rtnl_link_stats64 stats = { 0 };
	ssize_t got;

	if (send(b->netlink, &request, sizeof(request), 0) < 0)
		die("RTM_GETSTATS");
	got = recv(b->netlink, &answer, sizeof(answer), 0);
	if (got < (ssize_t)(sizeof(answer) - sizeof(answer.rest)) + 64 ||
	    answer.header.nlmsg_type != RTM_NEWSTATS)
		die("RTM_NEWSTATS");
	memcpy(&stats, answer.rest, sizeof(stats));
	return stats.tx_bytes;
}

static void look(struct batches *b)
{
	uint64_t counted = interface_count(b), now = now_ns();

	if (counted != b->counted) {
		b->counted = counted;
		b->moved_ns = now;
	}
}

/* Until nothing has been counted for a while. */
static void wait_until_quiet(struct batches *b)
{
	uint64_t begin = b->moved_ns = now_ns();

	do {
		sleep_ns(LOOK_NS);
		look(b);
	} while (now_ns() - b->moved_ns < QUIET_NS &&
		 now_ns() - begin < QUIET_MAX_NS);
}

/* Those given up for lost may arrive after all. */
static double on_their_way(struct batches *b)
{
	double gone = (double)(b->counted - b->base) / b->bytes_each;
	double left = (double)b->sent - gone - b->forgotten;

	if (left < 0) {
		b->forgotten += left;
		left = 0;
	}
	return left;
}

static void wait_for_window(struct batches *b)
{
	look(b);
	while (on_their_way(b) >= WINDOW_AGAIN) {
		if (now_ns() - b->moved_ns > STALL_NS)
			b->forgotten += on_their_way(b);
		else
			sleep_ns(LOOK_NS);
		look(b);
	}
}

static void send_batch(struct batches *b)
{
	if (send(b->fd, filling, b->batch_len, 0) >= 0)
		b->sent++;
	else if (errno == ENOBUFS || errno == EAGAIN)
		b->refused++;
	else if (errno != ECONNREFUSED)
		die("send of %zu bytes", b->batch_len);
}

static void measure_first(struct batches *b)
{
	b->counted = b->base = interface_count(b);
	for (unsigned i = 0; i < FIRST; i++)
		send_batch(b);
	wait_until_quiet(b);
	b->bytes_each = (double)(b->counted - b->base) / FIRST;
	if (b->bytes_each < (double)b->batch_len) {
		errno = ENETUNREACH;
		die("of %u batches of %zu bytes came %llu bytes", FIRST,
		    b->batch_len, (unsigned long long)(b->counted - b->base));
	}
	b->sent = b->refused = 0;
	b->base = b->counted;
}

static void batches_open(struct batches *b, char **argv)
{
	struct sockaddr_in target;
	size_t segment_len =
		number_of(argv[4], sizeof(struct stamp), BATCH_MAX);

	net_enter(argv[0]);
	target = net_address(argv[2], (uint16_t)number_of(argv[3], 1, 65535));
	b->ifindex = if_nametoindex(argv[1]);
	if (!b->ifindex)
		die("%s", argv[1]);
	b->netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (b->netlink < 0)
		die("netlink");
	b->fd = net_socket(SOCK_DGRAM);
	if (connect(b->fd, (struct sockaddr *)&target, sizeof(target)) < 0)
		die("connect");
	b->segments = (unsigned)(BATCH_MAX / segment_len);
	if (b->segments > SEGMENTS_MAX)
		b->segments = SEGMENTS_MAX;
	b->batch_len = b->segments * segment_len;
	if (b->segments > 1)
		net_option(b->fd, IPPROTO_UDP, UDP_SEGMENT, (int)segment_len);
}

static void batches_run(struct batches *b, uint64_t length_ns)
{
	uint64_t begin = b->moved_ns = now_ns();

	while (now_ns() - begin < length_ns) {
		if (on_their_way(b) >= WINDOW)
			wait_for_window(b);
		send_batch(b);
	}
}

int batches_main(int argc, char **argv)
{
	static struct batches b;
	uint64_t begin, end, arrived;

	if (argc != 6) {
		fprintf(stderr, "usage: load batches NETNS COUNTING-INTERFACE "
				"ADDRESS PORT SIZE SECONDS\n");
		return 2;
	}
	batches_open(&b, argv);
	measure_first(&b);
	begin = now_ns();
	batches_run(&b, seconds_of(argv[5]));
	wait_until_quiet(&b);
	end = b.moved_ns;
	arrived = (uint64_t)((double)(b.counted - b.base) / b.bytes_each *
			     (double)b.batch_len);
	printf("sent=%llu refused=%llu sent_bytes=%llu arrived_bytes=%llu "
	       "begin_ns=%llu end_ns=%llu\n",
	       (unsigned long long)b.sent * b.segments,
	       (unsigned long long)b.refused * b.segments,
	       (unsigned long long)(b.sent * b.batch_len),
	       (unsigned long long)arrived, (unsigned long long)begin,
	       (unsigned long long)end);
	return 0;
}
