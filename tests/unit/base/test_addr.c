#include <check.h>
#include <string.h>

#include "base/addr.h"
#include "support/main.h"

#define PORT 8273

static struct addr parsed(const char *text)
{
	struct addr a;

	ck_assert_msg(addr_parse(&a, text, PORT), "\"%s\"", text);
	return a;
}

static struct prefix prefix(const char *text)
{
	struct prefix p;

	ck_assert_msg(prefix_parse(&p, text), "\"%s\"", text);
	return p;
}

static const struct {
	const char *text, *canonical;
} good[] = {
	{ "10.9.0.2", "10.9.0.2:8273" },
	{ "10.9.0.2:1", "10.9.0.2:1" },
	{ "255.255.255.255:65535", "255.255.255.255:65535" },
	{ "fd00::2", "[fd00::2]:8273" },
	{ "[fd00::2]", "[fd00::2]:8273" },
	{ "[fd00::2]:99", "[fd00::2]:99" },
	{ "fe80::1%3", "[fe80::1%3]:8273" },
	{ "[fe80::1%3]:99", "[fe80::1%3]:99" },
	{ "[fe80::1%4294967295]:99", "[fe80::1%4294967295]:99" },
	{ "fe80::1", "[fe80::1]:8273" },
	/* v4-mapped is IPv4 */
	{ "::ffff:1.2.3.4", "1.2.3.4:8273" },
	{ "[::ffff:102:304]:99", "1.2.3.4:99" },
	/* RFC 5952, section 4: no leading zeros, lower case, the longest run
	 * of zeros shortened, the first of equals, never a single group */
	{ "2001:0db8::0001", "[2001:db8::1]:8273" },
	{ "2001:db8:0:0:0:0:2:1", "[2001:db8::2:1]:8273" },
	{ "2001:db8::1:1:1:1:1", "[2001:db8:0:1:1:1:1:1]:8273" },
	{ "2001:0:0:1:0:0:0:1", "[2001:0:0:1::1]:8273" },
	{ "2001:db8:0:0:1:0:0:1", "[2001:db8::1:0:0:1]:8273" },
	{ "2001:DB8::AbC", "[2001:db8::abc]:8273" },
	{ "1::", "[1::]:8273" },
	{ "::1", "[::1]:8273" },
	{ "::", "[::]:8273" },
	{ "::1:2", "[::1:2]:8273" },
	{ "64:ff9b::192.0.2.33", "[64:ff9b::c000:221]:8273" },
	{ "1111:2222:3333:4444:5555:6666:7777:8888",
	  "[1111:2222:3333:4444:5555:6666:7777:8888]:8273" },
};

START_TEST(reads_endpoints_and_prints_them_canonically)
{
	struct addr a = parsed(good[_i].text), again;
	char buf[ADDR_STRLEN];

	ck_assert_str_eq(addr_print(&a, buf), good[_i].canonical);
	again = parsed(buf);
	ck_assert(addr_equal(&a, &again));
}
END_TEST

static const char *const bad[] = {
	"",
	" ",
	"host",
	"host.example:8273",
	"10.9.0",
	"10.9.0.2.3",
	"10.9.0.256",
	"10.9.0.02",
	"010.9.0.2",
	"0x0a.9.0.2",
	"10.9.0.2 ",
	" 10.9.0.2",
	"10.9.0.2:",
	"10.9.0.2:0",
	"10.9.0.2:65536",
	"10.9.0.2:-1",
	"10.9.0.2:+1",
	"10.9.0.2: 1",
	"10.9.0.2:1 ",
	"10.9.0.2:08273",
	"10.9.0.2:8273:1",
	"10.9.0.2/24",
	"10.9.0.2:18446744073709559889",
	"10.9.0.2%1",
	":8273",
	":",
	"[",
	"]",
	"[]",
	"[]:8273",
	"[fd00::2",
	"fd00::2]",
	"[fd00::2]:",
	"[fd00::2]8273",
	"[fd00::2]:0",
	"[fd00::2]:x",
	"[fd00::2]]:1",
	"[[fd00::2]]:1",
	"[10.9.0.2]:8273",
	":::",
	"fd00::2::3",
	"12345::",
	"g::",
	"fe80::1%",
	"fe80::1%0",
	"fe80::1%eth0",
	"fe80::1%4294967296",
	"fe80::1%1%2",
	"fd00::1%3",
	"::ffff:10.9.0.2%3",
	"%3",
	"1111:2222:3333:4444:5555:6666:7777:8888:9999",
	"0000000000000000000000000000000000000000000000000000000000000000::1",
	("[1111:2222:3333:4444:5555:6666:7777:8888"
	 "0000000000000000000000000000000000000000000000000000]:1"),
};

START_TEST(refuses_anything_else_and_leaves_zeros)
{
	static const struct addr zero;
	struct addr a;

	memset(&a, 0xaa, sizeof(a));
	ck_assert_msg(!addr_parse(&a, bad[_i], PORT), "\"%s\"", bad[_i]);
	ck_assert(addr_equal(&a, &zero));
}
END_TEST

START_TEST(port_is_mandatory_without_a_default)
{
	struct addr a;

	ck_assert(!addr_parse(&a, "10.9.0.2", 0));
	ck_assert(!addr_parse(&a, "fd00::2", 0));
	ck_assert(addr_parse(&a, "10.9.0.2:5", 0));
	ck_assert_uint_eq(a.port, 5);
}
END_TEST

START_TEST(v4_is_kept_mapped)
{
	static const uint8_t mapped[16] = { [10] = 0xff, 0xff, 10, 9, 0, 2 };
	struct addr a = addr_v4(0x0a090002, 7), b = parsed("10.9.0.2:7");

	ck_assert_mem_eq(a.ip, mapped, 16);
	ck_assert(addr_is_v4(&a));
	ck_assert(addr_equal(&a, &b));
	b = parsed("::10.9.0.2"); /* v4-compatible is not v4-mapped */
	ck_assert(!addr_is_v4(&b));
}
END_TEST

START_TEST(link_local_is_10_bits)
{
	static const struct {
		const char *text;
		bool local;
	} table[] = {
		{ "fe80::1", true },	    { "febf:ffff::1", true },
		{ "fec0::1", false },	    { "fe7f::1", false },
		{ "fd80::1", false },	    { "ff02::1", false },
		{ "169.254.0.1:1", false },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct addr a = parsed(table[i].text);

		ck_assert_msg(addr_is_link_local(&a) == table[i].local, "%s",
			      table[i].text);
	}
}
END_TEST

START_TEST(equality_sees_every_field)
{
	struct addr a = parsed("[fe80::1%3]:7"), b = a;

	b.port = 8;
	ck_assert(!addr_equal(&a, &b));
	b = a;
	b.scope = 4;
	ck_assert(!addr_equal(&a, &b));
	b = a;
	b.ip[15] = 2;
	ck_assert(!addr_equal(&a, &b));
}
END_TEST

START_TEST(key_is_equal_for_equal_addresses_only)
{
	static const char *const texts[] = {
		"[fe80::1%3]:7", "[fe80::1%4]:7", "[fe80::1%3]:8",
		"[fe80::2%3]:7", "10.9.0.2:7",	  "10.9.0.3:7",
	};
	uint8_t x[ADDR_KEY_LEN], y[ADDR_KEY_LEN];
	size_t n = sizeof(texts) / sizeof(texts[0]);

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			struct addr a, b;

			/* Equal whatever the padding holds. */
			memset(&a, 0xaa, sizeof(a));
			memset(&b, 0x55, sizeof(b));
			ck_assert(addr_parse(&a, texts[i], 1));
			ck_assert(addr_parse(&b, texts[j], 1));
			addr_key(&a, x);
			addr_key(&b, y);
			ck_assert_int_eq(memcmp(x, y, sizeof(x)) == 0, i == j);
		}
	}
}
END_TEST

START_TEST(unicast_is_where_a_peer_can_be)
{
	static const char *const usable[] = {
		"10.0.0.1",  "127.0.0.1",	"::1",
		"fe80::1%2", "223.255.255.255", "fd00::1"
	};
	static const char *const unusable[] = {
		"0.0.0.0", "::",      "255.255.255.255", "224.0.0.1",
		"ff02::1", "ff0e::1", "239.255.255.255",
	};

	for (size_t i = 0; i < sizeof(usable) / sizeof(usable[0]); i++) {
		struct addr a = parsed(usable[i]);

		ck_assert_msg(addr_is_unicast(&a), "%s", usable[i]);
	}
	for (size_t i = 0; i < sizeof(unusable) / sizeof(unusable[0]); i++) {
		struct addr a = parsed(unusable[i]);

		ck_assert_msg(!addr_is_unicast(&a), "%s", unusable[i]);
	}
}
END_TEST

START_TEST(host_is_printed_without_port_and_brackets)
{
	struct addr a = parsed("[fe80::1%3]:7");
	char buf[ADDR_STRLEN];

	ck_assert_str_eq(addr_print_host(&a, buf), "fe80::1%3");
	a = parsed("10.9.0.2:7");
	ck_assert_str_eq(addr_print_host(&a, buf), "10.9.0.2");
}
END_TEST

START_TEST(longest_address_fits_its_buffer)
{
	struct addr a = { .scope = UINT32_MAX, .port = UINT16_MAX };
	char buf[ADDR_STRLEN];

	memset(a.ip, 0xff, sizeof(a.ip));
	ck_assert_str_eq(addr_print(&a, buf),
			 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
			 "%4294967295]:65535");
}
END_TEST

static const char *const prefixes[] = {
	"10.77.0.1/24", "0.0.0.0/0", "255.255.255.255/32", "fd77::1/64",
	"::/0",		"::1/128",   "fe80::1/10",
};

START_TEST(prefixes_keep_host_bits_and_round_trip)
{
	struct prefix p = prefix(prefixes[_i]), again;
	char buf[PREFIX_STRLEN];

	ck_assert_str_eq(prefix_print(&p, buf), prefixes[_i]);
	again = prefix(buf);
	ck_assert(prefix_equal(&p, &again));
	ck_assert_uint_eq(p.addr.port, 0);
}
END_TEST

static const char *const bad_prefixes[] = {
	"",
	"/",
	"10.77.0.1",
	"10.77.0.1/",
	"10.77.0.1/33",
	"/24",
	"10.77.0.1/-1",
	"10.77.0.1/024",
	"10.77.0.1/2 4",
	"fd77::1/129",
	"[fd77::1]/64",
	"fd77::1%2/64",
	"10.77.0.1:1/8",
	"10.77.0.1/8/8",
	"::ffff:10.77.0.1/120",
	"10.77.0.1/99999999999",
};

START_TEST(refuses_other_prefixes_and_leaves_zeros)
{
	static const struct prefix zero;
	struct prefix p;

	memset(&p, 0xaa, sizeof(p));
	ck_assert_msg(!prefix_parse(&p, bad_prefixes[_i]), "\"%s\"",
		      bad_prefixes[_i]);
	ck_assert(prefix_equal(&p, &zero));
}
END_TEST

static const struct {
	const char *prefix, *addr;
	bool contains;
} contains[] = {
	{ "10.77.0.1/24", "10.77.0.200", true },
	{ "10.77.0.1/24", "10.77.1.1", false },
	{ "10.77.0.1/23", "10.77.1.1", true },
	{ "10.77.0.1/25", "10.77.0.127", true },
	{ "10.77.0.1/25", "10.77.0.128", false },
	{ "10.77.0.1/32", "10.77.0.1", true },
	{ "10.77.0.1/32", "10.77.0.0", false },
	{ "0.0.0.0/0", "203.0.113.9", true },
	{ "0.0.0.0/0", "fd00::1", false },
	{ "::/0", "203.0.113.9", false },
	{ "::/0", "fd00::1", true },
	{ "fd77::1/64", "fd77::ffff:1", true },
	{ "fd77::1/64", "fd77:0:0:1::1", false },
	{ "fe80::1/10", "febf::1%2", true },
	{ "fe80::1/10", "fec0::1", false },
	{ "fd77::1/127", "fd77::0", true },
	{ "fd77::1/128", "fd77::1", true },
	{ "fd77::1/128", "fd77::0", false },
};

START_TEST(prefix_contains_its_network)
{
	struct prefix p = prefix(contains[_i].prefix);
	struct addr a = parsed(contains[_i].addr);

	ck_assert_msg(prefix_contains(&p, &a) == contains[_i].contains,
		      "%s in %s", contains[_i].addr, contains[_i].prefix);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_EACH(reads_endpoints_and_prints_them_canonically, good),
	UNIT_EACH(refuses_anything_else_and_leaves_zeros, bad),
	UNIT_TEST(port_is_mandatory_without_a_default),
	UNIT_TEST(v4_is_kept_mapped),
	UNIT_TEST(link_local_is_10_bits),
	UNIT_TEST(equality_sees_every_field),
	UNIT_TEST(key_is_equal_for_equal_addresses_only),
	UNIT_TEST(unicast_is_where_a_peer_can_be),
	UNIT_TEST(host_is_printed_without_port_and_brackets),
	UNIT_TEST(longest_address_fits_its_buffer),
	UNIT_EACH(prefixes_keep_host_bits_and_round_trip, prefixes),
	UNIT_EACH(refuses_other_prefixes_and_leaves_zeros, bad_prefixes),
	UNIT_EACH(prefix_contains_its_network, contains),
};

UNIT_MAIN("addr", tests)
