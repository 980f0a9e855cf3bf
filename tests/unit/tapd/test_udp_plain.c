/* The sockets of VXLAN and GRE. */
#include "support/main.h"
#include "tapd/underlay/udp.h"

#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_NO_CHECK6_TX
#define UDP_NO_CHECK6_TX 101
#endif

#define LOOPBACK  UINT32_C(0x7f000001)
#define LOOPBACK2 UINT32_C(0x7f000002)
#define FLOWS	  16

static unsigned lost;
static enum drop_reason why;

static void note_lost(void *user, const struct addr *to,
		      enum drop_reason reason, size_t size, uint64_t count)
{
	(void)user;
	(void)to;
	(void)size;
	lost += (unsigned)count;
	why = reason;
}

static void note_gone(void *user, const struct way *way)
{
	(void)user;
	(void)way;
}

static const struct udp_events events = { note_lost, note_gone };

static struct udp *open_on(struct addr listen, enum udp_kind kind)
{
	char *error = NULL;
	struct udp *u = udp_open(&listen, 1, kind, NULL, &error);

	if (!u)
		ck_abort_msg("%s", error);
	return u;
}

static void send_flow(struct udp *u, struct addr to, unsigned spread,
		      const void *data, size_t len, size_t segment_len)
{
	struct datagram_run run = { .remote = to,
				    .data = (uint8_t *)(uintptr_t)data,
				    .len = len,
				    .segment_len = segment_len,
				    .spread = (uint16_t)spread };

	lost = 0;
	udp_send(u, &run, 1, &events, NULL);
}

/* The next datagram, or run, at the first socket. */
static struct datagram_run next(struct udp *u)
{
	struct pollfd p = { .fd = udp_fd(u, 0), .events = POLLIN };
	const struct datagram_run *r;
	bool more;

	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	ck_assert_uint_eq(udp_receive(u, 0, &r, &more), 1);
	return *r;
}

START_TEST(flows_leave_from_ports_of_their_own)
{
	struct udp *a = open_on(addr_v4(LOOPBACK, 0), UDP_VXLAN);
	struct udp *b = open_on(addr_v4(LOOPBACK, 0), UDP_VXLAN);
	uint16_t ports[FLOWS];

	for (unsigned i = 0; i < 2 * FLOWS; i++) {
		struct datagram_run r;

		send_flow(a, udp_bound(b, 0), 1000 * FLOWS + i, "x", 1, 0);
		ck_assert_uint_eq(lost, 0);
		r = next(b);
		ck_assert_uint_eq(r.len, 1);
		ck_assert_uint_ne(r.remote.port, udp_bound(a, 0).port);
		if (i >= FLOWS)
			ck_assert_uint_eq(r.remote.port, ports[i - FLOWS]);
		for (unsigned j = 0; j < i && i < FLOWS; j++)
			ck_assert_uint_ne(r.remote.port, ports[j]);
		ports[i % FLOWS] = r.remote.port;
	}
	udp_close(a);
	udp_close(b);
}
END_TEST

START_TEST(what_answers_to_a_flow_is_never_taken)
{
	static const uint8_t large[1400];
	struct udp *a = open_on(addr_v4(LOOPBACK, 0), UDP_VXLAN);
	struct udp *b = open_on(addr_v4(LOOPBACK, 0), UDP_SEALED);
	struct addr from;

	send_flow(a, udp_bound(b, 0), 5, "\4", 1, 0);
	from = next(b).remote;
	for (int i = 0; i < 100; i++)
		send_flow(b, from, 0, large, sizeof(large), 0);
	for (unsigned i = 0; i < UDP_SENDERS_MAX; i++) {
		struct pollfd p = { .fd = udp_sender_fd(a, i),
				    .events = POLLIN };

		if (p.fd >= 0)
			ck_assert_int_eq(poll(&p, 1, 0), 0);
	}
	/* One to the port that is listened at arrives, whatever it begins with. */
	ck_assert_int_eq(udp_strangers_fd(a, 0), -1);
	send_flow(b, udp_bound(a, 0), 0, "\1", 1, 0);
	ck_assert_uint_eq(next(a).data[0], 1);
	udp_close(a);
	udp_close(b);
}
END_TEST

START_TEST(a_local_address_is_kept_to)
{
	struct udp *a = open_on(addr_v4(0, 0), UDP_VXLAN);
	struct udp *b = open_on(addr_v4(LOOPBACK, 0), UDP_VXLAN);
	struct datagram_run run = { .remote = udp_bound(b, 0),
				    .local = addr_v4(LOOPBACK2,
						     udp_bound(a, 0).port),
				    .data = (uint8_t[]){ 1 },
				    .len = 1,
				    .spread = 3 },
			    got;
	struct addr from = addr_v4(LOOPBACK2, 0);

	udp_send(a, &run, 1, &events, NULL);
	got = next(b);
	from.port = got.remote.port;
	ck_assert(addr_equal(&got.remote, &from));
	ck_assert_uint_ne(from.port, udp_bound(a, 0).port);
	udp_close(a);
	udp_close(b);
}
END_TEST

START_TEST(udp_over_ipv6_without_a_checksum_is_taken)
{
	struct addr listen = { .ip = { [15] = 1 } };
	struct udp *u = open_on(listen, UDP_VXLAN);
	struct sockaddr_in6 to = { .sin6_family = AF_INET6,
				   .sin6_port = htons(udp_bound(u, 0).port),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0), on = 1;

	ck_assert_int_eq(
		setsockopt(fd, IPPROTO_UDP, UDP_NO_CHECK6_TX, &on, sizeof(on)),
		0);
	ck_assert_int_eq(
		sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
	ck_assert_uint_eq(next(u).len, 1);
	close(fd);
	udp_close(u);
}
END_TEST

START_TEST(runs_are_sent_and_read_as_of_sealed_peers)
{
	struct udp *a = open_on(addr_v4(LOOPBACK, 0), UDP_VXLAN);
	struct udp *b = open_on(addr_v4(LOOPBACK, 0), UDP_VXLAN);
	uint8_t data[10 * 1000];
	size_t got = 0;

	memset(data, 7, sizeof(data));
	send_flow(a, udp_bound(b, 0), 9, data, sizeof(data), 1000);
	ck_assert_uint_eq(lost, 0);
	while (got < sizeof(data)) {
		struct datagram_run r = next(b);

		ck_assert(r.segment_len == 1000 || r.len == 1000);
		got += r.len;
	}
	ck_assert_int_eq(udp_send_batching(a), UDP_RUNS);
	udp_close(a);
	udp_close(b);
}
END_TEST

START_TEST(one_full_socket_of_a_flow_is_enough_to_wait)
{
	struct udp *u = open_on(addr_v4(LOOPBACK, 0), UDP_VXLAN);

	udp_limit(u, 1000);
	ck_assert(!udp_is_full(u, 1000));
	send_flow(u, udp_bound(u, 0), 1, "x", 1, 0);
	send_flow(u, udp_bound(u, 0), 2, "x", 1, 0);
	ck_assert(!udp_is_full(u, 1001));
	udp_has_room_again(u, 1, 1002);
	udp_close(u);
}
END_TEST

START_TEST(the_kernels_vxlan_is_named_where_the_port_is_taken)
{
	struct udp *u = open_on(addr_v4(LOOPBACK, 0), UDP_VXLAN);
	struct addr listen = udp_bound(u, 0);
	char *error = NULL;

	ck_assert_ptr_null(udp_open(&listen, 1, UDP_VXLAN, NULL, &error));
	ck_assert_ptr_nonnull(strstr(error, "ip -d link show type vxlan"));
	free(error);
	udp_close(u);
}
END_TEST

/* ---- GRE ---- */

/* NULL where this process may not. */
static struct udp *open_gre(struct addr listen)
{
	char *error = NULL;
	struct udp *u = udp_open(&listen, 1, UDP_GRE, NULL, &error);

	if (!u) {
		ck_assert_msg(strstr(error, "CAP_NET_RAW") != NULL, "%s",
			      error);
		free(error);
	}
	return u;
}

static void pass_gre(struct addr from, struct addr to)
{
	/* Version 0, no flags, Ethernet: the kernel's own GRE has none here. */
	static const uint8_t data[60] = { 0, 0, 0x65, 0x58, 1, 2, 3 };
	struct udp *a = open_gre(from), *b = open_gre(to);
	struct datagram_run r;

	if (!a || !b) {
		udp_close(a);
		udp_close(b);
		return;
	}
	ck_assert_int_eq(udp_send_batching(a), UDP_BATCH);
	ck_assert_int_eq(udp_receive_batching(a), UDP_BATCH);
	/* A run is cut: three of them. */
	send_flow(a, to, 77, data, sizeof(data), 20);
	ck_assert_msg(lost == 0, "%s", drop_name(why));
	for (int i = 0; i < 3; i++) {
		struct pollfd p = { .fd = udp_fd(b, 0), .events = POLLIN };
		const struct datagram_run *all;
		bool more;
		size_t n;

		ck_assert_int_eq(poll(&p, 1, 5000), 1);
		n = udp_receive(b, 0, &all, &more);
		ck_assert_uint_ge(n, 1);
		i += (int)n - 1;
		r = all[0];
		ck_assert_uint_eq(r.len, 20);
	}
	ck_assert(addr_equal(&r.remote, &from));
	ck_assert_mem_eq(r.local.ip, to.ip, sizeof(to.ip));
	ck_assert_uint_eq(r.local.port, IPPROTO_GRE);
	/* An answer leaves from there. */
	r.remote = from;
	r.data = (uint8_t *)(uintptr_t)data;
	r.len = 10;
	udp_send(b, &r, 1, &events, NULL);
	r = next(a);
	ck_assert_uint_eq(r.len, 10);
	ck_assert_mem_eq(r.data, data, 10);
	ck_assert(addr_equal(&r.remote, &to));
	udp_close(a);
	udp_close(b);
}

START_TEST(gre_passes_without_the_ip_header)
{
	pass_gre(addr_v4(LOOPBACK, 0), addr_v4(LOOPBACK2, 0));
}
END_TEST

START_TEST(gre_has_a_socket_for_each_family)
{
	char *error = NULL;
	struct udp *u = udp_open_default(0, UDP_GRE, NULL, &error);
	const struct addr to4 = addr_v4(LOOPBACK, 0);
	struct addr to6 = { .ip = { [15] = 1 } };

	if (!u) {
		ck_assert_ptr_nonnull(strstr(error, "CAP_NET_RAW"));
		free(error);
		return;
	}
	ck_assert_int_ge(udp_fd(u, 1), 0);
	ck_assert_int_eq(udp_fd(u, 2), -1);
	send_flow(u, to6, 0, "\0\0\145\130", 4, 0);
	send_flow(u, to4, 0, "\0\0\145\130", 4, 0);
	for (unsigned i = 0; i < 2; i++) {
		struct pollfd p = { .fd = udp_fd(u, i), .events = POLLIN };
		const struct datagram_run *r;
		bool more;

		ck_assert_int_eq(poll(&p, 1, 5000), 1);
		ck_assert_uint_eq(udp_receive(u, i, &r, &more), 1);
		ck_assert_uint_eq(r->len, 4);
		ck_assert(addr_equal(&r->remote, i == 0 ? &to6 : &to4));
	}
	udp_close(u);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("udp_plain", .timeout_s = 30),
	UNIT_TEST(flows_leave_from_ports_of_their_own),
	UNIT_TEST(what_answers_to_a_flow_is_never_taken),
	UNIT_TEST(a_local_address_is_kept_to),
	UNIT_TEST(udp_over_ipv6_without_a_checksum_is_taken),
	UNIT_TEST(runs_are_sent_and_read_as_of_sealed_peers),
	UNIT_TEST(one_full_socket_of_a_flow_is_enough_to_wait),
	UNIT_TEST(the_kernels_vxlan_is_named_where_the_port_is_taken),
	UNIT_TEST(gre_passes_without_the_ip_header),
	UNIT_TEST(gre_has_a_socket_for_each_family),
};

UNIT_MAIN("udp_plain", tests)
