/* lib/node: a peer whose memory was copied or put back, spoken by hand. */
#include <check.h>
#include <string.h>

#include "support/main.h"
#include "support/outsider.h"
#include "support/three.h"

static struct outsider o;

static void setup(void)
{
	three_setup();
	host_start(a);
	outsider_init(&o, 7);
	outsider_join(&o, a);
	ck_assert(host_knows_key(a, &o.key));
	hosts_forget_log(&h);
	host_forget_events(a);
}

static void teardown(void)
{
	outsider_free(&o);
	three_teardown();
}

static const uint8_t pad[WIRE_RECORD_LEN + 8] = { WIRE_PAD, 0, 0, 8 };

/* Seals a datagram of pad under this counter and salt; its length. */
static size_t seal(uint32_t counter, uint8_t salt, uint8_t *out)
{
	struct iovec piece = { (void *)(uintptr_t)pad, sizeof(pad) };
	const uint8_t bytes[WIRE_SALT_LEN] = { salt };

	o.session.counter = counter;
	return session_seal(&o.session, bytes, &piece, 1, out, h.net.now_us);
}

static void hear(uint32_t counter, uint8_t salt)
{
	uint8_t datagram[WIRE_DATA_OVERHEAD + sizeof(pad)];
	size_t len = seal(counter, salt, datagram);

	host_receive(a, &o.at, datagram, len);
}

static size_t sessions(void)
{
	return host_peer_by_key(a, &o.key).sessions_count;
}

/* It was told on the session, if it opened and says so. */
static bool told(size_t nth)
{
	const struct flight *f = NULL;
	struct wire_record record;
	const uint8_t *records;
	size_t len;
	uint64_t advance;
	struct cursor cursor;
	uint8_t datagram[2048];

	for (size_t i = 0; i < h.log_count; i++)
		if (h.log[i]->bytes[0] == WIRE_DATA &&
		    addr_equal(&h.log[i]->to, &o.at) && nth-- == 0)
			f = h.log[i];
	if (!f)
		return false;
	memcpy(datagram, f->bytes, f->len);
	if (session_unseal(&o.session, datagram, f->len, h.net.now_us, &records,
			   &len, &advance) != DROP_NONE)
		return false;
	cursor = cursor_init(records, len);
	return wire_next_record(&cursor, &record) && record.kind == WIRE_COPIED;
}

START_TEST(a_counter_with_two_salts_ends_the_session)
{
	hear(20, 1);
	ck_assert_uint_eq(host_drops(a, DROP_copied_sender), 0);
	hear(20, 2);
	ck_assert_uint_eq(host_drops(a, DROP_copied_sender), 1);
	ck_assert_uint_eq(host_events(a, NODE_PEER_COPIED), 1);
	ck_assert(!host_peer_by_key(a, &o.key).has_current);
	ck_assert(told(0));
	/* It dials where it knows the peer. */
	hosts_run(&h, CLOCK_MS);
	ck_assert_uint_ge(hosts_count_sent(&h, WIRE_INITIATION, a, NULL, 0), 1);
}
END_TEST

/* Nothing new opens any more; each is answered, and after a while wiped. */
START_TEST(a_session_that_is_burnt_only_tells_so)
{
	hear(20, 1);
	hear(20, 2);
	for (uint32_t i = 0; i < 3; i++)
		hear(30 + i, 3);
	ck_assert_uint_eq(host_drops(a, DROP_copied_sender), 4);
	ck_assert_uint_eq(host_events(a, NODE_PEER_COPIED), 1);
	for (size_t i = 0; i < 4; i++)
		ck_assert(told(i));
	hosts_run(&h, 5100 * CLOCK_MS);
	ck_assert_uint_eq(sessions(), 0);
}
END_TEST

/* What the network does, and what strangers can do, proves nothing. */
START_TEST(a_replay_is_no_copy)
{
	uint8_t one[WIRE_DATA_OVERHEAD + sizeof(pad)];
	uint8_t again[sizeof(one)];
	size_t len = seal(20, 1, one);

	memcpy(again, one, len);
	host_receive(a, &o.at, one, len);
	host_receive(a, &o.at, again, len); /* doubled */
	memcpy(again, one, len);
	host_receive(a, &stranger, again, len);
	/* with another salt, which nobody sealed */
	memcpy(again, one, len);
	again[2] ^= 1;
	host_receive(a, &o.at, again, len);
	/* late, of runs of their own */
	hear(19, 3);
	hear(18, 4);
	hear(19, 3);
	hear(18, 4);
	ck_assert_uint_eq(host_drops(a, DROP_copied_sender), 0);
	ck_assert_uint_eq(host_drops(a, DROP_replay), 5);
	ck_assert(host_peer_by_key(a, &o.key).has_current);
}
END_TEST

/* What never came is not known to have had another salt. */
START_TEST(what_is_too_old_to_tell_is_no_copy)
{
	hear(20, 1);
	hear(20 + 8192, 2);
	hear(19, 3);
	hear(20, 3);
	ck_assert_uint_eq(host_drops(a, DROP_copied_sender), 0);
	ck_assert(host_peer_by_key(a, &o.key).has_current);
}
END_TEST

/* Each costs a decryption, which replays do not otherwise. */
START_TEST(at_most_ten_a_second_are_opened)
{
	hear(20, 1);
	for (uint8_t i = 0; i < 100; i++)
		hear(20, (uint8_t)(2 + i));
	ck_assert_uint_eq(host_drops(a, DROP_copied_sender), 10);
	ck_assert_uint_eq(host_drops(a, DROP_replay), 90);
}
END_TEST

/* A datagram sent on from elsewhere has an answer no larger than itself. */
START_TEST(attack_no_answer_is_larger_than_what_came)
{
	struct iovec nothing = { NULL, 0 };
	const uint8_t salt[WIRE_SALT_LEN] = { 9 };
	uint8_t small[WIRE_DATA_OVERHEAD];
	size_t sent = 0;

	hear(20, 1);
	o.session.counter = 20;
	ck_assert_uint_eq(session_seal(&o.session, salt, &nothing, 1, small,
				       h.net.now_us),
			  sizeof(small));
	host_receive(a, &stranger, small, sizeof(small));
	ck_assert_uint_eq(host_drops(a, DROP_copied_sender), 1);
	for (size_t i = 0; i < h.log_count; i++)
		sent += addr_equal(&h.log[i]->to, &stranger);
	ck_assert_uint_eq(sent, 0);
	ck_assert(told(0)); /* where the peer is known to be */
}
END_TEST

/* ---- our own ---- */

/* Only towards the peer that says so. */
START_TEST(who_is_told_begins_anew_with_that_peer)
{
	uint8_t record[WIRE_RECORD_LEN];
	uint64_t epoch;

	host_start(b);
	host_dial(a, b);
	hosts_run(&h, CLOCK_S);
	ck_assert(host_up(a, b));
	epoch = host_debug(a).epoch;
	hosts_forget_log(&h);
	host_forget_events(a);
	host_forget_events(b);
	wire_pack_record(record, WIRE_COPIED, 0, 0);
	outsider_send(&o, a, record, sizeof(record));
	ck_assert_uint_eq(sessions(), 0);
	ck_assert_uint_eq(host_events(a, NODE_COPIED), 1);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	hosts_run(&h, CLOCK_MS);
	ck_assert_uint_ge(hosts_count_sent(&h, WIRE_INITIATION, a, NULL, 0), 1);
	ck_assert_uint_eq(host_debug(a).epoch, epoch);
	hosts_run(&h, 2 * CLOCK_S);
	ck_assert(host_up(a, b));
	ck_assert_uint_eq(host_events(b, NODE_PEER_RESTARTED), 0);
}
END_TEST

static void report(uint64_t received)
{
	struct wire_probe probe = { .echo = true, .received = received };
	uint8_t record[WIRE_PROBE_LEN];

	wire_pack_probe(&probe, record);
	outsider_send(&o, a, record, sizeof(record));
	hosts_run(&h, 10 * CLOCK_MS);
}

START_TEST(who_hears_of_more_than_it_sent_begins_anew)
{
	for (int i = 0; i < 5; i++) {
		report(2);
		hosts_run(&h, 2 * CLOCK_S);
	}
	ck_assert_uint_eq(host_events(a, NODE_COPIED), 0);
	report(host_peer_by_key(a, &o.key).datagrams + 1000);
	ck_assert_uint_eq(host_events(a, NODE_COPIED), 1);
	ck_assert_uint_eq(sessions(), 0);
}
END_TEST

/* All data that a sent to the peer since the log was emptied. */
static uint64_t sent_to_peer(void)
{
	uint64_t n = 0;

	for (size_t i = 0; i < h.log_count; i++)
		n += h.log[i]->bytes[0] == WIRE_DATA &&
		     addr_equal(&h.log[i]->to, &o.at);
	return n;
}

/* a dialled the peer, which answers, and is heard only after us. */
static void answer_dial(uint64_t us)
{
	const struct flight *f = hosts_sent(&h, WIRE_INITIATION, a, NULL, 0, 0);
	uint8_t response[WIRE_RESPONSE_LEN];

	ck_assert_ptr_nonnull(f);
	outsider_respond(&o, f->bytes, response, h.net.now_us);
	host_receive(a, &o.at, response, sizeof(response));
	hosts_run(&h, us);
	outsider_hello(&o, a, true, true);
	ck_assert(host_peer_by_key(a, &o.key).has_current);
}

/* Reports for long enough to be believed, and then one of everything. */
static void report_all_at_last(void)
{
	for (int i = 0; i < 5; i++) {
		report(2);
		hosts_run(&h, 2 * CLOCK_S);
	}
	report(sent_to_peer());
}

/* First hellos, which are sent before it is decided whose session that is. */
START_TEST(hellos_that_arrive_late_are_no_copy)
{
	uint8_t record[WIRE_RECORD_LEN];

	wire_pack_record(record, WIRE_COPIED, 0, 0);
	outsider_send(&o, a, record, sizeof(record));
	hosts_run(&h, CLOCK_MS);
	host_forget_events(a);
	answer_dial(4 * CLOCK_S);
	ck_assert_uint_ge(sent_to_peer(), 10);
	report_all_at_last();
	ck_assert_uint_eq(host_events(a, NODE_COPIED), 0);
}
END_TEST

/* A peer that was told that it was copied may count that, too. */
START_TEST(what_told_the_peer_is_no_copy)
{
	hear(20, 1);
	for (uint32_t i = 0; i < 10; i++)
		hear(20, 2);
	hosts_run(&h, CLOCK_MS);
	ck_assert_uint_ge(sent_to_peer(), 9);
	answer_dial(0);
	report_all_at_last();
	ck_assert_uint_eq(host_events(a, NODE_COPIED), 0);
}
END_TEST

/* The epoch that a shows in its first datagram after it was told by this counter. */
static uint64_t shown_when_told_by(uint32_t counter)
{
	uint8_t record[WIRE_RECORD_LEN], response[WIRE_RESPONSE_LEN];
	const struct flight *f;
	struct wire_record r;
	struct wire_hello hello = { 0 };
	const uint8_t *records;
	struct cursor cursor;
	uint64_t advance;
	size_t len;

	teardown();
	setup();
	o.session.counter = counter;
	wire_pack_record(record, WIRE_COPIED, 0, 0);
	outsider_send(&o, a, record, sizeof(record));
	hosts_run(&h, CLOCK_MS);
	f = hosts_sent(&h, WIRE_INITIATION, a, NULL, 0, 0);
	ck_assert_ptr_nonnull(f);
	outsider_respond(&o, f->bytes, response, h.net.now_us);
	hosts_forget_log(&h);
	host_receive(a, &o.at, response, sizeof(response));
	ck_assert_uint_eq(h.log_count, 1);
	ck_assert(session_unseal(&o.session, h.log[0]->bytes, h.log[0]->len,
				 h.net.now_us, &records, &len,
				 &advance) == DROP_NONE);
	cursor = cursor_init(records, len);
	while (wire_next_record(&cursor, &r))
		if (r.kind == WIRE_HELLO)
			ck_assert(wire_unpack_hello(&hello, &r) == DROP_NONE);
	return hello.epoch;
}

/* Their generators run alike here, as they may where a machine is copied; with one
 * epoch they would pass as one process at two addresses. */
START_TEST(copies_show_epochs_of_their_own_though_they_draw_the_same)
{
	const uint64_t epoch = shown_when_told_by(20);

	ck_assert_uint_eq(shown_when_told_by(20), epoch);
	ck_assert_uint_ne(shown_when_told_by(21), epoch);
	ck_assert_uint_ne(shown_when_told_by(2000), epoch);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("copied peers", .setup = setup, .teardown = teardown),
	UNIT_TEST(a_counter_with_two_salts_ends_the_session),
	UNIT_TEST(a_session_that_is_burnt_only_tells_so),
	UNIT_TEST(a_replay_is_no_copy),
	UNIT_TEST(what_is_too_old_to_tell_is_no_copy),
	UNIT_TEST(at_most_ten_a_second_are_opened),
	UNIT_TEST(attack_no_answer_is_larger_than_what_came),
	UNIT_TEST(who_is_told_begins_anew_with_that_peer),
	UNIT_TEST(copies_show_epochs_of_their_own_though_they_draw_the_same),
	UNIT_TEST(who_hears_of_more_than_it_sent_begins_anew),
	UNIT_TEST(hellos_that_arrive_late_are_no_copy),
	UNIT_TEST(what_told_the_peer_is_no_copy),
};

UNIT_MAIN("node_copied", tests)
