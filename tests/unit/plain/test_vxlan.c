#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "plain/vxlan.h"
#include "support/alloc.h"
#include "support/main.h"
#include "support/vectors.h"

static const uint8_t *frame;
static size_t frame_len;

/* Of exactly that length on the heap: AddressSanitizer sees what is read past it. */
static enum drop_reason take(const char *hex, uint32_t vni)
{
	uint8_t bytes[64], *copy;
	const size_t len = hex_decode(bytes, sizeof(bytes), hex);
	enum drop_reason reason;

	copy = test_copy(bytes, len);
	frame = NULL;
	frame_len = 0;
	reason = vxlan_take(copy, len, vni, &frame, &frame_len);
	ck_assert(reason != DROP_NONE || frame == copy + 8);
	free(copy);
	return reason;
}

/* RFC 7348, section 5: the I flag, 24 reserved bits, the VNI, 8 reserved bits. */
START_TEST(header_is_the_rfcs)
{
	uint8_t header[VXLAN_LEN], want[VXLAN_LEN];

	vxlan_put(header, 0x123456);
	hex_exact(want, sizeof(want), "08000000 12345600");
	ck_assert_mem_eq(header, want, sizeof(want));
	vxlan_put(header, 0);
	hex_exact(want, sizeof(want), "08000000 00000000");
	ck_assert_mem_eq(header, want, sizeof(want));
	vxlan_put(header, 0xffffff);
	hex_exact(want, sizeof(want), "08000000 ffffff00");
	ck_assert_mem_eq(header, want, sizeof(want));
}
END_TEST

/* As Linux sends it: "ip link add type vxlan id 123". */
START_TEST(frame_is_what_follows)
{
	ck_assert_int_eq(take("08000000 00007b00 aabbcc", 123), DROP_NONE);
	ck_assert_uint_eq(frame_len, 3);
	ck_assert_int_eq(take("08000000 00007b00", 123), DROP_NONE);
	ck_assert_uint_eq(frame_len, 0);
}
END_TEST

START_TEST(what_is_reserved_is_ignored)
{
	ck_assert_int_eq(take("f8ffffff 00007bff aa", 123), DROP_NONE);
	/* VXLAN-GBP: G, D, A, a policy. */
	ck_assert_int_eq(take("88480017 00007b00 aa", 123), DROP_NONE);
	/* VXLAN-GPE's B: a copy of a frame for many. */
	ck_assert_int_eq(take("0a000000 00007b00 aa", 123), DROP_NONE);
}
END_TEST

START_TEST(another_networks_is_dropped)
{
	ck_assert_int_eq(take("08000000 00007c00 aa", 123), DROP_vxlan_vni);
	ck_assert_int_eq(take("08000000 01007b00 aa", 123), DROP_vxlan_vni);
	ck_assert_ptr_null(frame);
}
END_TEST

START_TEST(attack_other_formats_and_short_headers_are_dropped)
{
	ck_assert_int_eq(take("00000000 00007b00 aa", 123), DROP_vxlan_bad);
	/* VXLAN-GPE: a next protocol; OAM. */
	ck_assert_int_eq(take("0c000003 00007b00 aa", 123), DROP_vxlan_bad);
	ck_assert_int_eq(take("09000000 00007b00 aa", 123), DROP_vxlan_bad);
	ck_assert_int_eq(take("", 0), DROP_vxlan_bad);
	ck_assert_int_eq(take("08", 0), DROP_vxlan_bad);
	ck_assert_int_eq(take("08000000 00007b", 0), DROP_vxlan_bad);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("vxlan"),
	UNIT_TEST(header_is_the_rfcs),
	UNIT_TEST(frame_is_what_follows),
	UNIT_TEST(what_is_reserved_is_ignored),
	UNIT_TEST(another_networks_is_dropped),
	UNIT_TEST(attack_other_formats_and_short_headers_are_dropped),
};

UNIT_MAIN("vxlan", tests)
