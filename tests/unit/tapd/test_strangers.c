/* Handshakes come to a socket of their own. */
#include "support/main.h"
#include "tapd/underlay/strangers.h"
#include "tapd/underlay/udp.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPBACK UINT32_C(0x7f000001)

static void note_lost(void *user, const struct addr *to,
		      enum drop_reason reason, size_t size, uint64_t count)
{
	(void)user;
	(void)to;
	(void)size;
	(void)count;
	ck_abort_msg("%s", drop_text(reason));
}

static const struct udp_events events = { .lost = note_lost };

static struct udp *open_kind(int kind)
{
	static const struct addr listen[] = {
		{ .ip = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 } },
		{ .ip = { [15] = 1 } },
	};
	char *error = NULL;
	struct udp *u =
		kind == 2
			? udp_open_default(0, UDP_SEALED, NULL, &error)
			: udp_open(&listen[kind], 1, UDP_SEALED, NULL, &error);

	ck_assert_msg(u != NULL, "%s", error);
	ck_assert_int_ge(udp_strangers_fd(u, 0), 0);
	return u;
}

static bool comes_to(int fd, int within_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, within_ms) == 1;
}

static void send_bytes(struct udp *u, struct addr to, const void *bytes,
		       size_t len, size_t segment_len)
{
	const struct datagram_run run = { .remote = to,
					  .data = (uint8_t *)(uintptr_t)bytes,
					  .len = len,
					  .segment_len = segment_len };

	udp_send(u, &run, 1, &events, NULL);
}

static struct addr address_of(const struct udp *u, int kind)
{
	return kind == 2 ? addr_v4(LOOPBACK, udp_bound(u, 0).port)
			 : udp_bound(u, 0);
}

/* By the type alone: what it holds besides is nobody's business here. */
START_TEST(each_type_comes_to_its_socket)
{
	static const struct {
		const char *bytes;
		size_t len;
		bool data;
	} of[] = {
		{ "\1\0\0\0", 4, false },
		{ "\2\0\0\0", 4, false },
		{ "\3\0\0\0", 4, false },
		{ "\4\0\0\0", 4, true },
		{ "\5\0\0\0\0\0\0\1\1", 9, false },
		{ "\5\0\0\0\0\0\0\1\2", 9, false },
		{ "\5\0\0\0\0\0\0\1\3", 9, false },
		{ "\5\0\0\0\0\0\0\1\4", 9, true },
		{ "\5\0\0\0\0\0\0\1\5", 9, false },
		{ "\0", 1, false },
		{ "\6", 1, false },
		{ "\xff", 1, false },
		/* Too short for the program to see a type. */
		{ "\5", 1, true },
	};
	const int kind = _i / 3;
	struct udp *a = open_kind(kind == 2 ? 0 : kind), *b = open_kind(kind);
	const struct datagram_run *r;
	bool more;

	udp_set_batching(b, UDP_RUNS, (enum udp_batching)(_i % 3));
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		int fd = of[i].data ? udp_fd(b, 0) : udp_strangers_fd(b, 0);
		int other = of[i].data ? udp_strangers_fd(b, 0) : udp_fd(b, 0);
		const struct addr from = udp_bound(a, 0),
				  to = address_of(b, kind);

		send_bytes(a, to, of[i].bytes, of[i].len, 0);
		ck_assert_msg(comes_to(fd, 5000), "message %zu", i);
		ck_assert_msg(!comes_to(other, 0), "message %zu", i);
		ck_assert_uint_eq(
			of[i].data ? udp_receive(b, 0, &r, &more)
				   : udp_receive_strangers(b, 0, &r, &more),
			1);
		ck_assert_uint_eq(r->len, of[i].len);
		ck_assert_mem_eq(r->data, of[i].bytes, of[i].len);
		ck_assert(addr_equal(&r->remote, &from));
		ck_assert(addr_equal(&r->local, &to));
	}
	udp_close(a);
	udp_close(b);
}
END_TEST

/* However many come as one message, a turn is given a few, and then the next ones. */
START_TEST(few_are_handed_out_at_once)
{
	enum { COUNT = 60, LEN = 144 };
	static uint8_t data[COUNT * LEN];
	struct udp *a = open_kind(0), *b = open_kind(0);
	const struct datagram_run *r;
	size_t got = 0;
	bool more = false;

	for (size_t i = 0; i < COUNT; i++)
		memset(data + i * LEN, (int)i, LEN);
	for (size_t i = 0; i < COUNT; i++)
		data[i * LEN] = 1;
	send_bytes(a, udp_bound(b, 0), data, sizeof(data), LEN);
	while (got < COUNT) {
		ck_assert(more || comes_to(udp_strangers_fd(b, 0), 5000));
		ck_assert_uint_eq(udp_receive_strangers(b, 0, &r, &more), 1);
		ck_assert_uint_le(r->len, 8 * LEN);
		ck_assert_mem_eq(r->data, data + got * LEN, r->len);
		got += r->len / LEN;
	}
	ck_assert(!more);
	ck_assert_uint_eq(udp_receive_strangers(b, 0, &r, &more), 0);
	udp_close(a);
	udp_close(b);
}
END_TEST

START_TEST(attack_a_flood_of_handshakes_takes_no_place_of_data)
{
	static const uint8_t initiation[144] = { 1 }, frame[500] = { 4 };
	struct udp *a = open_kind(0), *b = open_kind(0);
	const struct addr to = udp_bound(b, 0);
	const struct datagram_run *r;
	size_t got = 0;
	bool more = true;

	/* More than any of the two buffers holds. */
	for (int i = 0; i < 40000; i++)
		send_bytes(a, to, initiation, sizeof(initiation), 0);
	for (int i = 0; i < 100; i++)
		send_bytes(a, to, frame, sizeof(frame), 0);
	while (more)
		got += udp_receive(b, 0, &r, &more);
	ck_assert_uint_eq(got, 100);
	ck_assert_uint_eq(udp_overflows(b), 0);
	do {
		(void)udp_receive_strangers(b, 0, &r, &more);
	} while (comes_to(udp_strangers_fd(b, 0), 0));
	/* The next one tells of those before it. */
	send_bytes(a, to, initiation, sizeof(initiation), 0);
	ck_assert(comes_to(udp_strangers_fd(b, 0), 5000));
	ck_assert_uint_eq(udp_receive_strangers(b, 0, &r, &more), 1);
	ck_assert_uint_gt(udp_strangers_overflows(b), 1000);
	ck_assert_uint_eq(udp_overflows(b), 0);
	udp_close(a);
	udp_close(b);
}
END_TEST

/* A second tapd, of the same user too, is refused as ever. */
START_TEST(a_port_that_is_shared_by_us_is_in_use_for_others)
{
	struct udp *a = open_kind(_i);
	struct addr listen = udp_bound(a, 0);
	char *error = NULL;

	ck_assert_ptr_null(udp_open(&listen, 1, UDP_SEALED, NULL, &error));
	ck_assert_ptr_nonnull(strstr(error, "another tapd?"));
	free(error);
	udp_close(a);
}
END_TEST

/* As where a kernel refuses: the socket goes on alone, and nobody may join it. */
START_TEST(where_there_can_be_no_other_the_one_socket_takes_all)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_addr = { htonl(LOOPBACK) } };
	int other = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(name), one = sizeof(int);
	struct udp *u = open_kind(0);
	struct udp_socket s = { .fd = udp_fd(u, 0), .family = AF_INET },
			  strangers = { .fd = 7 };
	int shared = 1;

	/* A program that shares its address with nobody. */
	ck_assert_int_eq(bind(other, (struct sockaddr *)&name, len), 0);
	ck_assert_int_eq(getsockname(other, (struct sockaddr *)&name, &len), 0);
	s.bound = addr_v4(LOOPBACK, ntohs(name.sin_port));
	ck_assert_int_eq(strangers_open(&strangers, &s), -EADDRINUSE);
	ck_assert_int_eq(strangers.fd, -1);
	ck_assert_int_eq(
		getsockopt(s.fd, SOL_SOCKET, SO_REUSEPORT, &shared, &one), 0);
	ck_assert_int_eq(shared, 0);
	close(other);
	udp_close(u);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("strangers", .timeout_s = 30),
	UNIT_LOOP(each_type_comes_to_its_socket, 9),
	UNIT_TEST(few_are_handed_out_at_once),
	UNIT_TEST(attack_a_flood_of_handshakes_takes_no_place_of_data),
	UNIT_TEST(where_there_can_be_no_other_the_one_socket_takes_all),
	UNIT_LOOP(a_port_that_is_shared_by_us_is_in_use_for_others, 3),
};

UNIT_MAIN("strangers", tests)
