/* tunnel/batch: records → datagrams → runs, and all of them arrive. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/alloc.h"
#include "support/main.h"
#include "support/rng.h"
#include "support/sessions.h"
#include "tunnel/frag.h"
#include "tunnel/pack.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define NOW	(1000 * CLOCK_S)
#define MANY	4096
#define OFFSETS (WIRE_RECORD_LEN + WIRE_FRAGMENT_LEN)

/* What was handed to send: each run's datagrams, copied one by one. */
struct sent {
	struct way to;
	uint8_t *bytes;
	size_t len;
	uint32_t run; /* counts the runs */
	bool carried;
};

static struct sessions s;
static struct packer b;
static struct sent sent[MANY];
static size_t sent_count, sends;
static uint32_t runs;
static struct way there;

static void keep(const struct datagram_run *run)
{
	uint32_t segments = 0;

	ck_assert_uint_le(run->len, DATAGRAM_RUN_LEN_MAX);
	ck_assert_uint_gt(run->len, 0);
	for (size_t at = 0; at < run->len; segments++) {
		struct sent *d = &sent[sent_count++];

		ck_assert_uint_le(sent_count, MANY);
		d->len = run->len - at < run->segment_len ? run->len - at
							  : run->segment_len;
		d->bytes = test_alloc(d->len);
		memcpy(d->bytes, run->data + at, d->len);
		d->to = (struct way){ run->remote, run->local };
		d->run = runs;
		d->carried = run->carried;
		at += d->len;
	}
	ck_assert_uint_le(segments, DATAGRAM_RUN_SEGMENTS);
	runs++;
}

static void on_send(void *user, const struct datagram_run *out, size_t count)
{
	ck_assert_ptr_eq(user, &s);
	ck_assert_uint_gt(count, 0);
	ck_assert_uint_le(count, PACK_RUNS);
	sends++;
	for (size_t i = 0; i < count; i++)
		keep(&out[i]);
}

/* Each salt is another. */
static uint32_t salts;

static void on_salt(void *user, uint8_t salt[WIRE_SALT_LEN])
{
	(void)user;
	memset(salt, 0, WIRE_SALT_LEN);
	store_be32(salt, ++salts);
}

static const struct pack_ops ops = { .send = on_send, .salt = on_salt };

static void setup(void)
{
	sessions_init(&s, NULL, NOW);
	ck_assert(pack_init(&b, &ops, &s));
	there.remote = addr_v4(0x0a090002, WIRE_PORT);
	there.local = addr_v4(0x0a090001, WIRE_PORT);
	sent_count = sends = 0;
	runs = 0;
}

static void forget_sent(void)
{
	for (size_t i = 0; i < sent_count; i++)
		free(sent[i].bytes);
	sent_count = 0;
}

static void teardown(void)
{
	forget_sent();
	pack_free(&b);
	sessions_free(&s);
}

/* A frame record of len bytes in all, its body telling it from others. Lives
 * until the test ends: batch borrows. */
static uint8_t *record_of(size_t len, uint64_t seed)
{
	struct rng rng = rng_init(seed);
	uint8_t *r = test_alloc(len);

	rng_bytes(&rng, r + WIRE_RECORD_LEN, len - WIRE_RECORD_LEN);
	wire_pack_record(r, WIRE_FRAME, 0, (uint16_t)(len - WIRE_RECORD_LEN));
	return r;
}

static void begin(size_t datagram_size)
{
	pack_begin(&b, &s.a, &there, datagram_size, NOW);
}

static void end(void)
{
	pack_end(&b);
	pack_flush(&b);
}

/* Adds count records of one length, in one turn. */
static void send_records(size_t datagram_size, size_t len, size_t count)
{
	uint8_t **records = test_zalloc(count, sizeof(*records));

	begin(datagram_size);
	for (size_t i = 0; i < count; i++) {
		records[i] = record_of(len, i);
		pack_add(&b, records[i], len);
	}
	end();
	for (size_t i = 0; i < count; i++)
		free(records[i]);
	free(records);
}

/* The records of a datagram sent, as "F100 f64+ f36." and so on: F a frame
 * record's length, f a fragment's piece, "+" more follows, "." the last. */
static const char *contents(size_t i)
{
	static char text[2048];
	const uint8_t *records;
	struct wire_record record;
	struct wire_fragment piece;
	struct cursor c;
	size_t len, at = 0;
	uint64_t advance;

	ck_assert_int_eq(session_unseal(&s.b, sent[i].bytes, sent[i].len, NOW,
					&records, &len, &advance),
			 DROP_NONE);
	ck_assert_uint_eq(advance, 1);
	c = cursor_init(records, len);
	text[0] = '\0';
	while (wire_next_record(&c, &record)) {
		const char *space = at ? " " : "";
		size_t room = sizeof(text) - at;

		if (record.kind == WIRE_FRAGMENT) {
			ck_assert_int_eq(wire_unpack_fragment(&piece, &record),
					 DROP_NONE);
			at += (size_t)snprintf(text + at, room, "%sf%zu%s",
					       space, piece.len,
					       piece.last ? "." : "+");
		} else {
			at += (size_t)snprintf(text + at, room, "%sF%d", space,
					       record.len + WIRE_RECORD_LEN);
		}
	}
	ck_assert(cursor_done(&c));
	return text;
}

/* ---- packing ---- */

START_TEST(records_that_fit_share_a_datagram)
{
	send_records(548, 100, 5);
	ck_assert_uint_eq(sent_count, 1);
	ck_assert_str_eq(contents(0), "F100 F100 F100 F100 F100");
	ck_assert(way_equal(&sent[0].to, &there));
}
END_TEST

START_TEST(a_record_that_fits_an_empty_datagram_is_never_cut)
{
	send_records(548, 516, 3);
	ck_assert_uint_eq(sent_count, 3);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(sent[i].len, 548);
		ck_assert_str_eq(contents(i), "F516");
	}
}
END_TEST

START_TEST(a_larger_record_fills_datagrams_to_the_end_and_the_next_follows)
{
	send_records(548, 1200, 2);
	ck_assert_uint_eq(sent_count, 5);
	ck_assert_str_eq(contents(0), "f506+");
	ck_assert_str_eq(contents(1), "f506+");
	ck_assert_str_eq(contents(2), "f188. f308+");
	ck_assert_str_eq(contents(3), "f506+");
	ck_assert_str_eq(contents(4), "f386.");
	for (size_t i = 0; i < 4; i++)
		ck_assert_uint_eq(sent[i].len, 548);
}
END_TEST

START_TEST(a_cut_begins_in_the_datagram_that_is_open)
{
	uint8_t *small = record_of(100, 1), *large = record_of(600, 2);

	begin(548);
	pack_add(&b, small, 100);
	pack_add(&b, large, 600);
	pack_add(&b, small, 100);
	end();
	ck_assert_uint_eq(sent_count, 2);
	ck_assert_str_eq(contents(0), "F100 f406+");
	ck_assert_str_eq(contents(1), "f194. F100");
	free(small);
	free(large);
}
END_TEST

START_TEST(a_cut_leaves_no_crumbs_in_the_open_datagram)
{
	/* Room for a header and one byte less than the least piece. */
	size_t first = 516 - OFFSETS - PACK_FRAGMENT_MIN + 1;
	uint8_t *small = record_of(first, 1), *large = record_of(600, 2);

	begin(548);
	pack_add(&b, small, first);
	pack_add(&b, large, 600);
	end();
	ck_assert_uint_eq(sent_count, 3);
	ck_assert_str_eq(contents(0), "F443");
	ck_assert_str_eq(contents(1), "f506+");
	ck_assert_str_eq(contents(2), "f94.");
	free(small);
	free(large);
}
END_TEST

START_TEST(a_datagram_holds_as_many_pieces_as_the_list)
{
	send_records(9188, 18, PACK_PIECES + 10);
	ck_assert_uint_eq(sent_count, 2);
	ck_assert_uint_eq(sent[0].len, 18 * PACK_PIECES + WIRE_DATA_OVERHEAD);
	ck_assert_uint_eq(sent[1].len, 180 + WIRE_DATA_OVERHEAD);
}
END_TEST

START_TEST(a_full_list_of_pieces_ends_the_datagram_before_a_cut)
{
	uint8_t *small = record_of(18, 1), *large = record_of(9400, 2);

	begin(9188);
	for (int i = 0; i < PACK_PIECES - 1; i++)
		pack_add(&b, small, 18);
	pack_add(&b, large, 9400);
	end();
	ck_assert_uint_eq(sent_count, 3);
	ck_assert_uint_eq(sent[0].len,
			  18 * (PACK_PIECES - 1) + WIRE_DATA_OVERHEAD);
	contents(0);
	ck_assert_str_eq(contents(1), "f9146+");
	ck_assert_str_eq(contents(2), "f254.");
	free(small);
	free(large);
}
END_TEST

/* Two records of two pieces each do not share the last three places. */
START_TEST(a_record_in_two_places_takes_two_pieces)
{
	uint8_t *small = record_of(18, 1);

	begin(9188);
	for (int i = 0; i < PACK_PIECES / 2 - 1; i++)
		pack_add_two(&b, small, 8, small + 8, 10);
	pack_add(&b, small, 18);
	pack_add_two(&b, small, 8, small + 8, 10);
	end();
	ck_assert_uint_eq(sent_count, 2);
	ck_assert_uint_eq(sent[0].len,
			  18 * (PACK_PIECES / 2) + WIRE_DATA_OVERHEAD);
	ck_assert_uint_eq(sent[1].len, 18 + WIRE_DATA_OVERHEAD);
	free(small);
}
END_TEST

START_TEST(frame_ids_never_repeat_in_a_session)
{
	bool *seen = test_zalloc(1000, sizeof(*seen));
	uint32_t ids = 0, last = UINT32_MAX;

	for (int turn = 0; turn < 20; turn++)
		send_records(128, 300, 3);
	for (size_t i = 0; i < sent_count; i++) {
		const uint8_t *records;
		struct wire_record record;
		struct wire_fragment piece;
		struct cursor c;
		size_t len;
		uint64_t advance;

		session_unseal(&s.b, sent[i].bytes, sent[i].len, NOW, &records,
			       &len, &advance);
		c = cursor_init(records, len);
		while (wire_next_record(&c, &record)) {
			wire_unpack_fragment(&piece, &record);
			if (piece.offset == 0) {
				ck_assert_uint_lt(piece.id, 1000);
				ck_assert(!seen[piece.id]);
				seen[piece.id] = true;
				ids++;
				last = piece.id;
			}
			ck_assert_uint_eq(piece.id, last);
		}
	}
	ck_assert_uint_eq(ids, 60);
	free(seen);
}
END_TEST

START_TEST(nothing_to_send_sends_nothing)
{
	begin(548);
	end();
	pack_flush(&b);
	ck_assert_uint_eq(sends, 0);
	ck_assert_uint_eq(b.sealed, 0);
}
END_TEST

START_TEST(what_was_sealed_is_counted_for_each_turn)
{
	send_records(548, 516, 3);
	ck_assert_uint_eq(b.sealed, 3);
	ck_assert_uint_eq(b.bytes, (uint64_t)3 * 548);
	send_records(548, 100, 1);
	ck_assert_uint_eq(b.sealed, 1);
	ck_assert_uint_eq(b.bytes, 100 + WIRE_DATA_OVERHEAD);
	ck_assert_uint_eq(b.exhausted, 0);
}
END_TEST

/* ---- runs ---- */

START_TEST(equal_datagrams_share_a_run_and_a_shorter_one_closes_it)
{
	uint8_t *full = record_of(516, 1), *less = record_of(300, 2);

	begin(548);
	pack_add(&b, full, 516);
	pack_add(&b, full, 516);
	pack_add(&b, less, 300);
	pack_close(&b);
	pack_add(&b, less, 300);
	pack_close(&b);
	pack_add(&b, full, 516);
	end();
	ck_assert_uint_eq(sent_count, 5);
	ck_assert_uint_eq(sends, 1);
	ck_assert_uint_eq(sent[0].run, 0);
	ck_assert_uint_eq(sent[1].run, 0);
	ck_assert_uint_eq(sent[2].run, 0);
	ck_assert_uint_eq(sent[3].run, 1); /* a run of its own length */
	ck_assert_uint_eq(sent[4].run, 2); /* too long for that one */
	free(full);
	free(less);
}
END_TEST

static const struct {
	size_t datagram_size, in_a_run;
} run_limits[] = {
	{ 128, 64 },  { 548, 64 },  { 1023, 64 }, { 1024, 63 },
	{ 1200, 54 }, { 1472, 44 }, { 9188, 7 },
};

START_TEST(a_run_ends_at_64_segments_or_65507_bytes)
{
	size_t size = run_limits[_i].datagram_size;
	size_t most = run_limits[_i].in_a_run, first = 0;

	send_records(size, size - WIRE_DATA_OVERHEAD, most + 3);
	ck_assert_uint_eq(sent_count, most + 3);
	ck_assert_uint_eq(runs, 2);
	for (size_t i = 0; i < sent_count; i++)
		first += sent[i].run == 0;
	ck_assert_uint_eq(first, most);
}
END_TEST

START_TEST(each_peers_turn_begins_a_run)
{
	const struct way other = { .remote = addr_v4(0x0a090003, WIRE_PORT) };
	uint8_t *record = record_of(516, 1);

	begin(548);
	pack_add(&b, record, 516);
	pack_end(&b);
	pack_begin(&b, &s.a, &other, 548, NOW);
	pack_add(&b, record, 516);
	end();
	ck_assert_uint_eq(sends, 1);
	ck_assert_uint_eq(runs, 2);
	ck_assert(way_equal(&sent[0].to, &there));
	ck_assert(way_equal(&sent[1].to, &other));
	free(record);
}
END_TEST

START_TEST(a_used_up_pool_is_flushed_in_order_and_starts_over)
{
	uint8_t *record = record_of(60, 1);
	struct wire_data header;

	for (uint32_t i = 0; i < 3 * PACK_RUNS + 5; i++) {
		there.remote.port = (uint16_t)(i + 1);
		begin(128);
		pack_add(&b, record, 60);
		pack_end(&b);
	}
	ck_assert_uint_eq(sends, 3);
	ck_assert_uint_eq(sent_count, 3 * PACK_RUNS);
	pack_flush(&b);
	ck_assert_uint_eq(sent_count, 3 * PACK_RUNS + 5);
	for (size_t i = 0; i < sent_count; i++) {
		wire_unpack_data(&header, sent[i].bytes);
		ck_assert_uint_eq(header.counter, i);
		ck_assert_uint_eq(sent[i].to.remote.port, i + 1);
	}
	free(record);
}
END_TEST

/* The salt of a datagram that was sent. */
static uint32_t salt_of(size_t i)
{
	struct wire_data header;

	wire_unpack_data(&header, sent[i].bytes);
	return load_be32(header.salt);
}

START_TEST(what_is_sealed_in_one_call_has_one_salt_drawn_after_the_first_text)
{
	uint8_t *record = record_of(100, 1);
	uint32_t before = salts;

	begin(128);
	ck_assert_uint_eq(salts, before);
	for (size_t i = 0; i < PACK_RUNS + 3u; i++) {
		pack_add(&b, record, 96);
		ck_assert_uint_eq(salts, before + (i > 0));
	}
	end();
	ck_assert_uint_eq(sent_count, PACK_RUNS + 3);
	for (size_t i = 0; i < sent_count; i++)
		ck_assert_uint_eq(salt_of(i), before + 1);
	free(record);
}
END_TEST

START_TEST(the_next_call_and_a_text_with_something_random_have_other_salts)
{
	uint8_t *record = record_of(96, 1);

	for (int i = 0; i < 3; i++) {
		begin(128);
		pack_add(&b, record, 96);
		pack_end(&b);
		if (i == 0)
			pack_drawn(&b);
		else
			pack_flush(&b);
	}
	ck_assert_uint_eq(sent_count, 3);
	ck_assert_uint_ne(salt_of(0), salt_of(1));
	ck_assert_uint_ne(salt_of(1), salt_of(2));
	for (size_t i = 0; i < sent_count; i++)
		ck_assert_str_eq(contents(i), "F96");
	free(record);
}
END_TEST

START_TEST(one_peers_turn_may_use_the_pool_up_several_times)
{
	struct wire_data header;

	send_records(9188, 9000, (size_t)PACK_RUNS * 7 * 2 + 1);
	ck_assert_uint_eq(sends, 3);
	for (size_t i = 0; i < sent_count; i++) {
		wire_unpack_data(&header, sent[i].bytes);
		ck_assert_uint_eq(header.counter, i);
		ck_assert_str_eq(contents(i), "F9000");
	}
}
END_TEST

START_TEST(a_message_is_a_run_of_its_own_and_keeps_its_place)
{
	static const uint8_t message[] = "an initiation";
	uint8_t *record = record_of(516, 1);

	begin(548);
	pack_add(&b, record, 516);
	pack_end(&b);
	pack_message(&b, &there, message, sizeof(message));
	pack_message(&b, &there, message, sizeof(message));
	begin(548);
	pack_add(&b, record, 516);
	end();
	ck_assert_uint_eq(sent_count, 4);
	ck_assert_uint_eq(runs, 4);
	ck_assert_uint_eq(sent[1].len, sizeof(message));
	ck_assert_mem_eq(sent[1].bytes, message, sizeof(message));
	ck_assert_uint_eq(sent[3].len, 548);
	free(record);
}
END_TEST

/* ---- by a relay ---- */

#define LEG 0x11223344u

/* Takes the relay's header off what was sent. */
static uint32_t unwrap(size_t i)
{
	struct wire_relayed m;
	enum wire_type type;

	ck_assert_int_eq(wire_classify(sent[i].bytes, sent[i].len, &type),
			 DROP_NONE);
	ck_assert_int_eq(type, WIRE_RELAYED);
	wire_unpack_relayed(&m, sent[i].bytes);
	sent[i].len -= WIRE_RELAYED_LEN;
	memmove(sent[i].bytes, sent[i].bytes + WIRE_RELAYED_LEN, sent[i].len);
	return m.leg;
}

START_TEST(by_a_leg_each_datagram_has_a_relays_header)
{
	const struct way relay = there;

	there.remote.leg = LEG;
	send_records(548, 516, 3);
	ck_assert_uint_eq(sent_count, 3);
	ck_assert_uint_eq(runs, 1);
	for (size_t i = 0; i < 3; i++) {
		ck_assert(way_equal(&sent[i].to, &relay));
		ck_assert_uint_eq(sent[i].len, 548 + WIRE_RELAYED_LEN);
		ck_assert_uint_eq(unwrap(i), LEG);
		ck_assert_str_eq(contents(i), "F516");
	}
	ck_assert_uint_eq(b.sealed, 3);
	ck_assert_uint_eq(b.bytes, (uint64_t)3 * 548);
	ck_assert_uint_eq(b.largest, 548);
}
END_TEST

START_TEST(by_a_leg_a_record_is_cut_for_the_message_alone)
{
	there.remote.leg = LEG;
	send_records(548, 1200, 1);
	ck_assert_uint_eq(sent_count, 3);
	ck_assert_uint_eq(runs, 1);
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(unwrap(i), LEG);
	ck_assert_str_eq(contents(0), "f506+");
	ck_assert_str_eq(contents(1), "f506+");
	ck_assert_str_eq(contents(2), "f188.");
}
END_TEST

START_TEST(relays_headers_count_towards_what_a_run_holds)
{
	const struct {
		size_t size, in_a_run;
	} limits[] = { { 128, 64 }, { 1015, 64 }, { 1016, 63 }, { 9188, 7 } };

	there.remote.leg = LEG;
	for (size_t l = 0; l < COUNT(limits); l++) {
		size_t first = 0;

		forget_sent();
		runs = 0;
		send_records(limits[l].size,
			     limits[l].size - WIRE_DATA_OVERHEAD,
			     limits[l].in_a_run + 1);
		for (size_t i = 0; i < sent_count; i++)
			first += sent[i].run == 0;
		ck_assert_uint_eq(first, limits[l].in_a_run);
		ck_assert_uint_eq(sent_count, limits[l].in_a_run + 1);
	}
}
END_TEST

START_TEST(keys_that_run_out_by_a_leg_leave_no_header_behind)
{
	there.remote.leg = LEG;
	s.a.counter = SESSION_LAST_COUNTER - 2;
	send_records(548, 516, 4);
	ck_assert_uint_eq(b.exhausted, 2);
	ck_assert_uint_eq(sent_count, 2);
	ck_assert_uint_eq(sent[1].len, 548 + WIRE_RELAYED_LEN);
	send_records(548, 516, 1);
	ck_assert_uint_eq(sent_count, 2);
}
END_TEST

START_TEST(a_message_goes_by_a_leg)
{
	const struct way relay = there;
	uint8_t message[WIRE_COOKIE_LEN] = { WIRE_COOKIE, [20] = 7 };

	there.remote.leg = LEG;
	pack_message(&b, &there, message, sizeof(message));
	pack_flush(&b);
	ck_assert_uint_eq(sent_count, 1);
	ck_assert(way_equal(&sent[0].to, &relay));
	ck_assert_uint_eq(unwrap(0), LEG);
	ck_assert_uint_eq(sent[0].len, sizeof(message));
	ck_assert_mem_eq(sent[0].bytes, message, sizeof(message));
}
END_TEST

/* Forwards a data message of that length. */
static void forward(const struct way *to, uint32_t leg, size_t len)
{
	uint8_t bytes[2048] = { WIRE_DATA };

	ck_assert_uint_le(len, sizeof(bytes));
	pack_forward(&b, to, leg, bytes, len);
}

START_TEST(what_is_carried_for_others_shares_runs)
{
	forward(&there, 1, 500);
	forward(&there, 2, 500);
	forward(&there, 1, 400); /* a shorter one is the last */
	forward(&there, 1, 400);
	forward(&there, 1, 500);
	pack_flush(&b);
	ck_assert_uint_eq(sends, 1);
	ck_assert_uint_eq(runs, 3);
	ck_assert_uint_eq(sent_count, 5);
	for (size_t i = 0; i < 5; i++) {
		static const uint32_t legs[] = { 1, 2, 1, 1, 1 };
		static const uint32_t in[] = { 0, 0, 0, 1, 2 };
		static const size_t lens[] = { 500, 500, 400, 400, 500 };

		ck_assert_uint_eq(sent[i].run, in[i]);
		ck_assert_uint_eq(unwrap(i), legs[i]);
		ck_assert_uint_eq(sent[i].len, lens[i]);
		ck_assert(way_equal(&sent[i].to, &there));
	}
}
END_TEST

START_TEST(what_is_carried_another_way_begins_a_run)
{
	struct way ways[] = { there, there, there, there };

	ways[1].remote.port++;
	ways[2].local.ip[15]++;
	ways[3].remote.leg = 9; /* does not matter: the same way as the first */
	for (size_t i = 0; i < COUNT(ways); i++)
		forward(&ways[i], 1, 500);
	forward(&there, 1, 500);
	pack_flush(&b);
	ck_assert_uint_eq(runs, 4);
	ck_assert_uint_eq(sent[3].run, sent[4].run);
	ck_assert_uint_eq(sent[3].to.remote.leg, 0);
}
END_TEST

START_TEST(what_is_carried_and_what_is_sent_do_not_mix)
{
	forward(&there, 1, 548);
	send_records(548 + WIRE_RELAYED_LEN, 524, 1);
	forward(&there, 1, 548);
	pack_flush(&b);
	ck_assert_uint_eq(sent_count, 3);
	ck_assert(sent[0].carried && !sent[1].carried && sent[2].carried);
	unwrap(0);
	ck_assert_str_eq(contents(1), "F524");
	unwrap(2);
	/* The first run is gone: it is not appended to. */
	ck_assert_uint_eq(runs, 3);
}
END_TEST

START_TEST(carrying_uses_the_pool_up_in_order)
{
	const size_t many = PACK_RUNS * DATAGRAM_RUN_SEGMENTS + 10u;

	for (size_t i = 0; i < many; i++)
		forward(&there, (uint32_t)i + 1, 100);
	ck_assert_uint_eq(sends, 1);
	pack_flush(&b);
	ck_assert_uint_eq(sends, 2);
	ck_assert_uint_eq(sent_count, many);
	for (size_t i = 0; i < many; i++)
		ck_assert_uint_eq(unwrap(i), i + 1);
}
END_TEST

START_TEST(the_largest_datagram_there_is_can_be_carried)
{
	/* UDP over IPv6; whether it leaves is the socket's to say. */
	static uint8_t bytes[65527 - WIRE_RELAYED_LEN] = { WIRE_DATA };

	pack_forward(&b, &there, 1, bytes, sizeof(bytes));
	pack_forward(&b, &there, 1, bytes, 32);
	b.runs[0].len = 1; /* larger than this test's receiver takes */
	pack_flush(&b);
	ck_assert_uint_eq(runs, 2);
}
END_TEST

/* ---- keys that ran out ---- */

START_TEST(keys_that_ran_out_send_nothing_and_are_counted)
{
	s.a.counter = SESSION_LAST_COUNTER;
	send_records(548, 516, 3);
	ck_assert_uint_eq(b.sealed, 0);
	ck_assert_uint_eq(b.exhausted, 3);
	ck_assert_uint_eq(sends, 0);
}
END_TEST

START_TEST(keys_that_run_out_in_a_run_spoil_nothing_before)
{
	s.a.counter = SESSION_LAST_COUNTER - 2;
	send_records(548, 516, 4);
	ck_assert_uint_eq(b.sealed, 2);
	ck_assert_uint_eq(b.exhausted, 2);
	ck_assert_uint_eq(sent_count, 2);
	ck_assert_uint_eq(runs, 1);
	ck_assert_uint_eq(sent[1].len, 548);
}
END_TEST

/* ---- everything arrives ---- */

static uint64_t drops[DROP_REASON_COUNT];

/* Takes the next record that arrived off the list of those sent. */
static void expect(uint8_t **records, const size_t *lens, size_t count,
		   size_t *next, const uint8_t *bytes, size_t len)
{
	ck_assert_uint_lt(*next, count);
	ck_assert_uint_eq(len, lens[*next]);
	ck_assert_mem_eq(bytes, records[*next], len);
	++*next;
}

/* Opens and reassembles all that was sent; it must be the records, in order. */
static void receive_all(struct frag *f, uint8_t **records, const size_t *lens,
			size_t count)
{
	size_t next = 0;

	for (size_t i = 0; i < sent_count; i++) {
		const uint8_t *bytes;
		struct wire_record record;
		struct wire_fragment piece;
		struct frag_done done;
		struct cursor c;
		size_t len;
		uint64_t advance;

		ck_assert_int_eq(session_unseal(&s.b, sent[i].bytes,
						sent[i].len, NOW, &bytes, &len,
						&advance),
				 DROP_NONE);
		c = cursor_init(bytes, len);
		while (wire_next_record(&c, &record)) {
			if (record.kind == WIRE_FRAME) {
				expect(records, lens, count, &next,
				       record.body - WIRE_RECORD_LEN,
				       record.len + (size_t)WIRE_RECORD_LEN);
				continue;
			}
			ck_assert_int_eq(wire_unpack_fragment(&piece, &record),
					 DROP_NONE);
			if (!frag_add(f, 1, s.b.local, &piece, NOW, &done))
				continue;
			expect(records, lens, count, &next, done.record,
			       done.len);
			frag_release(f, done.slot);
		}
		ck_assert(cursor_done(&c));
	}
	ck_assert_uint_eq(next, count);
}

static size_t random_len(struct rng *rng, size_t datagram_size)
{
	size_t most = rng_chance(rng, 0.5)   ? datagram_size
		      : rng_chance(rng, 0.9) ? 4 * datagram_size
					     : 65535;

	if (most > 65535)
		most = 65535;
	return WIRE_RECORD_LEN + 14 +
	       rng_below(rng, most - WIRE_RECORD_LEN - 14 + 1);
}

/* In one place or two, wherever it is cut: it is the same record. */
static void add_somehow(struct rng *rng, const uint8_t *record, size_t len)
{
	size_t head = rng_below(rng, len + 1);

	if (rng_chance(rng, 0.5) || head < WIRE_RECORD_LEN)
		pack_add(&b, record, len);
	else
		pack_add_two(&b, record, head, record + head, len - head);
}

START_TEST(random_records_all_arrive_once_whole_and_in_order)
{
	struct rng rng = rng_init((uint64_t)_i);
	uint8_t *records[64];
	size_t lens[64], count = 1 + rng_below(&rng, COUNT(records));
	size_t size = 128 + rng_below(&rng, 9188 - 128 + 1);
	struct frag *f = frag_new(4, 65535, 2, drops);

	ck_assert_ptr_nonnull(f);
	if (rng_chance(&rng, 0.3))
		size = 128 + rng_below(&rng, 20);
	begin(size);
	for (size_t i = 0; i < count; i++) {
		lens[i] = random_len(&rng, size);
		records[i] = record_of(lens[i], (uint64_t)_i * 1000 + i);
		add_somehow(&rng, records[i], lens[i]);
		if (rng_chance(&rng, 0.1))
			pack_close(&b);
	}
	end();
	for (size_t i = 0; i < sent_count; i++)
		ck_assert_uint_le(sent[i].len, size);
	receive_all(f, records, lens, count);
	for (size_t i = 0; i < count; i++)
		free(records[i]);
	frag_free(f);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("packing", .setup = setup, .teardown = teardown),
	UNIT_TEST(records_that_fit_share_a_datagram),
	UNIT_TEST(a_record_that_fits_an_empty_datagram_is_never_cut),
	UNIT_TEST(
		a_larger_record_fills_datagrams_to_the_end_and_the_next_follows),
	UNIT_TEST(a_cut_begins_in_the_datagram_that_is_open),
	UNIT_TEST(a_cut_leaves_no_crumbs_in_the_open_datagram),
	UNIT_TEST(a_datagram_holds_as_many_pieces_as_the_list),
	UNIT_TEST(a_full_list_of_pieces_ends_the_datagram_before_a_cut),
	UNIT_TEST(a_record_in_two_places_takes_two_pieces),
	UNIT_TEST(frame_ids_never_repeat_in_a_session),
	UNIT_TEST(nothing_to_send_sends_nothing),
	UNIT_TEST(what_was_sealed_is_counted_for_each_turn),
	UNIT_LOOP(random_records_all_arrive_once_whole_and_in_order, 100),
	UNIT_CASE("runs", .setup = setup, .teardown = teardown),
	UNIT_TEST(equal_datagrams_share_a_run_and_a_shorter_one_closes_it),
	UNIT_EACH(a_run_ends_at_64_segments_or_65507_bytes, run_limits),
	UNIT_TEST(each_peers_turn_begins_a_run),
	UNIT_TEST(a_used_up_pool_is_flushed_in_order_and_starts_over),
	UNIT_TEST(
		what_is_sealed_in_one_call_has_one_salt_drawn_after_the_first_text),
	UNIT_TEST(
		the_next_call_and_a_text_with_something_random_have_other_salts),
	UNIT_TEST(one_peers_turn_may_use_the_pool_up_several_times),
	UNIT_TEST(a_message_is_a_run_of_its_own_and_keeps_its_place),
	UNIT_TEST(keys_that_ran_out_send_nothing_and_are_counted),
	UNIT_TEST(keys_that_run_out_in_a_run_spoil_nothing_before),
	UNIT_CASE("relays", .setup = setup, .teardown = teardown),
	UNIT_TEST(by_a_leg_each_datagram_has_a_relays_header),
	UNIT_TEST(by_a_leg_a_record_is_cut_for_the_message_alone),
	UNIT_TEST(relays_headers_count_towards_what_a_run_holds),
	UNIT_TEST(keys_that_run_out_by_a_leg_leave_no_header_behind),
	UNIT_TEST(a_message_goes_by_a_leg),
	UNIT_TEST(what_is_carried_for_others_shares_runs),
	UNIT_TEST(what_is_carried_another_way_begins_a_run),
	UNIT_TEST(what_is_carried_and_what_is_sent_do_not_mix),
	UNIT_TEST(carrying_uses_the_pool_up_in_order),
	UNIT_TEST(the_largest_datagram_there_is_can_be_carried),
};

UNIT_MAIN("pack", tests)
