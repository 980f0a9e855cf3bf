/* The address of this host that a datagram came to, and the one it leaves from. */
#include "support/main.h"
#include "tapd/underlay/udp.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPBACK UINT32_C(0x7f000001)
#define SECOND	 UINT32_C(0x7f000502)
#define FOREIGN	 UINT32_C(0xc0000207) /* 192.0.2.7: of no host */

static unsigned lost, gone;
static struct way gone_way;

static void note_lost(void *user, const struct addr *to,
		      enum drop_reason reason, size_t size, uint64_t count)
{
	(void)user;
	(void)to;
	(void)reason;
	(void)size;
	lost += (unsigned)count;
}

static void note_gone(void *user, const struct way *way)
{
	(void)user;
	gone++;
	gone_way = *way;
}

static const struct udp_events events = { note_lost, note_gone };

static struct udp *open_list(const struct addr *listen, size_t count)
{
	char *error = NULL;
	struct udp *u =
		listen ? udp_open(listen, count, UDP_SEALED, NULL, &error)
		       : udp_open_default(0, UDP_SEALED, NULL, &error);

	ck_assert_msg(u != NULL, "%s", error);
	return u;
}

static struct udp *open_on(uint32_t ip)
{
	const struct addr listen = addr_v4(ip, 0);

	return open_list(&listen, 1);
}

static struct datagram_run receive(struct udp *u, unsigned socket)
{
	struct pollfd p = { .fd = udp_fd(u, socket), .events = POLLIN };
	const struct datagram_run *r;
	bool more;

	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	ck_assert_uint_eq(udp_receive(u, socket, &r, &more), 1);
	return *r;
}

static void send_way(struct udp *u, struct addr remote, struct addr local,
		     size_t len, size_t segment_len)
{
	static uint8_t data[4000];

	for (size_t i = 0; i < len; i += segment_len ? segment_len : len)
		data[i] = 4; /* a data message's type */
	const struct datagram_run run = { .remote = remote,
					  .local = local,
					  .data = data,
					  .len = len,
					  .segment_len = segment_len };

	udp_send(u, &run, 1, &events, NULL);
}

/* A socket that takes both families, one that takes IPv4, and one bound to the
 * second address. */
static struct udp *open_kind(int kind)
{
	return kind == 0   ? open_list(NULL, 0)
	       : kind == 1 ? open_on(0)
			   : open_on(SECOND);
}

START_TEST(an_answer_leaves_from_the_address_that_was_asked)
{
	struct udp *u = open_kind(_i % 3), *asker = open_on(LOOPBACK);
	const struct addr at = addr_v4(SECOND, udp_bound(u, 0).port);
	const size_t segment = _i / 3 ? 100 : 0;
	struct datagram_run r;

	send_way(asker, at, (struct addr){ 0 }, 350, segment);
	r = receive(u, 0);
	ck_assert_uint_eq(r.segment_len, segment);
	ck_assert(addr_equal(&r.local, &at));
	send_way(u, r.remote, r.local, 350, segment);
	r = receive(asker, 0);
	ck_assert(addr_equal(&r.remote, &at));
	ck_assert_uint_eq(r.len, 350);
	ck_assert_uint_eq(lost + gone, 0);
	udp_close(u);
	udp_close(asker);
}
END_TEST

START_TEST(ipv6_says_the_address_too)
{
	struct addr one = { .ip = { [15] = 1 } };
	struct udp *u = open_list(NULL, 0), *asker = open_list(&one, 1);
	struct datagram_run r;

	one.port = udp_bound(u, 0).port;
	send_way(asker, one, (struct addr){ 0 }, 10, 0);
	r = receive(u, 0);
	ck_assert(addr_equal(&r.local, &one));
	send_way(u, r.remote, r.local, 300, 100);
	r = receive(asker, 0);
	ck_assert(addr_equal(&r.remote, &one));
	udp_close(u);
	udp_close(asker);
}
END_TEST

/* Two sockets of one family: another port, or another address. */
START_TEST(an_answer_leaves_from_the_socket_that_was_asked)
{
	const struct addr listen[2][2] = {
		{ addr_v4(0, 0), addr_v4(0, 0) },
		{ addr_v4(LOOPBACK, 0), addr_v4(SECOND, 0) },
	};
	struct udp *u = open_list(listen[_i], 2), *asker = open_on(LOOPBACK);
	struct addr at = addr_v4(SECOND, udp_bound(u, 1).port);
	struct datagram_run r;

	send_way(asker, at, (struct addr){ 0 }, 10, 0);
	r = receive(u, 1);
	ck_assert(addr_equal(&r.local, &at));
	send_way(u, r.remote, r.local, 10, 0);
	r = receive(asker, 0);
	ck_assert(addr_equal(&r.remote, &at));
	udp_close(u);
	udp_close(asker);
}
END_TEST

/* The datagrams arrive, the caller is told, and nothing is held against segmentation. */
START_TEST(from_an_address_that_is_gone_it_leaves_from_another)
{
	struct udp *u = _i % 2 ? open_on(0) : open_list(NULL, 0);
	struct udp *asker = open_on(LOOPBACK);
	const struct addr to = udp_bound(asker, 0),
			  was = addr_v4(FOREIGN, udp_bound(u, 0).port);
	const size_t segment = _i / 2 ? 100 : 0;
	struct datagram_run r;

	send_way(u, to, was, 350, segment);
	r = receive(asker, 0);
	ck_assert_uint_eq(r.len, 350);
	ck_assert_uint_eq(r.segment_len, segment);
	ck_assert_uint_eq(lost, 0);
	ck_assert_uint_eq(gone, 1);
	ck_assert(addr_equal(&gone_way.local, &was));
	ck_assert(addr_equal(&gone_way.remote, &to));
	ck_assert_int_eq(udp_send_batching(u), UDP_RUNS);
	udp_close(u);
	udp_close(asker);
}
END_TEST

START_TEST(from_an_ipv6_address_that_is_gone_it_leaves_from_another)
{
	const struct addr one = { .ip = { [15] = 1 } };
	struct udp *u = open_list(NULL, 0), *asker = open_list(&one, 1);
	struct addr was = { .ip = { 0x20, 1, 0xd, 0xb8, [15] = 7 },
			    .port = udp_bound(u, 0).port };

	send_way(u, udp_bound(asker, 0), was, 350, _i ? 100 : 0);
	ck_assert_uint_eq(receive(asker, 0).len, 350);
	ck_assert_uint_eq(lost, 0);
	ck_assert_uint_eq(gone, 1);
	udp_close(u);
	udp_close(asker);
}
END_TEST

/* More segments than a kernel takes, from an address that is there: that is what is
 * refused, and the address is kept to. */
START_TEST(a_run_that_is_refused_still_leaves_from_the_address)
{
	struct udp *u = open_on(0), *asker = open_on(LOOPBACK);
	const struct addr local = addr_v4(SECOND, udp_bound(u, 0).port);

	send_way(u, udp_bound(asker, 0), local, 4000, 10);
	for (int i = 0; i < 3; i++) {
		const struct datagram_run *r;
		struct pollfd p = { .fd = udp_fd(asker, 0), .events = POLLIN };
		bool more;

		ck_assert_int_eq(poll(&p, 1, 5000), 1);
		ck_assert_uint_gt(udp_receive(asker, 0, &r, &more), 0);
		ck_assert(addr_equal(&r->remote, &local));
	}
	ck_assert_uint_eq(lost + gone, 0);
	udp_close(u);
	udp_close(asker);
}
END_TEST

/* 127.255.255.255 is loopback's broadcast address. */
START_TEST(what_was_sent_to_many_is_dropped_and_counted)
{
	static const char *const many[] = { "127.255.255.255",
					    "127.255.255.255", "224.0.0.1" };
	struct udp *u = _i == 0 ? open_list(NULL, 0) : open_on(0);
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(udp_bound(u, 0).port) };
	const struct in_addr loopback = { htonl(LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
	const struct addr at = addr_v4(LOOPBACK, udp_bound(u, 0).port);
	struct udp *asker = open_on(LOOPBACK);

	ck_assert_int_eq(inet_pton(AF_INET, many[_i], &to.sin_addr), 1);
	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &loopback,
		   sizeof(loopback));
	setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &one, sizeof(one));
	ck_assert_int_eq(
		sendto(fd, "\4", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
	/* One that is ours comes after it. */
	send_way(asker, at, (struct addr){ 0 }, 7, 0);
	ck_assert_uint_eq(receive(u, 0).len, 7);
	ck_assert_uint_eq(udp_misdirected(u), 1);
	ck_assert_uint_eq(udp_misdirected(u), 0);
	close(fd);
	udp_close(u);
	udp_close(asker);
}
END_TEST

START_TEST(what_comes_by_the_overlay_is_counted_and_not_read)
{
	struct udp *u = open_kind(_i), *asker = open_on(LOOPBACK);
	const struct addr at = addr_v4(SECOND, udp_bound(u, 0).port);
	const unsigned inside[] = { 77777, if_nametoindex("lo") };
	struct pollfd p = { .fd = udp_fd(u, 0), .events = POLLIN };
	const struct datagram_run *r;
	bool more;

	udp_set_inside(u, inside, 2);
	send_way(asker, at, (struct addr){ 0 }, 350, 100);
	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	ck_assert_uint_eq(udp_receive(u, 0, &r, &more), 0);
	ck_assert_uint_gt(udp_recursive(u), 0);
	ck_assert_uint_eq(udp_recursive(u), 0);
	ck_assert_uint_eq(udp_misdirected(u), 0);
	/* Another interface is: this one is not. */
	udp_set_inside(u, inside, 1);
	while (poll(&p, 1, 0) > 0)
		udp_receive(u, 0, &r, &more);
	send_way(asker, at, (struct addr){ 0 }, 10, 0);
	ck_assert_uint_eq(receive(u, 0).len, 10);
	udp_close(u);
	udp_close(asker);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("udp ways", .timeout_s = 30),
	UNIT_LOOP(an_answer_leaves_from_the_address_that_was_asked, 6),
	UNIT_TEST(ipv6_says_the_address_too),
	UNIT_LOOP(an_answer_leaves_from_the_socket_that_was_asked, 2),
	UNIT_LOOP(from_an_address_that_is_gone_it_leaves_from_another, 4),
	UNIT_LOOP(from_an_ipv6_address_that_is_gone_it_leaves_from_another, 2),
	UNIT_TEST(a_run_that_is_refused_still_leaves_from_the_address),
	UNIT_LOOP(what_comes_by_the_overlay_is_counted_and_not_read, 3),
	UNIT_LOOP(what_was_sent_to_many_is_dropped_and_counted, 3),
};

UNIT_MAIN("udp ways", tests)
