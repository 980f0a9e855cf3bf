/* lib/node: new keys within the session, whatever strangers and members do. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/alloc.h"
#include "support/main.h"
#include "support/opened.h"
#include "support/outsider.h"
#include "support/three.h"

static uint64_t said_a, said_b;

static void chatter(uint64_t us)
{
	uint64_t end = h.net.now_us + us;

	while (h.net.now_us < end) {
		host_say(a, ++said_a);
		host_say(b, ++said_b);
		hosts_run(&h, 20 * CLOCK_MS);
	}
	arrive();
}

static void assert_nothing_lost(void)
{
	ck_assert_uint_eq(b->written_count, said_a);
	ck_assert_uint_eq(a->written_count, said_b);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	ck_assert_uint_eq(host_events(b, NODE_PEER_DOWN), 0);
}

/* ---- as it should be ---- */

START_TEST(keys_change_before_120_seconds_without_a_frame_lost)
{
	uint32_t first;
	uint64_t born;

	hosts_mesh(&h, 2);
	first = host_peer(b, a).current.local;
	born = host_peer(b, a).current.born_us;
	chatter(107 * CLOCK_S);
	ck_assert_uint_eq(host_peer(b, a).current.local, first);
	chatter(13 * CLOCK_S + 500 * CLOCK_MS);
	ck_assert_uint_ne(host_peer(b, a).current.local, first);
	ck_assert_uint_le(host_peer(b, a).current.born_us,
			  born + 121 * CLOCK_S);
	ck_assert(host_peer(b, a).current.initiator ==
		  !host_peer(a, b).current.initiator);
	chatter(300 * CLOCK_S);
	assert_nothing_lost();
	ck_assert_uint_eq(host_drops_total(a) + host_drops_total(b), 0);
	/* Old keys are gone, the current and at most the one before are there. */
	ck_assert_uint_le(host_debug(a).indices, 2);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_INITIATION, NULL, NULL, 0),
			  1);
}
END_TEST

/* Records of these kinds are lost, and messages 1 if the mask has bit 0. */
static uint32_t lost_kinds;
static const struct host *lost_from; /* NULL: anybody's */

static enum fate lose_kinds(struct hosts *hosts, struct flight *p)
{
	bool lost = p->bytes[0] == WIRE_INITIATION && (lost_kinds & 1);

	if (lost_from && !addr_equal(&p->from, &lost_from->addrs[0]))
		return PASS;
	for (unsigned kind = 1; kind <= WIRE_REKEY_2; kind++)
		if (lost_kinds & (1u << kind))
			lost = lost || hosts_carries(hosts, p, kind);
	return lost ? LOSE : PASS;
}

static void lose(uint32_t kinds, const struct host *from)
{
	lost_kinds = kinds;
	lost_from = from;
	h.judge = lose_kinds;
}

#define BIT(kind) (1u << (kind))

START_TEST(keys_die_at_180_seconds_if_nothing_renews_them)
{
	uint64_t born;

	hosts_mesh(&h, 2);
	lose(BIT(0) | BIT(WIRE_REKEY_1), NULL);
	born = host_peer(b, a).current.born_us;
	chatter(179 * CLOCK_S);
	ck_assert(hosts_pair_up(&h));
	hosts_run(&h, 2 * CLOCK_S);
	ck_assert(!host_up(a, b));
	ck_assert(!host_up(b, a));
	ck_assert(!host_peer(a, b).has_current);
	ck_assert_str_eq(host_event(a, NODE_PEER_DOWN)->text,
			 "keys expired before a new handshake succeeded");
	ck_assert_uint_le(host_event(a, NODE_PEER_DOWN)->at_us,
			  born + 180 * CLOCK_S + CLOCK_MS);
	h.judge = NULL;
	ck_assert(hosts_until(&h, hosts_pair_up, 5 * CLOCK_S));
	ck_assert(host_talks(a, b));
}
END_TEST

START_TEST(keys_of_a_vanished_peer_are_wiped_after_180_seconds)
{
	hosts_mesh(&h, 2);
	host_stop(b);
	hosts_run(&h, 179 * CLOCK_S);
	ck_assert_int_eq(host_peer(a, b).state, NODE_PEER_STATE_DOWN);
	ck_assert(host_peer(a, b).has_current);
	hosts_run(&h, 2 * CLOCK_S);
	host_assert_no_sessions(a, b);
}
END_TEST

START_TEST(the_responder_renews_at_150_seconds_if_the_initiator_does_not)
{
	uint32_t first;

	hosts_mesh(&h, 2);
	/* b dialled a; now nothing that b begins arrives. */
	ck_assert(host_peer(b, a).current.initiator);
	first = host_peer(a, b).current.local;
	lose(BIT(0) | BIT(WIRE_REKEY_1), b);
	chatter(149 * CLOCK_S);
	ck_assert_uint_eq(host_peer(a, b).current.local, first);
	chatter(5 * CLOCK_S);
	ck_assert_uint_ne(host_peer(a, b).current.local, first);
	assert_nothing_lost();
}
END_TEST

START_TEST(no_handshake_gets_through_and_the_session_lives_on)
{
	hosts_mesh(&h, 2);
	lose(BIT(0), NULL);
	chatter(600 * CLOCK_S);
	assert_nothing_lost();
}
END_TEST

START_TEST(no_rekey_gets_through_and_handshakes_serve)
{
	hosts_mesh(&h, 2);
	lose(BIT(_i ? WIRE_REKEY_2 : WIRE_REKEY_1), NULL);
	chatter(400 * CLOCK_S);
	assert_nothing_lost();
}
END_TEST

/* The first `skip` datagrams with that record are lost. */
static unsigned skip;
static enum wire_kind skipped;

static enum fate lose_first(struct hosts *hosts, struct flight *p)
{
	if (!skip || !hosts_carries(hosts, p, skipped))
		return PASS;
	skip--;
	return LOSE;
}

START_TEST(lost_messages_are_repeated_and_answered_alike)
{
	skipped = _i < 4 ? WIRE_REKEY_1 : WIRE_REKEY_2;
	skip = (unsigned)_i % 4 + 1;
	hosts_mesh(&h, 2);
	h.judge = lose_first;
	chatter(125 * CLOCK_S);
	ck_assert_uint_eq(skip, 0);
	ck_assert_uint_lt(h.net.now_us - host_peer(a, b).current.born_us,
			  20 * CLOCK_S);
	assert_nothing_lost();
	ck_assert_uint_eq(host_drops(a, DROP_rekey_rate), 0);
	ck_assert_uint_eq(host_drops(b, DROP_rekey_rate), 0);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_INITIATION, NULL, NULL, 0),
			  1);
}
END_TEST

START_TEST(rekeys_that_cross_leave_one_session)
{
	struct node_debug_session ours, theirs;
	uint8_t secrets[2][KEY_LEN];
	uint64_t began;

	hosts_mesh(&h, 2);
	began = h.net.now_us;
	memset(secrets[0], 0x77, KEY_LEN);
	memset(secrets[1], 0x5e, KEY_LEN);
	/* Both hold another first secret at once: both begin. */
	hosts_set_latency(&h, 40 * CLOCK_MS);
	node_set_secrets(a->node, (const uint8_t(*)[KEY_LEN])secrets, 2,
			 hosts_clock(a));
	node_set_secrets(b->node, (const uint8_t(*)[KEY_LEN])secrets, 2,
			 hosts_clock(b));
	chatter(10 * CLOCK_S);
	ours = host_peer(a, b).current;
	theirs = host_peer(b, a).current;
	ck_assert_uint_eq(ours.local, theirs.remote);
	ck_assert_uint_eq(ours.remote, theirs.local);
	ck_assert_uint_ge(ours.born_us, began);
	ck_assert_uint_eq(host_drops(a, DROP_rekey_refused) +
				  host_drops(b, DROP_rekey_refused),
			  1);
	assert_nothing_lost();
	node_set_secrets(a->node, (const uint8_t(*)[KEY_LEN])secrets, 1,
			 hosts_clock(a));
	node_set_secrets(b->node, (const uint8_t(*)[KEY_LEN])secrets, 1,
			 hosts_clock(b));
	chatter(CLOCK_S);
	assert_nothing_lost();
}
END_TEST

/* ---- members ---- */

static struct outsider o;

static void member_setup(void)
{
	three_setup();
	host_start(a);
	outsider_init(&o, 1);
	outsider_join(&o, a);
	hosts_run(&h, CLOCK_S);
}

static void member_teardown(void)
{
	outsider_free(&o);
	three_teardown();
}

static const struct flight *to_member(size_t since, size_t nth)
{
	return hosts_sent(&h, WIRE_DATA, a, NULL, since, nth);
}

/* What of this kind a has sent to the member since, and the last of it. */
static unsigned answers(size_t since, struct wire_rekey_2 *last)
{
	const struct flight *f;
	unsigned count = 0;

	for (size_t nth = 0; (f = to_member(since, nth)); nth++) {
		uint8_t nonce[WIRE_NONCE_LEN], bytes[WIRE_DATA_OVERHEAD + 2048];
		struct wire_record r;
		struct cursor at;

		ck_assert_uint_le(f->len, sizeof(bytes));
		memcpy(bytes, f->bytes, f->len);
		wire_data_nonce(bytes, nonce);
		if (!aead_open(o.session.receive_key, nonce, bytes,
			       WIRE_DATA_HEADER_LEN,
			       bytes + WIRE_DATA_HEADER_LEN,
			       f->len - WIRE_DATA_HEADER_LEN))
			continue;
		at = cursor_init(bytes + WIRE_DATA_HEADER_LEN,
				 f->len - WIRE_DATA_OVERHEAD);
		while (wire_next_record(&at, &r)) {
			if (r.kind != WIRE_REKEY_2)
				continue;
			ck_assert_int_eq(wire_unpack_rekey_2(last, &r),
					 DROP_NONE);
			count++;
		}
	}
	return count;
}

START_TEST(a_member_rekeys_and_is_heard_on_the_new_session)
{
	uint8_t record[WIRE_REKEY_1_LEN];
	size_t since = h.log_count;
	struct wire_rekey_2 m;

	outsider_rekey(&o, record);
	outsider_send(&o, a, record, sizeof(record));
	ck_assert_uint_eq(answers(since, &m), 1);
	ck_assert(outsider_rekeyed(&o, &m, h.net.now_us));
	outsider_hello(&o, a, false, true);
	outsider_hello(&o, a, true, false);
	ck_assert_uint_eq(host_peer_by_key(a, &o.key).current.local, m.sender);
	ck_assert_uint_eq(host_events(a, NODE_PEER_UP), 1);
	ck_assert_uint_eq(host_drops_total(a), 0);
}
END_TEST

START_TEST(attack_a_flood_of_rekeys_costs_one_in_five_seconds)
{
	uint8_t record[WIRE_REKEY_1_LEN];
	size_t since = h.log_count, indices = host_debug(a).indices;
	struct wire_rekey_2 m;

	for (int i = 0; i < 1000; i++) {
		outsider_rekey(&o, record);
		outsider_send(&o, a, record, sizeof(record));
	}
	ck_assert_uint_eq(answers(since, &m), 2);
	ck_assert_uint_eq(host_drops(a, DROP_rekey_rate), 998);
	ck_assert_uint_eq(host_debug(a).indices, indices + 2);
	hosts_run(&h, 6 * CLOCK_S);
	/* They are gone; but the silent member is dialled. */
	ck_assert_uint_eq(host_debug(a).indices, indices + 1);
	for (int i = 0; i < 1000; i++) {
		outsider_rekey(&o, record);
		outsider_send(&o, a, record, sizeof(record));
	}
	ck_assert_uint_eq(answers(since, &m), 3);
}
END_TEST

START_TEST(attack_one_rekey_repeated_has_one_answer_and_one_place)
{
	uint8_t record[WIRE_REKEY_1_LEN], many[8 * WIRE_REKEY_1_LEN];
	size_t since = h.log_count, indices = host_debug(a).indices;
	struct wire_rekey_2 first, m;

	outsider_rekey(&o, record);
	for (size_t i = 0; i < 8; i++)
		memcpy(many + i * sizeof(record), record, sizeof(record));
	outsider_send(&o, a, record, sizeof(record));
	ck_assert_uint_eq(answers(since, &first), 1);
	for (int i = 0; i < 100; i++)
		outsider_send(&o, a, many, sizeof(many));
	ck_assert_uint_eq(answers(since, &m), 101);
	ck_assert_mem_eq(&m, &first, sizeof(m));
	ck_assert_uint_eq(host_debug(a).indices, indices + 1);
	ck_assert_uint_eq(host_drops(a, DROP_record_again), 700);
}
END_TEST

START_TEST(attack_a_rekey_shows_another_key_or_belongs_to_another_session)
{
	uint8_t record[WIRE_REKEY_1_LEN];
	size_t since = h.log_count, indices = host_debug(a).indices;
	struct outsider other;
	struct wire_rekey_2 m;

	outsider_init(&other, 2);
	outsider_join(&other, a);
	indices = host_debug(a).indices;
	/* Its own, lifted into the other's session. */
	outsider_rekey(&o, record);
	outsider_send(&other, a, record, sizeof(record));
	/* The other's key in its own. */
	memcpy(o.key.bytes, other.key.bytes, KEY_LEN);
	memcpy(o.private_key, other.private_key, KEY_LEN);
	outsider_rekey(&o, record);
	outsider_send(&o, a, record, sizeof(record));
	/* Under a secret that a does not hold. */
	memset(o.secret.mac1_key, 7, sizeof(o.secret.mac1_key));
	outsider_rekey(&o, record);
	outsider_send(&o, a, record, sizeof(record));
	ck_assert_uint_eq(host_drops(a, DROP_handshake_auth), 2);
	ck_assert_uint_eq(host_drops(a, DROP_mac1), 1);
	ck_assert_uint_eq(answers(since, &m), 0);
	ck_assert_uint_eq(host_debug(a).indices, indices);
	outsider_free(&other);
}
END_TEST

START_TEST(attack_a_rekeyed_session_is_no_way_to_be_another_process)
{
	uint8_t record[WIRE_REKEY_1_LEN];
	size_t since = h.log_count, indices = host_debug(a).indices;
	struct wire_rekey_2 m;
	uint64_t epoch = host_peer_by_key(a, &o.key).epoch;

	outsider_rekey(&o, record);
	outsider_send(&o, a, record, sizeof(record));
	ck_assert_uint_eq(answers(since, &m), 1);
	ck_assert(outsider_rekeyed(&o, &m, h.net.now_us));
	o.epoch++;
	outsider_hello(&o, a, false, true);
	ck_assert_uint_eq(host_drops(a, DROP_hello_epoch), 1);
	ck_assert_uint_eq(host_debug(a).indices, indices);
	ck_assert_uint_eq(host_peer_by_key(a, &o.key).epoch, epoch);
	ck_assert(host_peer_by_key(a, &o.key).has_current);
}
END_TEST

START_TEST(attack_a_hello_on_a_rekeyed_session_sends_nothing_elsewhere)
{
	uint8_t record[WIRE_REKEY_1_LEN];
	size_t since = h.log_count;
	struct wire_rekey_2 m;

	outsider_rekey(&o, record);
	outsider_send(&o, a, record, sizeof(record));
	ck_assert_uint_eq(answers(since, &m), 1);
	ck_assert(outsider_rekeyed(&o, &m, h.net.now_us));
	o.at = elsewhere;
	outsider_hello(&o, a, false, true);
	outsider_hello(&o, a, true, false);
	for (size_t i = since; i < h.log_count; i++)
		ck_assert(!addr_equal(&h.log[i]->to, &elsewhere));
	ck_assert_uint_eq(host_peer_by_key(a, &o.key).current.local, m.sender);
}
END_TEST

/* A record cut at each length, and with a flag. */
START_TEST(malformed_rekeys_are_dropped)
{
	uint8_t record[WIRE_REKEY_1_LEN + 9] = { 0 };
	uint64_t bad = 0;

	for (enum wire_kind kind = WIRE_REKEY_1; kind <= WIRE_REKEY_2; kind++) {
		size_t len = kind == WIRE_REKEY_1 ? WIRE_REKEY_1_LEN
						  : WIRE_REKEY_2_LEN;

		for (size_t n = 0; n < len - WIRE_RECORD_LEN; n++, bad++) {
			wire_pack_record(record, kind, 0, (uint16_t)n);
			outsider_send(&o, a, record, WIRE_RECORD_LEN + n);
		}
		wire_pack_record(record, kind, 1,
				 (uint16_t)(len - WIRE_RECORD_LEN));
		outsider_send(&o, a, record, len);
	}
	ck_assert_uint_eq(host_drops(a, DROP_record_bad), bad);
	ck_assert_uint_eq(host_drops(a, DROP_record_flag), 2);
	/* Longer is a later version's. */
	wire_pack_record(record, WIRE_REKEY_2, 0,
			 WIRE_REKEY_2_LEN - WIRE_RECORD_LEN + 9);
	outsider_send(&o, a, record, WIRE_REKEY_2_LEN + 9);
	ck_assert_uint_eq(host_drops(a, DROP_record_bad), bad);
	ck_assert_uint_eq(host_drops(a, DROP_handshake_index), 1);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("rekeying", .setup = three_setup, .teardown = three_teardown,
		  .timeout_s = 60),
	UNIT_TEST(keys_change_before_120_seconds_without_a_frame_lost),
	UNIT_TEST(keys_die_at_180_seconds_if_nothing_renews_them),
	UNIT_TEST(keys_of_a_vanished_peer_are_wiped_after_180_seconds),
	UNIT_TEST(
		the_responder_renews_at_150_seconds_if_the_initiator_does_not),
	UNIT_TEST(no_handshake_gets_through_and_the_session_lives_on),
	UNIT_LOOP(no_rekey_gets_through_and_handshakes_serve, 2),
	UNIT_LOOP(lost_messages_are_repeated_and_answered_alike, 8),
	UNIT_TEST(rekeys_that_cross_leave_one_session),
	UNIT_CASE("members", .setup = member_setup,
		  .teardown = member_teardown),
	UNIT_TEST(a_member_rekeys_and_is_heard_on_the_new_session),
	UNIT_TEST(attack_a_flood_of_rekeys_costs_one_in_five_seconds),
	UNIT_TEST(attack_one_rekey_repeated_has_one_answer_and_one_place),
	UNIT_TEST(
		attack_a_rekey_shows_another_key_or_belongs_to_another_session),
	UNIT_TEST(attack_a_rekeyed_session_is_no_way_to_be_another_process),
	UNIT_TEST(attack_a_hello_on_a_rekeyed_session_sends_nothing_elsewhere),
	UNIT_TEST(malformed_rekeys_are_dropped),
};

UNIT_MAIN("node rekey", tests)
