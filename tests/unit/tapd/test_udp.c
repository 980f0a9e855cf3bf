#include "support/main.h"
#include "tapd/underlay/udp.h"

#include <check.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define LOOPBACK UINT32_C(0x7f000001)

/* What was reported lost. */
static struct {
	unsigned calls;
	struct addr to;
	enum drop_reason reason;
	size_t size;
	uint64_t count;
} lost;

static void note_lost(void *user, const struct addr *to,
		      enum drop_reason reason, size_t size, uint64_t count)
{
	(void)user;
	lost.calls++;
	lost.to = *to;
	lost.reason = reason;
	lost.size = size;
	lost.count += count;
}

/* What was reported to leave from another address. */
static struct {
	unsigned calls;
	struct way way;
} gone;

static void note_gone(void *user, const struct way *way)
{
	(void)user;
	gone.calls++;
	gone.way = *way;
}

static const struct udp_events events = { note_lost, note_gone };

static struct udp *open_on(struct addr listen)
{
	char *error = NULL;
	struct udp *u = udp_open(&listen, 1, UDP_SEALED, NULL, &error);

	if (!u)
		ck_abort_msg("%s", error);
	return u;
}

static struct udp *open_loopback(void)
{
	return open_on(addr_v4(LOOPBACK, 0));
}

static struct udp *open_both(void)
{
	char *error = NULL;
	struct udp *u = udp_open_default(0, UDP_SEALED, NULL, &error);

	if (!u)
		ck_abort_msg("%s", error);
	return u;
}

static void send_run(struct udp *u, struct addr to, const void *data,
		     size_t len, size_t segment_len)
{
	struct datagram_run run = { .remote = to,
				    .data = (uint8_t *)(uintptr_t)data,
				    .len = len,
				    .segment_len = segment_len };

	udp_send(u, &run, 1, &events, NULL);
}

/* Waits for at least one datagram. */
static size_t receive(struct udp *u, const struct datagram_run **out,
		      bool *more)
{
	struct pollfd p = { .fd = udp_fd(u, 0), .events = POLLIN };

	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	return udp_receive(u, 0, out, more);
}

/* Appends what arrives, runs taken apart, until len bytes are there. Checks
 * that each datagram is segment_len long, but the last. */
static void receive_all(struct udp *u, uint8_t *data, size_t len,
			size_t segment_len)
{
	size_t at = 0;

	while (at < len) {
		const struct datagram_run *r;
		bool more;
		size_t n = receive(u, &r, &more);

		for (size_t i = 0; i < n; i++) {
			size_t each =
				r[i].segment_len ? r[i].segment_len : r[i].len;

			ck_assert_uint_le(at + r[i].len, len);
			memcpy(data + at, r[i].data, r[i].len);
			at += r[i].len;
			ck_assert(each == segment_len || at == len);
		}
	}
}

/* Data messages begin with a 4; what does not comes to another socket:
 * test_strangers. */
static void fill(uint8_t *data, size_t len, size_t segment_len)
{
	for (size_t i = 0; i < len; i++)
		data[i] = i % segment_len ? (uint8_t)(i * 7 + i / 251) : 4;
}

START_TEST(datagram_arrives_with_its_sender)
{
	struct udp *a = open_loopback(), *b = open_loopback();
	struct addr from = udp_bound(a, 0);
	const struct datagram_run *r;
	bool more;

	send_run(a, udp_bound(b, 0), "\4ello", 5, 5);
	ck_assert_uint_eq(receive(b, &r, &more), 1);
	ck_assert_uint_eq(r->len, 5);
	ck_assert_uint_eq(r->segment_len, 0);
	ck_assert_mem_eq(r->data, "\4ello", 5);
	ck_assert(addr_equal(&r->remote, &from));
	ck_assert(!more);
	ck_assert_uint_eq(lost.calls, 0);
	udp_close(a);
	udp_close(b);
}
END_TEST

START_TEST(nothing_to_read_is_no_datagram)
{
	struct udp *u = open_loopback();
	const struct datagram_run *r;
	bool more = true;

	ck_assert_uint_eq(udp_receive(u, 0, &r, &more), 0);
	ck_assert(!more);
	udp_close(u);
}
END_TEST

START_TEST(dual_stack_socket_speaks_ipv4)
{
	struct udp *both = open_both(), *v4 = open_loopback();
	struct addr to = addr_v4(LOOPBACK, udp_bound(both, 0).port);
	struct addr from = udp_bound(v4, 0);
	const struct datagram_run *r;
	bool more;

	send_run(v4, to, "\4ing", 4, 0);
	ck_assert_uint_eq(receive(both, &r, &more), 1);
	ck_assert(addr_equal(&r->remote, &from));
	send_run(both, r->remote, "\4ong", 4, 0);
	ck_assert_uint_eq(receive(v4, &r, &more), 1);
	ck_assert_mem_eq(r->data, "\4ong", 4);
	ck_assert_uint_eq(lost.calls, 0);
	udp_close(both);
	udp_close(v4);
}
END_TEST

START_TEST(ipv6_reaches_ipv6)
{
	struct addr listen = { .ip = { [15] = 1 } };
	char *error = NULL;
	struct udp *a = udp_open(&listen, 1, UDP_SEALED, NULL, &error),
		   *b = NULL;
	const struct datagram_run *r;
	bool more;

	if (!a) {
		printf("%s: skipped\n", error);
		return;
	}
	b = open_on(listen);
	send_run(a, udp_bound(b, 0), "\4ix", 3, 0);
	ck_assert_uint_eq(receive(b, &r, &more), 1);
	listen.port = udp_bound(a, 0).port;
	ck_assert(addr_equal(&r->remote, &listen));
	udp_close(a);
	udp_close(b);
}
END_TEST

START_TEST(run_arrives_as_equal_datagrams)
{
	static uint8_t data[40 * 1200 + 17], got[sizeof(data)];
	struct udp *a = open_loopback(), *b = open_loopback();

	fill(data, sizeof(data), 1200);
	send_run(a, udp_bound(b, 0), data, sizeof(data), 1200);
	receive_all(b, got, sizeof(got), 1200);
	ck_assert_mem_eq(got, data, sizeof(data));
	ck_assert_uint_eq(lost.calls, 0);
	udp_close(a);
	udp_close(b);
}
END_TEST

/* More segments than any kernel takes at once stand for a kernel or a device
 * that takes none: the run goes out one by one, then and ever after. */
START_TEST(refused_run_is_sent_one_by_one)
{
	static uint8_t data[600 * 20], got[sizeof(data)];
	struct udp *a = open_loopback(), *b = open_loopback();

	fill(data, sizeof(data), 20);
	for (int i = 0; i < 2; i++) {
		memset(got, 0, sizeof(got));
		send_run(a, udp_bound(b, 0), data, sizeof(data), 20);
		receive_all(b, got, sizeof(got), 20);
		ck_assert_mem_eq(got, data, sizeof(data));
	}
	ck_assert_uint_eq(lost.calls, 0);
	udp_close(a);
	udp_close(b);
}
END_TEST

START_TEST(lost_message_does_not_stop_the_next)
{
	static uint8_t huge[65508] = { 4 }, one[] = "\4ne", two[] = "\4wo";
	struct udp *a = open_loopback(), *b = open_loopback();
	struct addr to = udp_bound(b, 0);
	const struct datagram_run runs[] = {
		{ .remote = to, .data = one, .len = 3 },
		{ .remote = to, .data = huge, .len = sizeof(huge) },
		{ .remote = to, .data = two, .len = 3 },
	};
	uint8_t got[6];

	udp_send(a, runs, 3, &events, NULL);
	receive_all(b, got, 6, 3);
	ck_assert_mem_eq(got, "\4ne\4wo", 6);
	ck_assert_uint_eq(lost.calls, 1);
	ck_assert_int_eq(lost.reason, DROP_send_too_big);
	ck_assert_uint_eq(lost.size, sizeof(huge));
	ck_assert_uint_eq(lost.count, 1);
	ck_assert(addr_equal(&lost.to, &to));
	udp_close(a);
	udp_close(b);
}
END_TEST

START_TEST(family_without_a_socket_is_unreachable)
{
	struct udp *u = open_loopback();
	struct addr to = { .ip = { [15] = 1 }, .port = 9 };
	uint8_t data[30] = { 0 };

	send_run(u, to, data, sizeof(data), 10);
	ck_assert_int_eq(lost.reason, DROP_send_unreachable);
	ck_assert_uint_eq(lost.size, 10);
	ck_assert_uint_eq(lost.count, 3);
	udp_close(u);
}
END_TEST

START_TEST(more_runs_than_a_batch_all_arrive_in_order)
{
	enum { RUNS = 150 };
	static struct datagram_run runs[RUNS];
	static uint8_t data[RUNS * 4], got[sizeof(data)];
	struct udp *a = open_loopback(), *b = open_loopback();

	fill(data, sizeof(data), 4);
	for (size_t i = 0; i < RUNS; i++)
		runs[i] = (struct datagram_run){ .remote = udp_bound(b, 0),
						 .data = data + 4 * i,
						 .len = 4 };
	udp_send(a, runs, RUNS, &events, NULL);
	receive_all(b, got, sizeof(got), 4);
	ck_assert_mem_eq(got, data, sizeof(data));
	udp_close(a);
	udp_close(b);
}
END_TEST

/* Peers on any two levels understand each other. */
START_TEST(every_way_to_send_meets_every_way_to_receive)
{
	static uint8_t data[100 * 700 + 17], got[sizeof(data)];
	const enum udp_batching send = (enum udp_batching)(_i % 3),
				read = (enum udp_batching)(_i / 3);
	struct udp *a = open_loopback(), *b = open_loopback();
	size_t at = 0, most = 0;
	bool runs = false;

	fill(data, sizeof(data), 700);
	udp_set_batching(a, send, UDP_RUNS);
	udp_set_batching(b, UDP_RUNS, read);
	ck_assert_int_eq(udp_send_batching(a), send);
	ck_assert_int_eq(udp_receive_batching(b), read);
	/* Up to 64 datagrams a run. */
	const struct datagram_run out[] = {
		{ .remote = udp_bound(b, 0),
		  .data = data,
		  .len = 60 * 700,
		  .segment_len = 700 },
		{ .remote = udp_bound(b, 0),
		  .data = data + 60 * 700,
		  .len = 40 * 700 + 17,
		  .segment_len = 700 },
	};
	udp_send(a, out, 2, &events, NULL);
	while (at < sizeof(data)) {
		const struct datagram_run *r;
		bool more;
		size_t n = receive(b, &r, &more);

		most = n > most ? n : most;
		for (size_t i = 0; i < n; i++) {
			size_t left = sizeof(data) - at;

			ck_assert_uint_le(r[i].len, left);
			memcpy(got + at, r[i].data, r[i].len);
			at += r[i].len;
			runs |= r[i].segment_len != 0;
			if (r[i].segment_len)
				ck_assert_uint_eq(r[i].segment_len, 700);
			else
				ck_assert_uint_eq(r[i].len,
						  left < 700 ? left : 700);
		}
	}
	ck_assert_mem_eq(got, data, sizeof(data));
	ck_assert_uint_eq(lost.calls, 0);
	if (read == UDP_SINGLE)
		ck_assert_uint_eq(most, 1);
	if (read == UDP_BATCH)
		ck_assert_uint_gt(most, 1);
	ck_assert(!runs || read == UDP_RUNS);
	if (send == UDP_RUNS && read == UDP_RUNS)
		ck_assert(runs);
	udp_close(a);
	udp_close(b);
}
END_TEST

START_TEST(batching_may_change_at_any_time)
{
	static uint8_t data[20 * 700], got[sizeof(data)];
	struct udp *a = open_loopback(), *b = open_loopback();

	fill(data, sizeof(data), 700);
	ck_assert_int_eq(udp_send_batching(a), UDP_RUNS);
	for (int i = 0; i < 9; i++) {
		udp_set_batching(a, (enum udp_batching)(2 - i % 3), UDP_SINGLE);
		udp_set_batching(b, UDP_SINGLE, (enum udp_batching)(i / 3));
		memset(got, 0, sizeof(got));
		send_run(a, udp_bound(b, 0), data, sizeof(data), 700);
		receive_all(b, got, sizeof(got), 700);
		ck_assert_mem_eq(got, data, sizeof(data));
	}
	ck_assert_uint_eq(lost.calls, 0);
	udp_close(a);
	udp_close(b);
}
END_TEST

START_TEST(overflow_of_the_receive_buffer_is_counted)
{
	static uint8_t data[60000] = { 4 };
	struct udp *a = open_loopback(), *b = open_loopback();
	struct addr to = udp_bound(b, 0);
	const struct datagram_run *r;
	unsigned sent = 400, got = 0;
	bool more;
	size_t n;

	/* 24 MB into at most 16 MB. */
	for (unsigned i = 0; i < sent; i++)
		send_run(a, to, data, sizeof(data), 0);
	while ((n = udp_receive(b, 0, &r, &more)) > 0)
		got += (unsigned)n;
	ck_assert_uint_lt(got, sent);
	/* The next one that fits tells. */
	send_run(a, to, "\4", 1, 0);
	ck_assert_uint_eq(receive(b, &r, &more), 1);
	ck_assert_uint_eq(udp_overflows(b), sent - got - lost.count);
	ck_assert_uint_eq(udp_overflows(b), 0);
	udp_close(a);
	udp_close(b);
}
END_TEST

START_TEST(port_in_use_is_named)
{
	struct udp *a = open_loopback();
	struct addr listen = udp_bound(a, 0);
	char text[ADDR_STRLEN];
	char *error = NULL;

	ck_assert_ptr_null(udp_open(&listen, 1, UDP_SEALED, NULL, &error));
	ck_assert_ptr_nonnull(strstr(error, addr_print(&listen, text)));
	ck_assert_ptr_nonnull(strstr(error, "another tapd?"));
	free(error);
	udp_close(a);
}
END_TEST

START_TEST(address_of_another_host_is_named)
{
	struct addr listen = addr_v4(UINT32_C(0xc0000201), 8273);
	char *error = NULL;

	ck_assert_ptr_null(udp_open(&listen, 1, UDP_SEALED, NULL, &error));
	ck_assert_ptr_nonnull(strstr(error, "192.0.2.1:8273"));
	free(error);
}
END_TEST

static bool is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 5000) == 1;
}

START_TEST(every_socket_is_bound_to_the_device)
{
	const struct routing routing = { .device = "lo" };
	struct addr listen = addr_v4(LOOPBACK, 0);
	char name[IF_NAMESIZE] = "", *error = NULL;
	struct udp *u = udp_open(&listen, 1, UDP_SEALED, &routing, &error);
	struct udp *from = open_loopback();

	if (!u)
		ck_abort_msg("%s", error);
	ck_assert(udp_has_device(u));
	ck_assert(udp_has_device(from));
	for (unsigned i = 0; udp_sender_fd(u, i) >= 0; i++) {
		socklen_t len = sizeof(name);

		ck_assert_int_eq(getsockopt(udp_sender_fd(u, i), SOL_SOCKET,
					    SO_BINDTODEVICE, name, &len),
				 0);
		ck_assert_str_eq(name, "lo");
	}
	/* One of the group would get nothing if it were bound elsewhere. */
	ck_assert_int_ge(udp_strangers_fd(u, 0), 0);
	send_run(from, udp_bound(u, 0), "\4data", 5, 0);
	ck_assert(is_readable(udp_fd(u, 0)));
	send_run(from, udp_bound(u, 0), "\1hello", 6, 0);
	ck_assert(is_readable(udp_strangers_fd(u, 0)));
	udp_close(from);
	udp_close(u);
}
END_TEST

START_TEST(device_that_is_not_there_is_named)
{
	const struct routing routing = { .device = "no-such-0" };
	struct addr listen = addr_v4(LOOPBACK, 0);
	char *error = NULL;

	ck_assert_ptr_null(udp_open(&listen, 1, UDP_SEALED, &routing, &error));
	ck_assert_str_eq(error, "device: this host has no interface and no VRF"
				" no-such-0: `ip link` shows those that it"
				" has");
	free(error);
}
END_TEST

START_TEST(both_families_may_be_listed_with_one_port)
{
	struct udp *probe = open_both();
	uint16_t port = udp_bound(probe, 0).port;
	struct addr listen[] = { { .port = port }, addr_v4(0, port) };
	char *error = NULL;

	udp_close(probe);
	struct udp *u = udp_open(listen, 2, UDP_SEALED, NULL, &error);
	if (!u && strstr(error, "no IPv6")) {
		printf("%s: skipped\n", error);
		return;
	}
	ck_assert_ptr_nonnull(u);
	ck_assert_int_ge(udp_fd(u, 1), 0);
	ck_assert_int_eq(udp_fd(u, 2), -1);
	udp_close(u);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("udp", .timeout_s = 30),
	UNIT_TEST(datagram_arrives_with_its_sender),
	UNIT_TEST(nothing_to_read_is_no_datagram),
	UNIT_TEST(dual_stack_socket_speaks_ipv4),
	UNIT_TEST(ipv6_reaches_ipv6),
	UNIT_TEST(run_arrives_as_equal_datagrams),
	UNIT_TEST(refused_run_is_sent_one_by_one),
	UNIT_TEST(lost_message_does_not_stop_the_next),
	UNIT_TEST(family_without_a_socket_is_unreachable),
	UNIT_TEST(more_runs_than_a_batch_all_arrive_in_order),
	UNIT_LOOP(every_way_to_send_meets_every_way_to_receive, 9),
	UNIT_TEST(batching_may_change_at_any_time),
	UNIT_TEST(overflow_of_the_receive_buffer_is_counted),
	UNIT_TEST(port_in_use_is_named),
	UNIT_TEST(address_of_another_host_is_named),
	UNIT_TEST(every_socket_is_bound_to_the_device),
	UNIT_TEST(device_that_is_not_there_is_named),
	UNIT_TEST(both_families_may_be_listed_with_one_port),
};

UNIT_MAIN("udp", tests)
