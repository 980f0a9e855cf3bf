/* RA guard: what it lets by, and what tries to get past it (RFC 7113). */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "ether/ra_guard.h"
#include "support/frames.h"
#include "support/main.h"
#include "support/vectors.h"

#define HERE	      "fe80::2"
#define GLOBAL	      "fd77::2"
#define ALL	      "ff02::1"
#define ECHO	      "80 00 0000 00000000"
#define SOLICIT	      "85 00 0000 00000000"
#define ADVERT	      "86 00 0000 40 00 0708 00000000 00000000"
#define NEIGHBOR      "87 00 0000 00000000 00000000000000000000000000000000"
#define REDIRECT      "89 00 0000 00000000 00000000000000000000000000000000"
#define OPTIONS(next) next " 00 010400000000"
#define EIGHT         \
	OPTIONS("3c") \
	OPTIONS("3c") \
	OPTIONS("3c") \
	OPTIONS("3c") \
	OPTIONS("3c") \
	OPTIONS("3c") \
	OPTIONS("3c") \
	OPTIONS("3c")
#define ATOMIC(next) next " 00 0000 00000001"
#define FIRST(next)  next " 00 0001 00000001"
#define LATER(next)  next " 00 0009 00000001"

/* An IPv6 packet, and whether it is dropped. */
struct packet {
	bool forbidden;
	const char *dst;
	uint8_t hop_limit, next;
	const char *body;
};

static const struct packet packets[] = {
	/* what it is for */
	{ true, ALL, 255, 58, ADVERT },
	{ true, HERE, 255, 58, ADVERT },
	{ true, GLOBAL, 255, 58, ADVERT },
	{ true, ALL, 64, 58, ADVERT },
	{ true, HERE, 255, 58, REDIRECT },
	{ true, GLOBAL, 255, 58, REDIRECT },
	{ true, ALL, 255, 58, "86" },
	/* behind extension headers */
	{ true, ALL, 255, 0, OPTIONS("3a") ADVERT },
	{ true, ALL, 255, 60, OPTIONS("3c") OPTIONS("3a") ADVERT },
	{ true, GLOBAL, 255, 60, EIGHT OPTIONS("3a") ADVERT },
	{ true, HERE, 64, 60, EIGHT OPTIONS("3a") ADVERT },
	{ true, ALL, 64, 60, EIGHT OPTIONS("11") "0001 0001 0008 0000" },
	{ true, ALL, 255, 60, "3a 09 0104" },
	/* in fragments */
	{ true, ALL, 255, 44, ATOMIC("3a") ADVERT },
	{ true, ALL, 255, 44, FIRST("3a") ADVERT },
	{ true, GLOBAL, 255, 44, FIRST("3a") REDIRECT },
	{ true, ALL, 255, 44, FIRST("3a") NEIGHBOR },
	{ true, ALL, 255, 44, ATOMIC("3a") SOLICIT },
	{ true, ALL, 255, 44, FIRST("3c") OPTIONS("3a") },
	{ true, GLOBAL, 255, 44, FIRST("3c") OPTIONS("3a") },
	{ true, ALL, 255, 44, FIRST("3c") "3a 01 010400000000" },
	{ true, ALL, 255, 44, FIRST("3a") },
	{ true, ALL, 255, 44, ATOMIC("2c") LATER("3a") ADVERT },
	/* and what is let by */
	{ false, ALL, 255, 58, SOLICIT },
	{ false, ALL, 255, 58, NEIGHBOR },
	{ false, GLOBAL, 64, 58, ECHO },
	{ false, ALL, 64, 58, ECHO },
	{ false, GLOBAL, 64, 44, FIRST("3a") ECHO },
	{ false, ALL, 255, 44, LATER("3a") ADVERT },
	{ false, ALL, 255, 44, LATER("3c") ADVERT },
	{ false, GLOBAL, 64, 44, FIRST("3c") OPTIONS("3a") },
	{ false, GLOBAL, 64, 60, EIGHT OPTIONS("11") "0001 0001 0008 0000" },
	{ false, ALL, 1, 0, OPTIONS("3a") "8f 00 0000 00000000" },
	{ false, ALL, 255, 17, "8600 0001 0008 0000" },
	{ false, ALL, 255, 59, ADVERT },
	{ false, ALL, 255, 89, ADVERT },
};

static uint8_t buf[512];
static struct writer w;

static void open_frame(const char *tags, uint16_t type)
{
	size_t len;

	w = writer_init(buf, sizeof(buf));
	put_eth(&w, 2, 1, type);
	w.len -= 2;
	len = hex_decode(buf + w.len, sizeof(buf) - w.len, tags);
	w.len += len;
	writer_u16(&w, type);
}

static void put_packet(const struct packet *p)
{
	uint8_t body[256];
	size_t len = hex_decode(body, sizeof(body), p->body);
	struct ip_header ip = {
		.src = { 0xfe, 0x80, [15] = 1 },
		.proto = p->next,
		.ttl = p->hop_limit,
	};
	struct addr dst;

	ck_assert(addr_parse(&dst, p->dst, 1));
	memcpy(ip.dst, dst.ip, sizeof(ip.dst));
	put_ip(&w, &ip, len);
	writer_bytes(&w, body, len);
}

/* Of a copy of exactly that length. */
static bool is_forbidden(size_t len)
{
	uint8_t *frame = malloc(len);
	struct eth_view v;
	bool forbidden;

	ck_assert(frame != NULL);
	memcpy(frame, buf, len);
	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	forbidden = ra_guard_forbids(&v, frame, len);
	free(frame);
	return forbidden;
}

START_TEST(advertisements_and_redirects_and_what_hides_them)
{
	open_frame("", ETH_TYPE_IPV6);
	put_packet(&packets[_i]);
	ck_assert_int_eq(is_forbidden(w.len), packets[_i].forbidden);
	/* … and padded. */
	writer_zeros(&w, 40);
	ck_assert_int_eq(is_forbidden(w.len), packets[_i].forbidden);
}
END_TEST

/* The kernel takes off as many tags without a VLAN as there are. */
START_TEST(behind_any_number_of_tags)
{
	static const char *const tags[] = {
		"8100 0007",
		"8100 0000",
		"88a8 0007 8100 0005",
		"8100 0000 8100 0000 8100 0000",
		"88a8 0000 8100 0000 88a8 0000 8100 0000 8100 0005",
	};

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		open_frame(tags[i], ETH_TYPE_IPV6);
		put_packet(&packets[_i]);
		ck_assert_int_eq(is_forbidden(w.len), packets[_i].forbidden);
	}
}
END_TEST

/* With hop-by-hop options a length of 0 is a jumbogram's, or no length: the
 * kernel reads to the frame's end. */
START_TEST(behind_a_length_of_zero)
{
	static const struct packet advert = { true, GLOBAL, 255, 0,
					      OPTIONS("3a") ADVERT };

	open_frame("", ETH_TYPE_IPV6);
	put_packet(&advert);
	store_be16(buf + ETH_HEADER_LEN + 4, 0);
	ck_assert(is_forbidden(w.len));
}
END_TEST

START_TEST(ipv4_redirects)
{
	static const uint8_t redirect = 5, echo = 8;

	for (int i = 0; i < 2; i++) {
		const char *tags = i ? "8100 0000 8100 0000 8100 0000" : "";

		open_frame(tags, ETH_TYPE_IPV4);
		put_ipv4(&w, 1, 28);
		writer_u8(&w, redirect);
		writer_zeros(&w, 27);
		ck_assert(is_forbidden(w.len));
		buf[w.len - 28] = echo;
		ck_assert(!is_forbidden(w.len));
		buf[w.len - 28] = redirect;
		buf[w.len - 28 - 20 + 9] = 17;
		ck_assert(!is_forbidden(w.len));
	}
}
END_TEST

START_TEST(every_cut_is_read_in_bounds)
{
	open_frame("8100 0000 8100 0000 8100 0000", ETH_TYPE_IPV6);
	put_packet(&packets[_i]);
	for (size_t len = 18; len < w.len; len++)
		(void)is_forbidden(len);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("ra_guard"),
	UNIT_EACH(advertisements_and_redirects_and_what_hides_them, packets),
	UNIT_EACH(behind_any_number_of_tags, packets),
	UNIT_TEST(behind_a_length_of_zero),
	UNIT_TEST(ipv4_redirects),
	UNIT_EACH(every_cut_is_read_in_bounds, packets),
};

UNIT_MAIN("ra_guard", tests)
