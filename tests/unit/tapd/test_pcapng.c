#include "tapd/control/pcapng.h"

#include <string.h>

#include "support/main.h"

static const uint8_t frame[] = { 1, 2, 3, 4, 5 };
static uint8_t out[4096];

static uint32_t word(size_t at)
{
	uint32_t value;

	memcpy(&value, out + at, sizeof(value));
	return value;
}

static uint16_t half(size_t at)
{
	uint16_t value;

	memcpy(&value, out + at, sizeof(value));
	return value;
}

START_TEST(file_begins_with_a_section_and_an_interface)
{
	const size_t len = pcapng_begin(out, sizeof(out), "tapd 1", "tap0");
	const size_t section = word(4);

	/* draft-ietf-opsawg-pcapng, 4.1: magic, 1.0, length unknown. */
	ck_assert_uint_eq(word(0), 0x0a0d0d0a);
	ck_assert_uint_eq(word(8), 0x1a2b3c4d);
	ck_assert_uint_eq(half(12), 1);
	ck_assert_uint_eq(half(14), 0);
	ck_assert_uint_eq(word(16), 0xffffffff);
	ck_assert_uint_eq(word(20), 0xffffffff);
	ck_assert_uint_eq(half(24), 4);
	ck_assert_uint_eq(half(26), 6);
	ck_assert_mem_eq(out + 28, "tapd 1\0\0", 8);
	ck_assert_uint_eq(word(36), 0);
	ck_assert_uint_eq(word(section - 4), section);
	/* 4.2: Ethernet. */
	ck_assert_uint_eq(word(section), 1);
	ck_assert_uint_eq(half(section + 8), 1);
	ck_assert_uint_eq(word(section + 12), 0);
	ck_assert_uint_eq(half(section + 16), 2);
	ck_assert_mem_eq(out + section + 20, "tap0", 4);
	ck_assert_uint_eq(half(section + 24), 9);
	ck_assert_uint_eq(out[section + 28], 6);
	ck_assert_uint_eq(word(len - 4), len - section);
	ck_assert_uint_eq(len % 4, 0);
}
END_TEST

static size_t packet(size_t room, const char *comment, uint64_t lost,
		     uint8_t **at)
{
	const uint8_t *const pieces[] = { frame, frame + 3 };
	const size_t lens[] = { 3, 2 };
	const struct pcapng_packet p = { .time_us = UINT64_C(0x100000002),
					 .pieces = pieces,
					 .lens = lens,
					 .count = 2,
					 .inbound = lost > 0,
					 .comment = comment,
					 .lost = lost };

	return pcapng_packet(out, room, &p, at);
}

START_TEST(packet_has_its_bytes_comment_direction_and_losses)
{
	uint8_t *at;
	size_t len = packet(sizeof(out), "web2", 7, &at);
	uint64_t lost;

	ck_assert_uint_eq(word(0), 6);
	ck_assert_uint_eq(word(4), len);
	ck_assert_uint_eq(word(8), 0);
	ck_assert_uint_eq(word(12), 1);
	ck_assert_uint_eq(word(16), 2);
	ck_assert_uint_eq(word(20), 5);
	ck_assert_uint_eq(word(24), 5);
	ck_assert_ptr_eq(at, out + 28);
	ck_assert_mem_eq(out + 28, "\1\2\3\4\5\0\0\0", 8);
	ck_assert_uint_eq(half(36), 1);
	ck_assert_uint_eq(half(38), 4);
	ck_assert_mem_eq(out + 40, "web2", 4);
	ck_assert_uint_eq(half(44), 2);
	ck_assert_uint_eq(word(48), 1);
	ck_assert_uint_eq(half(52), 4);
	memcpy(&lost, out + 56, sizeof(lost));
	ck_assert_uint_eq(lost, 7);
	ck_assert_uint_eq(word(64), 0);
	ck_assert_uint_eq(word(68), len);
	ck_assert_uint_eq(len, 72);

	len = packet(sizeof(out), "", 0, &at);
	ck_assert_uint_eq(half(36), 2);
	ck_assert_uint_eq(word(40), 2);
	ck_assert_uint_eq(len, 52);
}
END_TEST

START_TEST(what_does_not_fit_is_not_written)
{
	char longer[2000];
	uint8_t *at;
	const size_t len = packet(sizeof(out), "web2", 7, &at);
	const size_t head = pcapng_begin(out, sizeof(out), "tapd", "tap0");

	for (size_t room = 0; room < len; room++) {
		memset(out, 0xee, sizeof(out));
		ck_assert_uint_eq(packet(room, "web2", 7, &at), 0);
		ck_assert_uint_eq(out[room], 0xee);
	}
	for (size_t room = 0; room < head; room++)
		ck_assert_uint_eq(pcapng_begin(out, room, "tapd", "tap0"), 0);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_uint_le(packet(sizeof(out), longer, 7, &at),
			  sizeof(frame) + PCAPNG_COMMENT_MAX +
				  PCAPNG_BLOCK_MORE);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("pcapng"),
	UNIT_TEST(file_begins_with_a_section_and_an_interface),
	UNIT_TEST(packet_has_its_bytes_comment_direction_and_losses),
	UNIT_TEST(what_does_not_fit_is_not_written),
};

UNIT_MAIN("pcapng", tests)
