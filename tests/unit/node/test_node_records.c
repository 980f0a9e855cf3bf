/* lib/node: what a peer may say. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/main.h"
#include "support/outsider.h"
#include "support/three.h"

static struct outsider peer;

static void with_peer(void)
{
	three_setup();
	outsider_init(&peer, 1);
	host_start(a);
	outsider_join(&peer, a);
}

static void without_peer(void)
{
	outsider_free(&peer);
	three_teardown();
}

static const struct {
	const char *what;
	uint8_t kind, flags;
	size_t len;
	enum drop_reason reason;
} strange[] = {
	{ "an unknown kind", 99, 0xff, 20, DROP_NONE },
	{ "a later version's", 12, 0, 20, DROP_NONE },
	{ "half of a question for peers", WIRE_PEERS, 1, 3, DROP_record_bad },
	{ "half of a list of peers", WIRE_PEERS, 0, 57, DROP_record_bad },
	{ "a list of peers with a flag", WIRE_PEERS, 2, 8, DROP_record_flag },
	{ "half of a groups record", WIRE_GROUPS, 0, 19, DROP_record_bad },
	{ "a groups record with a flag", WIRE_GROUPS, 8, 20, DROP_record_flag },
	{ "groups that lead nowhere", WIRE_GROUPS, 0, 20, DROP_record_bad },
	{ "a pad", WIRE_PAD, 0, 20, DROP_NONE },
	{ "a frame with an unknown flag", WIRE_FRAME, 0x80, 60,
	  DROP_record_flag },
	{ "a frame without its checksum fields", WIRE_FRAME, 1, 2,
	  DROP_record_bad },
	{ "an empty frame", WIRE_FRAME, 0, 0, DROP_frame_short },
	{ "a runt", WIRE_FRAME, 0, 13, DROP_frame_short },
	{ "a frame of zeros", WIRE_FRAME, 0, 60, DROP_frame_bad_source },
	{ "a frame too long", WIRE_FRAME, 0, 1600, DROP_frame_long },
	{ "an empty fragment", WIRE_FRAGMENT, 0, 6, DROP_fragment_bad },
	{ "half a fragment", WIRE_FRAGMENT, 0, 5, DROP_fragment_bad },
	{ "a fragment with a flag", WIRE_FRAGMENT, 2, 60, DROP_record_flag },
	{ "all of a pad as fragments", WIRE_FRAGMENT, 1, 10, DROP_record_bad },
	{ "no hello", WIRE_HELLO, 0, 3, DROP_record_bad },
	{ "a hello with a flag", WIRE_HELLO, 4, 20, DROP_record_flag },
	{ "half a probe", WIRE_PROBE, 0, 35, DROP_record_bad },
	{ "a probe with a flag", WIRE_PROBE, 4, 36, DROP_record_flag },
};

START_TEST(strange_records_are_skipped_and_the_next_is_read)
{
	uint8_t records[2000] = { 0 };
	uint8_t *frame = hosts_frame(0xff, 7, 60, 1);
	size_t at = WIRE_RECORD_LEN + strange[_i].len;
	bool none = strange[_i].reason == DROP_NONE;
	uint64_t before = host_drops_total(a);

	records[0] = strange[_i].kind;
	records[1] = strange[_i].flags;
	store_be16(records + 2, (uint16_t)strange[_i].len);
	if (strange[_i].len == 1600)
		memset(records + WIRE_RECORD_LEN, 2, 12);
	wire_pack_record(records + at, WIRE_FRAME, 0, 60);
	memcpy(records + at + WIRE_RECORD_LEN, frame, 60);
	outsider_send(&peer, a, records, at + WIRE_RECORD_LEN + 60);
	ck_assert_msg(a->written_count == 1, "%s", strange[_i].what);
	ck_assert_uint_eq(a->written[0].len, 60);
	if (!none)
		ck_assert_msg(host_drops(a, strange[_i].reason) == 1, "%s",
			      strange[_i].what);
	ck_assert_uint_eq(host_drops_total(a), before + !none);
	ck_assert_uint_eq(host_drops(a, DROP_NONE), 0);
	free(frame);
}
END_TEST

START_TEST(a_record_past_its_datagram_ends_the_reading)
{
	uint8_t records[2 * WIRE_RECORD_LEN + 60];
	uint8_t *frame = hosts_frame(0xff, 7, 60, 1);

	wire_pack_record(records, WIRE_FRAME, 0, 60);
	memcpy(records + WIRE_RECORD_LEN, frame, 60);
	wire_pack_record(records + WIRE_RECORD_LEN + 60, WIRE_FRAME, 0, 1);
	outsider_send(&peer, a, records, sizeof(records));
	ck_assert_uint_eq(a->written_count, 1);
	ck_assert_uint_eq(host_drops(a, DROP_record_bad), 1);
	outsider_send(&peer, a, records, 3);
	ck_assert_uint_eq(host_drops(a, DROP_record_bad), 2);
	free(frame);
}
END_TEST

START_TEST(attack_a_checksum_that_does_not_fit_never_reaches_the_kernel)
{
	uint8_t record[WIRE_RECORD_LEN + 4 + HOSTS_UDP_LEN];

	wire_pack_record(record, WIRE_FRAME, WIRE_FRAME_CSUM_PARTIAL,
			 sizeof(record) - WIRE_RECORD_LEN);
	hosts_udp_frame(record + 8, 53);
	for (uint16_t start = 0; start < 70; start++) {
		for (uint16_t offset = 0; offset < 20; offset++) {
			store_be16(record + 4, start);
			store_be16(record + 6, offset);
			outsider_send(&peer, a, record, sizeof(record));
		}
	}
	ck_assert_uint_eq(a->written_count, 1);
	ck_assert_uint_eq(a->written[0].offload.csum_start, 34);
	ck_assert_uint_eq(a->written[0].offload.csum_offset, 6);
	ck_assert_uint_eq(host_drops(a, DROP_csum_bad), 70 * 20 - 1);
}
END_TEST

/* A fragment record that carries a piece of whole. */
static size_t put_fragment(uint8_t *out, uint32_t id, const uint8_t *whole,
			   size_t from, size_t to, size_t len)
{
	wire_pack_fragment(out, id, (uint16_t)from, to == len,
			   (uint16_t)(to - from));
	memcpy(out + WIRE_RECORD_LEN + WIRE_FRAGMENT_LEN, whole + from,
	       to - from);
	return WIRE_RECORD_LEN + WIRE_FRAGMENT_LEN + to - from;
}

START_TEST(attack_what_fragments_hide_is_checked_like_any_frame)
{
	uint8_t whole[WIRE_RECORD_LEN + 60] = { 0 }, records[200];
	size_t len, slots_used = 0;

	/* A source of zeros; then a bad checksum; then a record too many. */
	for (uint32_t id = 0; id < 100; id++) {
		wire_pack_record(whole, id % 2 ? WIRE_HELLO : WIRE_FRAME,
				 id % 3 ? 0 : 0x40, (uint16_t)(60 - id % 5));
		len = put_fragment(records, id, whole, 0, 30, sizeof(whole));
		len += put_fragment(records + len, id, whole, 30, sizeof(whole),
				    sizeof(whole));
		outsider_send(&peer, a, records, len);
	}
	ck_assert_uint_eq(a->written_count, 0);
	/* Each has given its buffer back: a true one passes. */
	for (uint32_t id = 100; id < 200; id++) {
		uint8_t *frame = hosts_frame(0xff, 7, 60, id);

		wire_pack_record(whole, WIRE_FRAME, 0, 60);
		memcpy(whole + WIRE_RECORD_LEN, frame, 60);
		len = put_fragment(records, id, whole, 30, 64, 64);
		len += put_fragment(records + len, id, whole, 0, 30, 64);
		outsider_send(&peer, a, records, len);
		slots_used++;
		ck_assert_uint_eq(a->written_count, slots_used);
		ck_assert_mem_eq(a->written[slots_used - 1].bytes, frame, 60);
		free(frame);
	}
	ck_assert_uint_eq(host_drops(a, DROP_fragment_full), 0);
}
END_TEST

START_TEST(nothing_after_goodbye_is_read)
{
	uint8_t records[2 * WIRE_RECORD_LEN + 60];
	uint8_t *frame = hosts_frame(0xff, 7, 60, 1);

	wire_pack_record(records, WIRE_BYE, 0, 0);
	wire_pack_record(records + 4, WIRE_FRAME, 0, 60);
	memcpy(records + 8, frame, 60);
	outsider_send(&peer, a, records, sizeof(records));
	ck_assert_uint_eq(a->written_count, 0);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 1);
	ck_assert_uint_eq(host_debug(a).indices, 0);
	free(frame);
}
END_TEST

START_TEST(no_frame_passes_before_the_hello)
{
	uint8_t record[WIRE_RECORD_LEN + 60];
	uint8_t *frame = hosts_frame(0xff, 7, 60, 1);
	struct outsider o;

	outsider_init(&o, 2);
	wire_pack_record(record, WIRE_FRAME, 0, 60);
	memcpy(record + 4, frame, 60);
	ck_assert(outsider_shake_hands(&o, a));
	outsider_send(&o, a, record, sizeof(record));
	ck_assert_uint_eq(a->written_count, 0);
	ck_assert_uint_eq(host_drops(a, DROP_record_early), 1);
	hosts_run(&h, CLOCK_MS);
	ck_assert(outsider_shake_hands(&o, a));
	outsider_hello(&o, a, false, true);
	outsider_send(&o, a, record, sizeof(record));
	ck_assert_uint_eq(a->written_count, 1);
	free(frame);
	outsider_free(&o);
}
END_TEST

START_TEST(a_frame_is_as_good_as_the_hello_that_was_lost)
{
	uint8_t record[WIRE_RECORD_LEN + 60];
	uint8_t *frame = hosts_frame(0xff, 7, 60, 1);
	struct outsider o;

	outsider_init(&o, 2);
	wire_pack_record(record, WIRE_FRAME, 0, 60);
	memcpy(record + 4, frame, 60);
	ck_assert(outsider_shake_hands(&o, a));
	outsider_hello(&o, a, false, true);
	ck_assert_uint_eq(host_events(a, NODE_PEER_UP), 1);
	/* Its last acknowledgement is lost; but who sends frames has ours. */
	outsider_send(&o, a, record, sizeof(record));
	ck_assert_uint_eq(host_events(a, NODE_PEER_UP), 2);
	free(frame);
	outsider_free(&o);
}
END_TEST

/* ---- answers belong to datagrams ---- */

/* Bytes that a sent there since the log's index. */
static size_t sent_to(const struct addr *to, size_t since, size_t *datagrams)
{
	size_t bytes = 0;

	*datagrams = 0;
	for (size_t i = since; i < h.log_count; i++) {
		if (!addr_equal(&h.log[i]->to, to))
			continue;
		bytes += h.log[i]->len;
		++*datagrams;
	}
	return bytes;
}

static size_t put_hellos(uint8_t *out, size_t count, bool want)
{
	const struct wire_hello hello = { .want = want,
					  .version = WIRE_VERSION,
					  .tap_mtu = 1500,
					  .epoch = peer.epoch,
					  .name = "n" };
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += wire_pack_hello(&hello, out + len);
	return len;
}

START_TEST(attack_many_hellos_in_one_datagram_have_one_answer)
{
	uint8_t records[60 * WIRE_HELLO_MAX];
	size_t len = put_hellos(records, 60, true), since = h.log_count, n;

	outsider_send(&peer, a, records, len);
	sent_to(&peer.at, since, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(host_drops(a, DROP_record_again), 59);
	/* What wants no answer is no more of it. */
	len = put_hellos(records, 60, false);
	outsider_send(&peer, a, records, len);
	ck_assert_uint_eq(host_drops(a, DROP_record_again), 59);
}
END_TEST

START_TEST(attack_many_probes_in_one_datagram_have_one_echo)
{
	const struct wire_probe probe = { .time_us = 1, .sent = 1 };
	uint8_t records[100 * WIRE_PROBE_LEN];
	size_t since = h.log_count, n;

	for (size_t i = 0; i < 100; i++)
		wire_pack_probe(&probe, records + i * WIRE_PROBE_LEN);
	outsider_send(&peer, a, records, sizeof(records));
	sent_to(&peer.at, since, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(host_drops(a, DROP_record_again), 99);
	outsider_send(&peer, a, records, WIRE_PROBE_LEN);
	sent_to(&peer.at, since, &n);
	ck_assert_uint_eq(n, 2);
}
END_TEST

/* A session that is not open is answered where it is heard, which is anywhere. */
START_TEST(attack_an_address_that_is_not_proven_gets_no_more_than_it_sent)
{
	uint8_t records[20 * WIRE_HELLO_MAX];
	size_t since = h.log_count, n, len;
	struct outsider o;

	outsider_init(&o, (uint8_t)(10 + _i));
	ck_assert(outsider_shake_hands(&o, a));
	/* The session is a peer's, and not open yet. */
	outsider_send(&o, a, records, put_hellos(records, 1, false));
	hosts_run(&h, CLOCK_S / 10);
	len = put_hellos(records, (size_t)_i + 1, true);
	o.at = elsewhere;
	outsider_send(&o, a, records, len);
	ck_assert_uint_le(sent_to(&elsewhere, since, &n),
			  len + WIRE_DATA_OVERHEAD);
	/* Our hello, and the pad that fills it up, have to fit. */
	ck_assert_uint_eq(n, len >= WIRE_HELLO_MAX + WIRE_RECORD_LEN);
	outsider_free(&o);
}
END_TEST

START_TEST(attack_a_session_that_is_not_open_answers_seldom)
{
	uint8_t records[WIRE_HELLO_MAX];
	size_t len = put_hellos(records, 1, true), since, n;
	struct outsider o;

	outsider_init(&o, 2);
	ck_assert(outsider_shake_hands(&o, a));
	since = h.log_count;
	for (int i = 0; i < 1000; i++) {
		outsider_send(&o, a, records, len);
		hosts_run(&h, CLOCK_MS);
	}
	sent_to(&o.at, since, &n);
	/* Twenty answers, and its own hellos. */
	ck_assert_uint_ge(n, 4);
	ck_assert_uint_le(n, 20 + 4 + 1);
	outsider_free(&o);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("from a peer", .setup = with_peer, .teardown = without_peer),
	UNIT_EACH(strange_records_are_skipped_and_the_next_is_read, strange),
	UNIT_TEST(a_record_past_its_datagram_ends_the_reading),
	UNIT_TEST(attack_a_checksum_that_does_not_fit_never_reaches_the_kernel),
	UNIT_TEST(attack_what_fragments_hide_is_checked_like_any_frame),
	UNIT_TEST(nothing_after_goodbye_is_read),
	UNIT_TEST(attack_many_hellos_in_one_datagram_have_one_answer),
	UNIT_TEST(attack_many_probes_in_one_datagram_have_one_echo),
	UNIT_LOOP(
		attack_an_address_that_is_not_proven_gets_no_more_than_it_sent,
		20),
	UNIT_TEST(attack_a_session_that_is_not_open_answers_seldom),
	UNIT_TEST(no_frame_passes_before_the_hello),
	UNIT_TEST(a_frame_is_as_good_as_the_hello_that_was_lost),
};

UNIT_MAIN("node records", tests)
