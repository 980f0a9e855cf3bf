/* node/peer and node/endpoint: identities and addresses, bounded, and who goes first. */
#include <check.h>
#include <string.h>

#include "node/candidate.h"
#include "node/groups.h"
#include "support/main.h"
#include "support/sessions.h"

#define NOW (1000 * CLOCK_S)
#define MAX 4

static struct node node; /* its tables alone */
static struct aead *aead;

static void setup(void)
{
	static const uint8_t seed[TABLE_SEED_LEN] = { 1 };

	static const struct bridge_config bridge = {
		.ports = MAX + 1,
		.macs = 1,
		.groups = 1,
	};

	node.bridge = bridge_new(&bridge, seed);
	ck_assert_ptr_nonnull(node.bridge);
	node.sessions = table_new(PEERS_SESSIONS + 1, sizeof(uint32_t),
				  sizeof(struct session), seed);
	node.indices = table_new(PEERS_SESSIONS + 1, sizeof(uint32_t),
				 sizeof(struct index_entry), seed);
	node.lane.frag = frag_new(1, 2000, MAX + 1, node.lane.drops);
	node.peer_shares = shares_new(MAX + 1, seed);
	ck_assert(node.sessions && node.indices && node.lane.frag &&
		  node.peer_shares);
	ck_assert(peers_init(&node, MAX, seed));
	ck_assert(endpoints_init(&node, 3 * MAX, 0, seed));
	aead = aead_new(NULL);
	ck_assert_ptr_nonnull(aead);
}

static void teardown(void)
{
	peers_free(&node);
	endpoints_free(&node);
	table_free(node.sessions);
	table_free(node.indices);
	frag_free(node.lane.frag);
	bridge_free(node.bridge);
	aead_free(aead);
}

static struct public_key key_of(uint8_t n)
{
	struct public_key key;

	memset(key.bytes, n, sizeof(key.bytes));
	return key;
}

static struct peer *add_peer(uint8_t n)
{
	struct public_key key = key_of(n);

	return peers_add(&node, &key, NOW);
}

static struct endpoint *add_endpoint(uint16_t port)
{
	struct addr addr = addr_v4(0x0a090001, port);

	return endpoints_add(&node, &addr);
}

/* Gives the peer a session, as a handshake would. Our key, all zeros, is the
 * smaller of any two. */
static struct session *add_session(struct peer *peer, bool initiator,
				   uint64_t now_us)
{
	static uint32_t local;
	const struct noise noise = sessions_noise(initiator);
	struct session *s;

	local++;
	table_insert(node.indices, &local);
	s = table_insert(node.sessions, &local);
	ck_assert_ptr_nonnull(s);
	ck_assert(session_init(s, aead, &noise, initiator, local, 2, now_us));
	s->stage = SESSION_OPEN;
	peer_session_add(&node, peer, s);
	return s;
}

static bool has_session(const struct peer *peer, const struct session *s)
{
	for (size_t i = 0; i < PEERS_SESSIONS; i++)
		if (peer->sessions[i] == s)
			return true;
	return false;
}

/* ---- the tables ---- */

START_TEST(a_new_peer_has_a_port_and_nothing_else)
{
	struct public_key key = key_of(1);
	struct peer *peer = peers_add(&node, &key, NOW);

	ck_assert_ptr_nonnull(peer);
	ck_assert(public_key_equal(&peer->key, &key));
	ck_assert_int_eq(peer->state, PEER_CONNECTING);
	ck_assert_ptr_null(peer->endpoint);
	ck_assert_ptr_null(peer->current);
	ck_assert_ptr_null(peer->duplicate);
	ck_assert_uint_gt(peer->port, 0);
	ck_assert_ptr_eq(peers_at_port(&node, peer->port), peer);
	ck_assert_ptr_eq(peers_find(&node, &key), peer);
}
END_TEST

START_TEST(port_zero_is_the_tap_and_no_peer)
{
	add_peer(1);
	ck_assert_ptr_null(peers_at_port(&node, 0));
	ck_assert_ptr_null(peers_at_port(&node, MAX));
	ck_assert_ptr_null(peers_at_port(&node, UINT16_MAX));
}
END_TEST

START_TEST(both_tables_are_bounded)
{
	bool ports[MAX + 1] = { false };

	for (uint8_t i = 0; i < MAX; i++) {
		struct peer *peer = add_peer(i);

		ck_assert_ptr_nonnull(peer);
		ck_assert_uint_le(peer->port, MAX);
		ck_assert(!ports[peer->port]);
		ports[peer->port] = true;
	}
	ck_assert_ptr_null(add_peer(MAX));
	for (uint16_t i = 0; i < 3 * MAX; i++)
		ck_assert_ptr_nonnull(add_endpoint(i));
	ck_assert_ptr_null(add_endpoint(3 * MAX));
	ck_assert_ptr_nonnull(add_endpoint(0)); /* it is there */
}
END_TEST

START_TEST(endpoints_are_found_by_address_and_port)
{
	struct addr a = addr_v4(0x0a090001, 1), b = addr_v4(0x0a090001, 2);
	struct endpoint *e = endpoints_add(&node, &a);

	ck_assert(addr_equal(&e->addr, &a));
	ck_assert_ptr_eq(endpoints_find(&node, &a), e);
	ck_assert_ptr_eq(endpoints_add(&node, &a), e);
	ck_assert_ptr_null(endpoints_find(&node, &b));
	endpoints_remove(&node, e);
	ck_assert_ptr_null(endpoints_find(&node, &a));
}
END_TEST

START_TEST(walks_see_each_once_also_while_removing)
{
	uint32_t at = TABLE_NONE;
	size_t peers = 0, endpoints = 0;
	struct endpoint *e;
	struct peer *peer;

	for (uint8_t i = 0; i < MAX; i++)
		add_peer(i);
	for (uint16_t i = 0; i < 3 * MAX; i++)
		add_endpoint(i);
	while ((peer = peers_next(&node, &at))) {
		peers++;
		peers_remove(&node, peer);
	}
	ck_assert_uint_eq(peers, MAX);
	at = TABLE_NONE;
	while ((e = endpoints_next(&node, &at))) {
		endpoints++;
		endpoints_remove(&node, e);
	}
	ck_assert_uint_eq(endpoints, 3 * MAX);
	at = TABLE_NONE;
	ck_assert_ptr_null(peers_next(&node, &at));
}
END_TEST

START_TEST(a_removed_peer_is_wiped_and_unbound)
{
	static const struct session zero;
	struct peer *peer = add_peer(1), *other = add_peer(2);
	struct endpoint *e = add_endpoint(1), *f = add_endpoint(2);
	struct session *s = add_session(peer, true, NOW);
	struct public_key key = key_of(1);

	e->peer = peer;
	f->peer = other;
	peers_remove(&node, peer);
	ck_assert_ptr_null(peers_find(&node, &key));
	ck_assert_ptr_null(e->peer);
	ck_assert_ptr_eq(f->peer, other);
	ck_assert_mem_eq(s, &zero, sizeof(zero));
	ck_assert_uint_eq(table_count(node.sessions), 0);
}
END_TEST

START_TEST(a_removed_endpoint_leaves_no_keys_behind)
{
	static const struct endpoint zero;
	struct endpoint *e = add_endpoint(1);

	memset(&e->pending.noise, 0x5a, sizeof(e->pending.noise));
	memset(e->cookie, 0x5a, sizeof(e->cookie));
	endpoints_remove(&node, e);
	ck_assert_mem_eq(e, &zero, sizeof(zero));
}
END_TEST

START_TEST(a_table_that_was_never_made_is_freed)
{
	struct node none = { 0 };

	peers_free(&none);
	endpoints_free(&none);
	peers_free(&none);
	endpoints_free(&none);
}
END_TEST

/* ---- who goes when the table is full ---- */

static const struct addr newcomer = {
	.ip = { [10] = 0xff, 0xff, 10, 9, 9, 9 }
};

/* A peer at that host of 10.9.0.0/24. */
static struct peer *peer_at(uint8_t key, uint8_t host, enum peer_state state,
			    uint64_t state_us)
{
	struct peer *peer = add_peer(key);

	peer->path.way.remote = addr_v4(0x0a090000u + host, WIRE_PORT);
	peer->state = state;
	peer->state_us = state_us;
	return peer;
}

static struct peer *evictable(bool wanted)
{
	return peers_evictable(&node, &newcomer, wanted);
}

START_TEST(the_longest_down_goes_first)
{
	struct peer *b, *c;

	ck_assert_ptr_null(evictable(true));
	peer_at(1, 1, PEER_UP, 1);
	b = peer_at(2, 2, PEER_DOWN, 3);
	c = peer_at(3, 3, PEER_DOWN, 2);
	ck_assert_ptr_eq(evictable(false), c);
	peers_remove(&node, c);
	ck_assert_ptr_eq(evictable(false), b);
	peers_remove(&node, b);
	ck_assert_ptr_null(evictable(false));
}
END_TEST

START_TEST(then_for_a_wanted_one_the_last_that_came_up)
{
	struct peer *a = peer_at(1, 1, PEER_UP, 2);
	struct peer *b = peer_at(2, 2, PEER_UP, 1);
	struct peer *c = peer_at(3, 3, PEER_UP, 3);
	struct endpoint *e = add_endpoint(1);

	e->peer = c;
	e->sources = 1;
	ck_assert_ptr_eq(evictable(true), a);
	ck_assert_ptr_null(evictable(false));
	/* … or never did. */
	b->state = PEER_CONNECTING;
	ck_assert_ptr_eq(evictable(true), b);
	ck_assert_ptr_null(evictable(false));
}
END_TEST

START_TEST(who_holds_most_gives)
{
	struct peer *a = peer_at(1, 1, PEER_UP, 9);
	struct peer *b = peer_at(2, 2, PEER_UP, 1);
	struct peer *c = peer_at(3, 2, PEER_UP, 2);

	(void)a;
	(void)b;
	/* Two keys at one address, the younger of them; for anybody else. */
	ck_assert_ptr_eq(evictable(false), c);
	ck_assert_ptr_eq(peers_evictable(&node, &a->path.way.remote, true), c);
	/* Not for a third, nor for one who would hold as much then. */
	ck_assert_ptr_null(peers_evictable(&node, &c->path.way.remote, false));
	ck_assert_ptr_null(peers_evictable(&node, &a->path.way.remote, false));
}
END_TEST

START_TEST(a_peer_somebody_wants_does_not_go)
{
	struct peer *a = peer_at(1, 1, PEER_DOWN, 1);
	struct peer *b = peer_at(2, 2, PEER_DOWN, 2);
	struct endpoint *e = add_endpoint(1), *f = add_endpoint(2);

	e->peer = a;
	f->peer = a;
	ck_assert(!peer_wanted(&node, a));
	f->sources = 1u << 3;
	ck_assert(peer_wanted(&node, a));
	ck_assert(!peer_wanted(&node, b));
	ck_assert_ptr_eq(evictable(true), b);
	peers_remove(&node, b);
	ck_assert_ptr_null(evictable(true));
}
END_TEST

/* ---- sessions of a peer ---- */

START_TEST(a_new_session_takes_a_free_place_then_the_oldest_s)
{
	static const struct session zero;
	struct peer *peer = add_peer(1);
	struct session *s[PEERS_SESSIONS];

	for (size_t i = 0; i < PEERS_SESSIONS; i++)
		s[i] = add_session(peer, true, NOW + 10 - i);
	for (size_t i = 0; i < PEERS_SESSIONS; i++)
		ck_assert(has_session(peer, s[i]));
	/* The last is the oldest, then the one before. */
	add_session(peer, true, NOW + 20);
	ck_assert(!has_session(peer, s[7]));
	ck_assert_mem_eq(s[7], &zero, sizeof(zero));
	peer->current = s[6];
	add_session(peer, true, NOW + 21);
	ck_assert(has_session(peer, s[6]));
	ck_assert(!has_session(peer, s[5]));
	peer_session_drop(&node, peer, s[0]);
	add_session(peer, true, NOW + 22);
	for (size_t i = 1; i < 5; i++)
		ck_assert(has_session(peer, s[i]));
	ck_assert_uint_eq(table_count(node.sessions), PEERS_SESSIONS);
	ck_assert_uint_eq(table_count(node.indices), PEERS_SESSIONS);
}
END_TEST

START_TEST(an_added_session_is_found_by_its_index)
{
	struct peer *peer = add_peer(1);
	struct session *s = add_session(peer, true, NOW);
	uint32_t local = s->local;
	const struct index_entry *entry = table_find(node.indices, &local);

	ck_assert_int_eq(entry->kind, INDEX_SESSION);
	ck_assert_ptr_eq(entry->peer, peer);
	ck_assert_ptr_eq(entry->session, s);
	ck_assert_ptr_null(entry->candidate);
	peer_session_drop(&node, peer, s);
	ck_assert_ptr_null(table_find(node.indices, &local));
	ck_assert(!has_session(peer, s));
}
END_TEST

START_TEST(of_sessions_made_at_once_one_that_neither_end_prefers_goes)
{
	struct peer *peer = add_peer(1);
	struct session *ours, *theirs;

	/* Older, but both ends prefer what the smaller key initiated. */
	ours = add_session(peer, true, NOW);
	theirs = add_session(peer, false, NOW + CLOCK_S);
	for (size_t i = 2; i < PEERS_SESSIONS; i++)
		add_session(peer, true, NOW + CLOCK_S + i);
	add_session(peer, true, NOW + 20 * CLOCK_S);
	ck_assert(!has_session(peer, theirs));
	ck_assert(has_session(peer, ours));
	add_session(peer, true, NOW + 20 * CLOCK_S);
	ck_assert(!has_session(peer, ours));
}
END_TEST

START_TEST(without_an_open_session_there_is_none_to_send_on)
{
	struct peer *peer = add_peer(1);
	struct session *s;

	ck_assert(!peer_choose_session(peer, true, NOW));
	s = add_session(peer, true, NOW);
	s->stage = SESSION_CONFIRMED;
	ck_assert(!peer_choose_session(peer, true, NOW));
	ck_assert_ptr_null(peer->current);
	ck_assert_uint_eq(s->retire_us, CLOCK_NEVER);
	s->stage = SESSION_OPEN;
	ck_assert(peer_choose_session(peer, true, NOW));
	ck_assert_ptr_eq(peer->current, s);
	ck_assert(!peer_choose_session(peer, true, NOW));
}
END_TEST

START_TEST(the_session_that_was_replaced_receives_for_30_seconds)
{
	struct peer *peer = add_peer(1);
	struct session *old = add_session(peer, true, NOW), *young, *opening;
	uint64_t later = NOW + 120 * CLOCK_S;

	peer_choose_session(peer, true, NOW);
	young = add_session(peer, true, later);
	opening = add_session(peer, true, later);
	opening->stage = SESSION_CONFIRMED;
	ck_assert(peer_choose_session(peer, true, later));
	ck_assert_ptr_eq(peer->current, young);
	ck_assert_uint_eq(young->retire_us, CLOCK_NEVER);
	ck_assert_uint_eq(old->retire_us, later + SESSION_RETIRE_US);
	ck_assert_uint_eq(opening->retire_us, CLOCK_NEVER);
	/* Choosing again does not put the end off. */
	peer_choose_session(peer, true, later + CLOCK_S);
	ck_assert_uint_eq(old->retire_us, later + SESSION_RETIRE_US);
}
END_TEST

START_TEST(a_retired_session_that_is_the_best_again_is_kept)
{
	struct peer *peer = add_peer(1);
	struct session *ours = add_session(peer, true, NOW), *theirs;

	peer_choose_session(peer, false, NOW);
	theirs = add_session(peer, false, NOW + CLOCK_S);
	ck_assert(peer_choose_session(peer, false, NOW + CLOCK_S));
	ck_assert_ptr_eq(peer->current, theirs);
	ck_assert_uint_ne(ours->retire_us, CLOCK_NEVER);
	peer_session_drop(&node, peer, theirs);
	ck_assert(peer_choose_session(peer, false, NOW + 2 * CLOCK_S));
	ck_assert_ptr_eq(peer->current, ours);
	ck_assert_uint_eq(ours->retire_us, CLOCK_NEVER);
}
END_TEST

START_TEST(a_session_past_its_life_is_not_chosen)
{
	struct peer *peer = add_peer(1);

	add_session(peer, true, NOW);
	peer_choose_session(peer, true, NOW);
	ck_assert(peer_choose_session(peer, true, NOW + SESSION_LIFE_US));
	ck_assert_ptr_null(peer->current);
}
END_TEST

/* ---- what people read ---- */

START_TEST(every_reason_has_a_text_that_fits)
{
	char text[96];

	for (int why = 0; why < ENDPOINT_REASON_COUNT; why++) {
		ck_assert_ptr_eq(
			endpoint_reason_print((enum endpoint_reason)why, 65535,
					      text, sizeof(text)),
			text);
		ck_assert_uint_gt(strlen(text), 4);
		ck_assert_uint_lt(strlen(text), sizeof(text) - 1);
		ck_assert_ptr_null(strstr(text, ": is UDP %"));
	}
	for (int why = PEER_REASON_NONE + 1; why < PEER_REASON_COUNT; why++) {
		peer_reason_print((enum peer_reason)why, 65535, text,
				  sizeof(text));
		ck_assert_uint_gt(strlen(text), 4);
		ck_assert_uint_lt(strlen(text), sizeof(text) - 1);
	}
	ck_assert_str_eq(
		peer_reason_print(PEER_REASON_NONE, 1, text, sizeof(text)), "");
}
END_TEST

START_TEST(the_texts_that_others_rely_on)
{
	char text[96];

	endpoint_reason_print(ENDPOINT_NO_ANSWER, 8273, text, sizeof(text));
	ck_assert_str_eq(text, "no answer: is UDP 8273 open both ways?");
	peer_reason_print(PEER_REASON_SILENT, 4000, text, sizeof(text));
	ck_assert_str_eq(text, "no answer: is UDP 4000 open both ways?");
	endpoint_reason_print(ENDPOINT_OTHER_SECRET, 8273, text, sizeof(text));
	ck_assert_str_eq(text,
			 "different secret? compare secret_file on both hosts");
	endpoint_reason_print(ENDPOINT_DUPLICATE, 8273, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "duplicate key"));
	endpoint_reason_print(ENDPOINT_UNTRUSTED, 8273, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "key not trusted"));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("peers", .setup = setup, .teardown = teardown),
	UNIT_TEST(a_new_peer_has_a_port_and_nothing_else),
	UNIT_TEST(port_zero_is_the_tap_and_no_peer),
	UNIT_TEST(both_tables_are_bounded),
	UNIT_TEST(endpoints_are_found_by_address_and_port),
	UNIT_TEST(walks_see_each_once_also_while_removing),
	UNIT_TEST(a_removed_peer_is_wiped_and_unbound),
	UNIT_TEST(a_removed_endpoint_leaves_no_keys_behind),
	UNIT_TEST(a_table_that_was_never_made_is_freed),
	UNIT_TEST(the_longest_down_goes_first),
	UNIT_TEST(then_for_a_wanted_one_the_last_that_came_up),
	UNIT_TEST(who_holds_most_gives),
	UNIT_TEST(a_peer_somebody_wants_does_not_go),
	UNIT_TEST(a_new_session_takes_a_free_place_then_the_oldest_s),
	UNIT_TEST(an_added_session_is_found_by_its_index),
	UNIT_TEST(of_sessions_made_at_once_one_that_neither_end_prefers_goes),
	UNIT_TEST(without_an_open_session_there_is_none_to_send_on),
	UNIT_TEST(the_session_that_was_replaced_receives_for_30_seconds),
	UNIT_TEST(a_retired_session_that_is_the_best_again_is_kept),
	UNIT_TEST(a_session_past_its_life_is_not_chosen),
	UNIT_TEST(every_reason_has_a_text_that_fits),
	UNIT_TEST(the_texts_that_others_rely_on),
};

UNIT_MAIN("peers", tests)
