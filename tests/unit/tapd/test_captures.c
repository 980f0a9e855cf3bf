/* The kernel's list of packet sockets: as text, and of a namespace. */
#include "tapd/tap/captures.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/main.h"
#include "support/netns.h"

#define HEADER \
	"sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n"

static bool on_7(void *user, unsigned index)
{
	(void)user;
	return index == 0 || index == 7;
}

static struct capture find_in(const char *text)
{
	char path[] = "/tmp/captures-XXXXXX";
	int fd = mkstemp(path);
	struct capture found;
	size_t len = strlen(text);

	ck_assert_int_ge(fd, 0);
	unlink(path);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	ck_assert_int_eq(captures_find(fd, on_7, NULL, &found), 0);
	close(fd);
	return found;
}

static const struct {
	const char *line;
	uint16_t protocol; /* of the capture that it is; 0: none */
} samples[] = {
	{ "ffff888100000001 3      3    0003   7     1 0      0      123", 3 },
	{ "ffff888100000001 3      3    0800   7     1 0      0      123",
	  0x800 },
	{ "ffff888100000001 3      2    86dd   0     1 0      0      123",
	  0x86dd },
	{ "0000000000000000 3      3    8100   7     1 4096   1000   123",
	  0x8100 },
	{ "0000000000000000 3      3    88a8   7     1 0      0      123",
	  0x88a8 },
	{ "c1234567 3      10   0003   0     1 0      0      123", 3 },
	/* Another interface; not bound; ARP, RARP as Keepalived, LLDP, none. */
	{ "ffff888100000001 3      3    0003   6     1 0      0      123", 0 },
	{ "ffff888100000001 3      3    0003   70    1 0      0      123", 0 },
	{ "ffff888100000001 3      3    0003   0     0 0      0      123", 0 },
	{ "ffff888100000001 3      3    0003   7     0 0      0      123", 0 },
	{ "ffff888100000001 3      3    0806   7     1 0      0      123", 0 },
	{ "ffff888100000001 3      3    8035   0     1 0      0      123", 0 },
	{ "ffff888100000001 3      3    88cc   7     1 0      0      123", 0 },
	{ "ffff888100000001 3      3    0000   0     1 0      0      123", 0 },
	{ "ffff888100000001 3      3    0001   7     1 0      0      123", 0 },
	/* Cut, and what no kernel writes. */
	{ "", 0 },
	{ "ffff888100000001", 0 },
	{ "ffff888100000001 3      3    0003   7     1 0      0", 0 },
	{ "ffff888100000001 3      3    0003   7     1", 0 },
	{ "ffff888100000001 3      3    0003   7", 0 },
	{ "ffff888100000001 3      3    zzzz   7     1 0      0      123", 0 },
	{ "ffff888100000001 3      3    10003  7     1 0      0      123", 0 },
	{ "ffff888100000001 3      3    0003   -7    1 0      0      123", 0 },
	{ "ffff888100000001 3      3    0003   4294967303 1 0 0      123", 0 },
	{ "ffff888100000001 3      3    0003   99999999999999999999 1 0 0 1",
	  0 },
	{ "ffff888100000001 3      3    0003   7     11 0     0      123", 0 },
};

START_TEST(a_line_is_a_capture_or_none)
{
	char text[512];
	struct capture found;

	snprintf(text, sizeof(text), HEADER "%s\n", samples[_i].line);
	found = find_in(text);
	ck_assert_uint_eq(found.protocol, samples[_i].protocol);
	/* A line without its end may have been longer. */
	text[strlen(text) - 1] = '\0';
	ck_assert_uint_eq(find_in(text).protocol, 0);
}
END_TEST

START_TEST(nobody_is_found_in_nothing)
{
	ck_assert_uint_eq(find_in("").protocol, 0);
	ck_assert_uint_eq(find_in(HEADER).protocol, 0);
	ck_assert_uint_eq(find_in("\n\n \n").protocol, 0);
}
END_TEST

/* Lines lie across the reads' ends in every way. */
START_TEST(a_capture_behind_many_lines_is_found)
{
	static char text[200 * 90];
	size_t len = 0;

	for (int i = 0; i < 130 + _i; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"%s 3 3 8035 0 1 0 0 %d\n",
					&"ffff888100000001"[i % 7], i);
	snprintf(text + len, sizeof(text) - len, "%s\n", samples[0].line);
	ck_assert_uint_eq(find_in(text).protocol, 3);
}
END_TEST

START_TEST(a_line_without_end_is_bounded)
{
	static char text[20000];

	memset(text, 'x', 10000);
	snprintf(text + 10000, 200, "\n%s\n", samples[1].line);
	ck_assert_uint_eq(find_in(text).protocol, 0x800);
}
END_TEST

/* ---- the kernel's ---- */

static int open_socket(int type, uint16_t protocol, const char *interface)
{
	const struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = interface ? (int)if_nametoindex(interface) : 0,
	};
	int fd = socket(AF_PACKET, type, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static bool on_lo(void *user, unsigned index)
{
	(void)user;
	return index == 0 || index == if_nametoindex("lo");
}

START_TEST(sockets_come_and_go)
{
	static const struct {
		int type;
		uint16_t protocol;
		const char *interface;
		bool captures;
	} sockets[] = {
		{ SOCK_RAW, ETH_P_ALL, "lo", true },
		{ SOCK_DGRAM, ETH_P_IP, NULL, true },
		{ SOCK_RAW, ETH_P_IPV6, "lo", true },
		{ SOCK_RAW, ETH_P_8021Q, "lo", true },
		{ SOCK_RAW, ETH_P_ALL, "v0", false },
		{ SOCK_RAW, ETH_P_RARP, NULL, false },
		{ SOCK_RAW, 0, "lo", false },
	};
	struct capture found;
	int list, unbound;

	netns_enter();
	netns_run("ip link add v0 type veth peer name v1");
	list = captures_open();
	ck_assert_int_ge(list, 0);
	unbound = socket(AF_PACKET, SOCK_RAW, 0);
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		int fd = open_socket(sockets[i].type, sockets[i].protocol,
				     sockets[i].interface);

		ck_assert_int_eq(captures_find(list, on_lo, NULL, &found), 0);
		ck_assert_uint_eq(found.protocol, sockets[i].captures
							  ? sockets[i].protocol
							  : 0);
		close(fd);
		ck_assert_int_eq(captures_find(list, on_lo, NULL, &found), 0);
		ck_assert_uint_eq(found.protocol, 0);
	}
	close(unbound);
	close(list);
}
END_TEST

START_TEST(hundreds_of_others_hide_none)
{
	struct capture found;
	int list;

	netns_enter();
	netns_run("ip link set lo up");
	open_socket(SOCK_RAW, ETH_P_ALL, "lo");
	for (int i = 0; i < 300; i++)
		open_socket(SOCK_RAW, ETH_P_RARP, NULL);
	list = captures_open();
	ck_assert_int_ge(list, 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(captures_find(list, on_lo, NULL, &found), 0);
		ck_assert_uint_eq(found.protocol, ETH_P_ALL);
	}
	close(list);
	ck_assert_int_lt(captures_find(list, on_lo, NULL, &found), 0);
	ck_assert_uint_eq(found.protocol, 0);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("text"),
	UNIT_EACH(a_line_is_a_capture_or_none, samples),
	UNIT_TEST(nobody_is_found_in_nothing),
	UNIT_LOOP(a_capture_behind_many_lines_is_found, 40),
	UNIT_TEST(a_line_without_end_is_bounded),
	UNIT_CASE("the kernel's list", .allowed = netns_is_allowed),
	UNIT_TEST(sockets_come_and_go),
	UNIT_TEST(hundreds_of_others_hide_none),
};

UNIT_MAIN("captures", tests)
