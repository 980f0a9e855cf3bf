/* tunnel/wire: records that tell of peers, there and back, and hostile ones. */
#include <assert.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/alloc.h"
#include "support/main.h"
#include "tunnel/wire.h"

static_assert(WIRE_PEERS_ASK_LEN == 8, "the question is pinned");
static_assert(WIRE_PEERS_LEN == 12, "the list's fixed fields are pinned");
static_assert(WIRE_HOST_LEN == 50, "a host is pinned");

#define HOSTS 5
#define LEN   (WIRE_PEERS_LEN + HOSTS * WIRE_HOST_LEN)

static const struct wire_peers list = { .base = 7, .version = 9 };

static struct wire_host host(unsigned i)
{
	struct wire_host out = { .addr = addr_v4(0x0a000000 + i, 9000) };

	memset(out.key, (int)i + 1, sizeof(out.key));
	if (i % 2)
		memset(out.addr.ip, (int)i + 0x20, sizeof(out.addr.ip));
	return out;
}

static void pack(uint8_t bytes[LEN])
{
	wire_pack_peers(&list, HOSTS, bytes);
	for (unsigned i = 0; i < HOSTS; i++) {
		const struct wire_host one = host(i);

		wire_pack_host(&one,
			       bytes + WIRE_PEERS_LEN + i * WIRE_HOST_LEN);
	}
}

static struct wire_record record_in(const uint8_t *bytes, size_t len)
{
	return (struct wire_record){ bytes[0], bytes[1],
				     (uint16_t)(len - WIRE_RECORD_LEN),
				     bytes + WIRE_RECORD_LEN };
}

START_TEST(a_list_comes_back_as_it_was)
{
	uint8_t bytes[LEN] = { 0 };
	struct cursor c = cursor_init(bytes, sizeof(bytes));
	struct wire_record r;
	struct wire_peers p;
	struct wire_host got;

	pack(bytes);
	ck_assert(wire_next_record(&c, &r));
	ck_assert(cursor_done(&c));
	ck_assert_uint_eq(r.kind, WIRE_PEERS);
	ck_assert_int_eq(wire_unpack_peers(&p, &r), DROP_NONE);
	ck_assert(!p.ask);
	ck_assert_uint_eq(p.base, list.base);
	ck_assert_uint_eq(p.version, list.version);
	for (unsigned i = 0; i < HOSTS; i++) {
		const struct wire_host one = host(i);

		ck_assert(wire_next_host(&p, &got));
		ck_assert_mem_eq(got.key, one.key, sizeof(got.key));
		ck_assert(addr_equal(&got.addr, &one.addr));
	}
	ck_assert(!wire_next_host(&p, &got));
}
END_TEST

START_TEST(a_question_of_a_later_version_may_be_longer)
{
	uint8_t bytes[WIRE_PEERS_ASK_LEN + 3] = { 0 };
	struct wire_record r;
	struct wire_peers p;

	wire_pack_peers_ask(0x01020304, bytes);
	for (size_t len = WIRE_RECORD_LEN; len <= sizeof(bytes); len++) {
		r = record_in(bytes, len);
		if (len < WIRE_PEERS_ASK_LEN) {
			ck_assert_int_eq(wire_unpack_peers(&p, &r),
					 DROP_record_bad);
			continue;
		}
		ck_assert_int_eq(wire_unpack_peers(&p, &r), DROP_NONE);
		ck_assert(p.ask);
		ck_assert_uint_eq(p.since, 0x01020304);
	}
}
END_TEST

/* What ends within a host is malformed as a whole. */
START_TEST(every_cut_of_a_list)
{
	uint8_t bytes[LEN] = { 0 };

	pack(bytes);
	for (size_t len = WIRE_RECORD_LEN; len <= LEN; len++) {
		uint8_t *copy = test_copy(bytes, len);
		struct wire_record r = record_in(copy, len);
		struct wire_host got;
		struct wire_peers p;
		bool whole = len >= WIRE_PEERS_LEN &&
			     (len - WIRE_PEERS_LEN) % WIRE_HOST_LEN == 0;
		size_t count = 0;

		ck_assert_int_eq(wire_unpack_peers(&p, &r),
				 whole ? DROP_NONE : DROP_record_bad);
		while (wire_next_host(&p, &got))
			count++;
		ck_assert_uint_eq(count,
				  whole ? (len - WIRE_PEERS_LEN) / WIRE_HOST_LEN
					: 0);
		free(copy);
	}
}
END_TEST

START_TEST(a_list_does_not_lead_back)
{
	uint8_t bytes[LEN] = { 0 };
	struct wire_record r;
	struct wire_peers p;

	pack(bytes);
	r = record_in(bytes, LEN);
	store_be32(bytes + WIRE_RECORD_LEN, 9);
	ck_assert_int_eq(wire_unpack_peers(&p, &r), DROP_NONE);
	store_be32(bytes + WIRE_RECORD_LEN, 10);
	ck_assert_int_eq(wire_unpack_peers(&p, &r), DROP_record_bad);
	store_be32(bytes + WIRE_RECORD_LEN, UINT32_MAX);
	ck_assert_int_eq(wire_unpack_peers(&p, &r), DROP_record_bad);
}
END_TEST

START_TEST(unknown_flags_drop_the_record)
{
	uint8_t bytes[LEN] = { 0 };
	struct wire_peers p;

	pack(bytes);
	for (int flags = 2; flags < 256; flags++) {
		struct wire_record r = record_in(bytes, LEN);

		r.flags = (uint8_t)flags;
		ck_assert_int_eq(wire_unpack_peers(&p, &r), DROP_record_flag);
		ck_assert(!p.ask && !p.hosts.left);
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("wire_peers"),
	UNIT_TEST(a_list_comes_back_as_it_was),
	UNIT_TEST(a_question_of_a_later_version_may_be_longer),
	UNIT_TEST(every_cut_of_a_list),
	UNIT_TEST(a_list_does_not_lead_back),
	UNIT_TEST(unknown_flags_drop_the_record),
};

UNIT_MAIN("wire_peers", tests)
