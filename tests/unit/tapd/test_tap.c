#include "ether/vnet.h"
#include "tapd/tap/tap.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#include "support/frame_len.h"
#include "support/main.h"
#include "support/netns.h"
#include "support/segments.h"

#define ETHERTYPE_TEST 0x88b5 /* IEEE 802: local experimental */

static struct tap *open_tap(const char *name)
{
	char *error = NULL;
	struct tap *t = tap_open(name, &error);

	if (!t)
		ck_abort_msg("%s", error);
	return t;
}

static void expect_error(const char *name, const char *text)
{
	char *error = NULL;

	ck_assert_ptr_null(tap_open(name, &error));
	if (!strstr(error, text) || !strstr(error, name))
		ck_abort_msg("\"%s\" lacks \"%s\" or the name", error, text);
	free(error);
}

/* The kernel's side of the interface: one ethertype, so that what IPv6 does on
 * a new interface is not in the way. */
static int open_packet(const char *name)
{
	const struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETHERTYPE_TEST),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	struct sockaddr_storage any = { 0 };
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETHERTYPE_TEST));

	ck_assert_int_ge(fd, 0);
	memcpy(&any, &at, sizeof(at));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&any, sizeof(at)), 0);
	return fd;
}

static size_t make_frame(uint8_t *frame, size_t payload, uint8_t tag)
{
	memset(frame, 0xff, 6);
	memcpy(frame + 6, "\x02\x00\x00\x00\x00\x01\x88\xb5", 8);
	memset(frame + 14, tag, payload);
	return 14 + payload;
}

/* A frame read, as the queue has it: its place has room for the largest. */
static const struct frame *read_next(struct tap *t)
{
	static uint8_t place[FRAME_HEADROOM + TAP_FRAME_MAX];
	static struct iovec piece;
	static struct frame frame = { .iov = &piece, .iovcnt = 1 };
	struct pollfd p = { .fd = tap_fd(t), .events = POLLIN };
	ssize_t n;

	while ((n = tap_read(t, place + FRAME_HEADROOM, &frame.offload)) ==
	       -EAGAIN)
		ck_assert_int_eq(poll(&p, 1, 5000), 1);
	ck_assert_int_gt(n, 0);
	piece = (struct iovec){ place + FRAME_HEADROOM, (size_t)n };
	return &frame;
}

/* Reads until a frame of the test arrives. */
static const struct frame *read_frame(struct tap *t)
{
	const struct frame *f;
	const uint8_t *b;

	do {
		f = read_next(t);
		b = f->iov->iov_base;
	} while (b[12] != 0x88 || b[13] != 0xb5);
	return f;
}

START_TEST(made_tap_vanishes_unless_persistent)
{
	struct tap *t = open_tap("t0");

	ck_assert(tap_was_made(t));
	ck_assert_uint_ne(if_nametoindex("t0"), 0);
	tap_close(t);
	ck_assert_uint_eq(if_nametoindex("t0"), 0);

	t = open_tap("t0");
	ck_assert_int_eq(tap_set_persist(t, true), 0);
	unsigned index = if_nametoindex("t0");
	tap_close(t);
	ck_assert_uint_eq(if_nametoindex("t0"), index);

	t = open_tap("t0");
	ck_assert(!tap_was_made(t));
	ck_assert_uint_eq(if_nametoindex("t0"), index);
	ck_assert_int_eq(tap_set_persist(t, false), 0);
	tap_close(t);
	ck_assert_uint_eq(if_nametoindex("t0"), 0);
}
END_TEST

/* ip(8) makes TAPs without vnet_hdr: attaching with it works all the same. */
START_TEST(tap_of_the_administrator_is_attached_and_stays)
{
	static const char *const kinds[] = { "", "multi_queue" };
	char command[80];

	snprintf(command, sizeof(command), "ip tuntap add dev t0 mode tap %s",
		 kinds[_i]);
	netns_run(command);
	unsigned index = if_nametoindex("t0");
	struct tap *t = open_tap("t0");
	ck_assert(!tap_was_made(t));
	tap_close(t);
	ck_assert_uint_eq(if_nametoindex("t0"), index);
}
END_TEST

START_TEST(frames_pass_both_ways)
{
	uint8_t frame[1600], got[1600];
	struct tap *t = open_tap("t0");

	netns_run("ip link set t0 up");
	int packet = open_packet("t0");

	size_t len = make_frame(frame, 1000, 7);
	ck_assert_int_eq(send(packet, frame, len, 0), (ssize_t)len);
	const struct frame *f = read_frame(t);
	ck_assert_uint_eq(frame_len(f), len);
	ck_assert_mem_eq(f->iov->iov_base, frame, len);
	ck_assert(!f->offload.csum_partial);

	/* In two pieces. */
	const struct iovec pieces[] = { { frame, 14 }, { frame + 14, 1000 } };
	const struct frame out = { .iov = pieces, .iovcnt = 2 };
	ck_assert_uint_eq(tap_write(t, &out, 1), 0);
	ck_assert_int_eq(recv(packet, got, sizeof(got), 0), (ssize_t)len);
	ck_assert_mem_eq(got, frame, len);
	close(packet);
	tap_close(t);
}
END_TEST

START_TEST(batch_keeps_order_and_headroom)
{
	uint8_t frame[1600];
	struct tap *t = open_tap("t0");
	size_t len;

	netns_run("ip link set t0 up");
	int packet = open_packet("t0");
	for (uint8_t i = 0; i < 200; i++) {
		len = make_frame(frame, 46 + i * 7U, i);
		ck_assert_int_eq(send(packet, frame, len, 0), (ssize_t)len);
	}
	for (uint8_t i = 0; i < 200; i++) {
		const struct frame *f = read_frame(t);

		len = make_frame(frame, 46 + i * 7U, i);
		ck_assert_uint_eq(frame_len(f), len);
		ck_assert_mem_eq(f->iov->iov_base, frame, len);
		/* Writing there harms neither this frame nor the next. */
		memset((uint8_t *)f->iov->iov_base - FRAME_HEADROOM, 0xee,
		       FRAME_HEADROOM);
	}
	close(packet);
	tap_close(t);
}
END_TEST

START_TEST(largest_frame_fits)
{
	static uint8_t frame[14 + 65521];
	struct tap *t = open_tap("t0");

	netns_run("ip link set t0 mtu 65521 up");
	int packet = open_packet("t0");
	size_t len = make_frame(frame, 65521, 9);
	ck_assert_int_eq(send(packet, frame, len, 0), (ssize_t)len);
	const struct frame *f = read_frame(t);
	ck_assert_uint_eq(frame_len(f), len);
	ck_assert_mem_eq(f->iov->iov_base, frame, len);
	close(packet);
	tap_close(t);
}
END_TEST

START_TEST(interface_that_is_down_refuses_frames_and_lives)
{
	static uint8_t place[FRAME_HEADROOM + TAP_FRAME_MAX];
	struct offload offload;
	uint8_t frame[100];
	struct tap *t = open_tap("t0");
	const struct iovec piece = { frame, make_frame(frame, 50, 1) };
	const struct frame out = { .iov = &piece, .iovcnt = 1 };

	ck_assert_uint_eq(tap_write(t, &out, 1), 1);
	ck_assert_int_lt(tap_read(t, place + FRAME_HEADROOM, &offload), 0);
	ck_assert(tap_is_alive(t));
	netns_run("ip link set t0 up");
	ck_assert_uint_eq(tap_write(t, &out, 1), 0);
	tap_close(t);
}
END_TEST

START_TEST(deleted_interface_is_noticed)
{
	static uint8_t place[FRAME_HEADROOM + TAP_FRAME_MAX];
	struct offload offload;
	struct tap *t = open_tap("t0");

	netns_run("ip link set t0 up");
	netns_run("ip link del t0");
	struct pollfd p = { .fd = tap_fd(t), .events = POLLIN };
	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	ssize_t n = tap_read(t, place + FRAME_HEADROOM, &offload);
	ck_assert_int_lt(n, 0);
	ck_assert_int_ne(n, -EAGAIN);
	ck_assert(!tap_is_alive(t));
	tap_close(t);
}
END_TEST

START_TEST(carrier_follows)
{
	struct tap *t = open_tap("t0");

	netns_run("ip link set t0 up");
	ck_assert_int_eq(tap_set_carrier(t, false), 0);
	netns_run("ip link show t0 | grep -q NO-CARRIER");
	ck_assert_int_eq(tap_set_carrier(t, true), 0);
	netns_run("! ip link show t0 | grep -q NO-CARRIER");
	tap_close(t);
}
END_TEST

/* ---- GSO frames ---- */

/* The kernel's side, with what is left undone on it said in a vnet header. */
static int open_gso_packet(const char *name)
{
	int fd = open_packet(name), on = 1;
	struct sockaddr_storage any = { 0 };
	const struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(name),
	};

	ck_assert_int_eq(
		setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)),
		0);
	memcpy(&any, &at, sizeof(at));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&any, sizeof(at)), 0);
	return fd;
}

/* What the kernel does by itself on a new interface would be in the way. */
static struct tap *open_quiet_tap(void)
{
	struct tap *t = open_tap("t0");

	netns_run("echo 1 > /proc/sys/net/ipv6/conf/t0/disable_ipv6");
	netns_run("ip link set t0 address 02:00:00:00:00:02 up");
	return t;
}

static const struct segment streams[] = {
	{ .flags = SEGMENT_ACK | SEGMENT_PSH, .df = true },
	{ .flags = SEGMENT_ACK, .ipv6 = true },
	{ .udp = true },
	{ .udp = true, .ipv6 = true },
};
#define STREAMS 4

static struct segment stream(int i)
{
	struct segment s = streams[i];

	s.src = 1;
	s.dst = 2;
	s.ttl = 64;
	s.src_port = 40000;
	s.dst_port = 5001;
	s.payload_len = 4567;
	return s;
}

static uint8_t bytes[VNET_HDR_LEN + SEGMENT_MAX], want[SEGMENT_MAX];
#define GSO_SIZE 1000

/* Vnet header and GSO frame in `bytes`; the length of both. */
static size_t make_gso(const struct segment *s, struct offload *o)
{
	size_t len = segment_build_gso(bytes + VNET_HDR_LEN, SEGMENT_MAX, s,
				       GSO_SIZE, o);

	vnet_pack(o, bytes);
	return VNET_HDR_LEN + len;
}

static const struct frame *read_any(struct tap *t, const uint8_t *start)
{
	const struct frame *f;

	do {
		f = read_next(t);
	} while (memcmp(f->iov->iov_base, start, 2 * ETH_ADDR_LEN) != 0);
	return f;
}

static void assert_read(const struct frame *f, size_t len, bool partial)
{
	ck_assert_uint_eq(frame_len(f), len);
	ck_assert_int_eq(f->offload.csum_partial, partial);
	segment_assert_sound(f->iov->iov_base, len, &f->offload);
	ck_assert_mem_eq(f->iov->iov_base, want, len);
}

static bool may_be_gso(enum tap_offload offload, const struct segment *s)
{
	return offload >= (s->udp ? TAP_OFFLOAD_ALL : TAP_OFFLOAD_TSO);
}

/* Nothing is left to us that was not asked for: the kernel cuts and completes
 * what stays with it. */
START_TEST(as_much_is_left_to_us_as_was_asked_for)
{
	static const char *const names[] = { "none", "checksum", "tso", "all" };
	struct tap *t = open_quiet_tap();
	enum tap_offload most = (enum tap_offload)(_i % 4);
	const struct segment s = stream(_i / 4);
	int packet = open_gso_packet("t0");
	struct offload o;
	size_t len = make_gso(&s, &o);

	/* From above and from below. */
	tap_set_offload(t, TAP_OFFLOAD_ALL - most);
	if (tap_set_offload(t, most) != most) {
		printf("%s: skipped, it needs Linux 6.2\n", names[most]);
		return;
	}
	ck_assert_str_eq(tap_offload_words[most], names[most]);
	ck_assert_int_eq(send(packet, bytes, len, 0), (ssize_t)len);
	if (may_be_gso(most, &s)) {
		const struct frame *f = read_any(t, bytes + VNET_HDR_LEN);

		memcpy(want, bytes + VNET_HDR_LEN, len - VNET_HDR_LEN);
		assert_read(f, len - VNET_HDR_LEN, true);
		ck_assert_int_eq(f->offload.gso, o.gso);
		ck_assert_uint_eq(f->offload.gso_size, GSO_SIZE);
	}
	for (unsigned i = 0; i < 5 && !may_be_gso(most, &s); i++) {
		struct segment e =
			segment_of_gso(&s, (size_t)i * GSO_SIZE, GSO_SIZE, i);

		len = segment_build(want, sizeof(want), &e, &o);
		if (most == TAP_OFFLOAD_NONE)
			segment_complete(want, len, &o);
		assert_read(read_any(t, want), len, most != TAP_OFFLOAD_NONE);
	}
	close(packet);
	tap_close(t);
}
END_TEST

START_TEST(gso_frames_are_taken_in_several_iovecs)
{
	const struct segment s = stream(_i);
	struct tap *t = open_quiet_tap();
	int packet = open_gso_packet("t0");
	struct offload o;
	size_t len = make_gso(&s, &o) - VNET_HDR_LEN;
	uint8_t *frame = bytes + VNET_HDR_LEN;
	const struct iovec pieces[] = { { frame, 1054 },
					{ frame + 1054, 1000 },
					{ frame + 2054, len - 2054 } };
	const struct frame out = { pieces, 3, o };
	static uint8_t got[VNET_HDR_LEN + SEGMENT_MAX];
	struct offload heard;

	ck_assert_uint_eq(tap_write(t, &out, 1), 0);
	ck_assert(!tap_refuses_tcp(t));
	ck_assert(!tap_refuses_udp(t));
	ck_assert_int_eq(recv(packet, got, sizeof(got), 0),
			 (ssize_t)(VNET_HDR_LEN + len));
	ck_assert_mem_eq(got + VNET_HDR_LEN, frame, len);
	ck_assert(vnet_unpack(&heard, got));
	ck_assert_int_eq(heard.gso, o.gso);
	ck_assert_uint_eq(heard.gso_size, GSO_SIZE);
	close(packet);
	tap_close(t);
}
END_TEST

START_TEST(gso_frame_with_a_tag_is_taken)
{
	struct segment s = stream(0);
	struct tap *t = open_quiet_tap();
	int packet = open_gso_packet("t0");
	struct offload o;
	static uint8_t got[VNET_HDR_LEN + SEGMENT_MAX];

	s.tags = 1;
	s.vlan = 7;
	size_t len = make_gso(&s, &o) - VNET_HDR_LEN;
	uint8_t *frame = bytes + VNET_HDR_LEN;
	const struct iovec piece = { frame, len };
	const struct frame out = { &piece, 1, o };
	ck_assert_uint_eq(tap_write(t, &out, 1), 0);
	/* The kernel keeps the tag beside the frame. */
	ck_assert_int_eq(recv(packet, got, sizeof(got), 0),
			 (ssize_t)(VNET_HDR_LEN + len - ETH_TAG_LEN));
	ck_assert_mem_eq(got + VNET_HDR_LEN + ETH_HEADER_LEN,
			 frame + ETH_HEADER_LEN + ETH_TAG_LEN,
			 len - ETH_HEADER_LEN - ETH_TAG_LEN);
	close(packet);
	tap_close(t);
}
END_TEST

/* What the frame's last receiver sees of a merged run of datagrams. */
START_TEST(udp_gso_frame_is_datagrams_to_a_socket)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_port = htons(5001) };
	struct sockaddr_storage any = { 0 };
	const struct segment s = stream(2);
	struct tap *t = open_quiet_tap();
	int sock = socket(AF_INET, SOCK_DGRAM, 0);
	struct offload o;
	size_t len = make_gso(&s, &o) - VNET_HDR_LEN;
	const struct iovec piece = { bytes + VNET_HDR_LEN, len };
	const struct frame out = { &piece, 1, o };
	uint8_t got[2 * GSO_SIZE];

	netns_run("ip addr add 10.77.0.2/24 dev t0");
	ck_assert_int_ge(sock, 0);
	memcpy(&any, &at, sizeof(at));
	ck_assert_int_eq(bind(sock, (struct sockaddr *)&any, sizeof(at)), 0);
	ck_assert_uint_eq(tap_write(t, &out, 1), 0);
	for (size_t at_byte = 0; at_byte < s.payload_len; at_byte += GSO_SIZE) {
		size_t left = s.payload_len - at_byte;
		ssize_t n = recv(sock, got, sizeof(got), 0);

		ck_assert_int_eq(n, left < GSO_SIZE ? (ssize_t)left : GSO_SIZE);
		for (size_t i = 0; i < (size_t)n; i++)
			ck_assert_uint_eq(
				got[i], segment_byte((uint32_t)(at_byte + i)));
	}
	close(sock);
	tap_close(t);
}
END_TEST

/* A header longer than the frame stands for what some kernels refuse. */
START_TEST(refused_gso_frame_is_remembered_by_its_kind)
{
	const struct segment tcp = stream(0), udp = stream(2);
	struct tap *t = open_quiet_tap();
	struct offload o;
	size_t len = make_gso(&udp, &o) - VNET_HDR_LEN;
	const struct iovec piece = { bytes + VNET_HDR_LEN, 60 };
	struct frame out = { &piece, 1, { .csum_partial = true } };

	(void)len;
	/* An ordinary frame that is refused says nothing. */
	out.offload.csum_start = 2000;
	ck_assert_uint_eq(tap_write(t, &out, 1), 1);
	ck_assert(!tap_refuses_tcp(t));
	ck_assert(!tap_refuses_udp(t));
	o.hdr_len = 2000;
	out.offload = o;
	ck_assert_uint_eq(tap_write(t, &out, 1), 1);
	ck_assert(!tap_refuses_tcp(t));
	ck_assert(tap_refuses_udp(t));
	make_gso(&tcp, &o);
	o.hdr_len = 2000;
	out.offload = o;
	ck_assert_uint_eq(tap_write(t, &out, 1), 1);
	ck_assert(tap_refuses_tcp(t));
	tap_close(t);
}
END_TEST

/* What a service manager's copy of the descriptor is for. */
START_TEST(kept_descriptor_holds_the_carrier_and_is_adopted)
{
	uint8_t frame[1600];
	struct tap *t = open_tap("t0");

	ck_assert_int_eq(tap_set_persist(t, true), 0);
	netns_run("ip link set t0 up");
	int kept = dup(tap_fd(t));
	tap_close(t);
	netns_run("! ip link show t0 | grep -q NO-CARRIER");

	t = tap_adopt(kept, "t0");
	ck_assert_ptr_nonnull(t);
	ck_assert(!tap_was_made(t));
	ck_assert_int_eq(fcntl(kept, F_GETFD), FD_CLOEXEC);
	int packet = open_packet("t0");
	size_t len = make_frame(frame, 100, 7);
	ck_assert_int_eq(send(packet, frame, len, 0), (ssize_t)len);
	ck_assert_uint_eq(frame_len(read_frame(t)), len);
	close(packet);
	tap_close(t);
}
END_TEST

START_TEST(descriptor_that_is_not_of_this_tap_is_not_adopted)
{
	struct tap *t = open_tap("t0");
	int null = open("/dev/null", O_RDWR);

	ck_assert_ptr_null(tap_adopt(tap_fd(t), "t1"));
	ck_assert_ptr_null(tap_adopt(null, "t0"));
	ck_assert_ptr_null(tap_adopt(-1, "t0"));
	netns_run("ip link del t0");
	ck_assert_ptr_null(tap_adopt(tap_fd(t), "t0"));
	close(null);
	tap_close(t);
}
END_TEST

START_TEST(errors_say_what_is_wrong)
{
	struct tap *t = open_tap("t0");

	expect_error("t0", "in use by another program");
	tap_close(t);
	expect_error("lo", "no TAP");
	netns_run("ip tuntap add dev tun0 mode tun");
	expect_error("tun0", "no TAP");
	expect_error("a-name-that-is-too-long", "1 to 15 characters");
	expect_error("tap%d", "1 to 15 characters");
	expect_error("a/b", "does not allow this name");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("tap", .setup = netns_enter, .timeout_s = 30,
		  .allowed = netns_is_allowed),
	UNIT_TEST(made_tap_vanishes_unless_persistent),
	UNIT_LOOP(tap_of_the_administrator_is_attached_and_stays, 2),
	UNIT_TEST(frames_pass_both_ways),
	UNIT_TEST(batch_keeps_order_and_headroom),
	UNIT_TEST(largest_frame_fits),
	UNIT_TEST(interface_that_is_down_refuses_frames_and_lives),
	UNIT_TEST(deleted_interface_is_noticed),
	UNIT_LOOP(as_much_is_left_to_us_as_was_asked_for, 4 * STREAMS),
	UNIT_LOOP(gso_frames_are_taken_in_several_iovecs, STREAMS),
	UNIT_TEST(gso_frame_with_a_tag_is_taken),
	UNIT_TEST(udp_gso_frame_is_datagrams_to_a_socket),
	UNIT_TEST(refused_gso_frame_is_remembered_by_its_kind),
	UNIT_TEST(carrier_follows),
	UNIT_TEST(kept_descriptor_holds_the_carrier_and_is_adopted),
	UNIT_TEST(descriptor_that_is_not_of_this_tap_is_not_adopted),
	UNIT_TEST(errors_say_what_is_wrong),
};

UNIT_MAIN("tap", tests)
