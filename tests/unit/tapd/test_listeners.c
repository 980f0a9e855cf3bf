#include "tapd/tap/listeners.h"

#include <net/if.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "support/main.h"
#include "support/netns.h"

static struct listeners *l;

static void setup(void)
{
	l = listeners_new();
	ck_assert_ptr_nonnull(l);
}

static void setup_netns(void)
{
	netns_enter();
	setup();
}

static void teardown(void)
{
	listeners_free(l);
}

static size_t count(void)
{
	size_t n;

	(void)listeners_macs(l, &n);
	return n;
}

static bool has(const char mac[6])
{
	size_t n;
	const uint8_t *macs = listeners_macs(l, &n);

	for (size_t i = 0; i < n; i++)
		if (memcmp(macs + 6 * i, mac, 6) == 0)
			return true;
	return false;
}

static void parse(const char *text, unsigned index)
{
	FILE *f = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(listeners_parse(l, f, index), 0);
	fclose(f);
}

START_TEST(only_the_interface_asked_for_is_listed)
{
	static const char text[] =
		"1    tap1            1     0     01005e000001\n"
		"12   tap0            1     0     01005e010203\n"
		"12   tap0            1     0     3333fffefdfc\n"
		"2    eth0            1     0     01005e0000fb\n"
		"3    ib0             1     0     "
		"00ffffffff12401bffff00000000000000000001\n";

	parse(text, 12);
	ck_assert_uint_eq(count(), 2);
	ck_assert(has("\x01\x00\x5e\x01\x02\x03"));
	ck_assert(has("\x33\x33\xff\xfe\xfd\xfc"));
	parse(text, 2);
	ck_assert_uint_eq(count(), 1);
	ck_assert(has("\x01\x00\x5e\x00\x00\xfb"));
	/* An address of another length is no MAC. */
	parse(text, 3);
	ck_assert_uint_eq(count(), 0);
	parse(text, 4);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(lines_that_make_no_sense_are_passed_over)
{
	parse("\n7\n7 tap0\n7 tap0 1 0 01005e00000\n7 tap0 1 0 01005e00000g\n"
	      "7 tap0 1 0 01005e0000010\nx y z\n7 tap0 1 0 01005e000001",
	      7);
	ck_assert_uint_eq(count(), 1);
}
END_TEST

START_TEST(list_is_as_long_as_the_kernels)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(f);
	for (int i = 0; i < 20000; i++)
		fprintf(f, "7    tap0    1     0     01005e%06x\n", i);
	ck_assert_int_eq(fclose(f), 0);
	parse(text, 7);
	ck_assert_uint_eq(count(), 20000);
	free(text);
}
END_TEST

/* As `ip maddr add` does. */
static void add_listener(const char *interface, const char mac[6])
{
	struct ifreq request = { .ifr_flags = 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ck_assert_int_ge(fd, 0);
	strcpy(request.ifr_name, interface);
	memcpy(request.ifr_hwaddr.sa_data, mac, 6);
	ck_assert_int_eq(ioctl(fd, SIOCADDMULTI, &request), 0);
	close(fd);
}

static void make_tap(const char *name)
{
	char command[80];

	snprintf(command, sizeof(command),
		 "ip tuntap add dev %s mode tap && ip link set %s up", name,
		 name);
	netns_run(command);
}

/* One read(2) gives 4 KiB, which is 85 lines. */
START_TEST(list_of_the_kernel_is_read_to_its_end)
{
	make_tap("t0");
	make_tap("t1");
	for (int i = 0; i < 1000; i++) {
		const char mac[6] = { 1, 0, 0x5e, 1, (char)(i >> 8), (char)i };

		add_listener("t0", mac);
	}
	add_listener("t1", "\x01\x00\x5e\x09\x09\x09");
	ck_assert_int_eq(listeners_read(l, if_nametoindex("t0")), 0);
	ck_assert_uint_ge(count(), 1000);
	ck_assert(has("\x01\x00\x5e\x01\x00\x00"));
	ck_assert(has("\x01\x00\x5e\x01\x03\xe7"));
	ck_assert(!has("\x01\x00\x5e\x09\x09\x09"));
	ck_assert_int_eq(listeners_read(l, if_nametoindex("t1")), 0);
	ck_assert(has("\x01\x00\x5e\x09\x09\x09"));
	ck_assert_uint_lt(count(), 20);
}
END_TEST

START_TEST(joins_on_top_of_the_interface_are_listed)
{
	make_tap("t0");
	netns_run("ip link add link t0 name m0 type macvlan &&"
		  " ip link set m0 up");
	add_listener("m0", "\x01\x00\x5e\x01\x02\x03");
	ck_assert_int_eq(listeners_read(l, if_nametoindex("t0")), 0);
	ck_assert(has("\x01\x00\x5e\x01\x02\x03"));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("text", .setup = setup, .teardown = teardown),
	UNIT_TEST(only_the_interface_asked_for_is_listed),
	UNIT_TEST(lines_that_make_no_sense_are_passed_over),
	UNIT_TEST(list_is_as_long_as_the_kernels),
	UNIT_CASE("kernel", .setup = setup_netns, .teardown = teardown,
		  .timeout_s = 30, .allowed = netns_is_allowed),
	UNIT_TEST(list_of_the_kernel_is_read_to_its_end),
	UNIT_TEST(joins_on_top_of_the_interface_are_listed),
};

UNIT_MAIN("listeners", tests)
