#include "support/main.h"
#include "tapd/event_limit.h"
#include "tapd/events.h"

#include <check.h>
#include <string.h>

static struct event_limit limit;
static uint64_t now_us;

static void setup(void)
{
	memset(&limit, 0, sizeof(limit));
	now_us = 1000 * CLOCK_S;
}

static struct node_event of_peer(enum node_event_type type, uint32_t key)
{
	struct node_event e = { .type = type };

	memcpy(e.key.bytes, &key, sizeof(key));
	return e;
}

/* A key that nobody saw before, each time. */
static struct node_event of_address(enum node_event_type type, uint32_t ip)
{
	static uint32_t key;
	struct node_event e = of_peer(type, ++key);

	e.at = addr_v4(ip, (uint16_t)key);
	return e;
}

static bool allowed(struct node_event e)
{
	return event_limit_allows(&limit, &e, now_us);
}

static void assert_left_out(uint64_t count, const char *expected)
{
	char text[256];

	ck_assert_uint_eq(event_limit_take_left_out(&limit, text, sizeof(text)),
			  count);
	ck_assert_str_eq(text, expected);
}

/* "… has the key of web1: remove key_file there" is not to name the relay. */
START_TEST(who_is_behind_a_relay_is_not_at_its_address)
{
	struct addr at = addr_v4(0x0a090002, 8273);
	char text[EVENTS_AT_STRLEN];

	ck_assert_str_eq(events_print_at(&at, text), "10.9.0.2:8273");
	at.leg = UINT32_MAX;
	ck_assert_str_eq(events_print_at(&at, text),
			 "a host that 10.9.0.2:8273 relays");
	memset(at.ip, 0xfd, sizeof(at.ip));
	at.scope = UINT32_MAX;
	ck_assert_uint_lt(strlen(events_print_at(&at, text)),
			  EVENTS_AT_STRLEN - 1);
}
END_TEST

START_TEST(largest_mesh_comes_up_with_a_line_each)
{
	for (uint32_t i = 0; i < NODE_PEERS_MAX; i++) {
		ck_assert(allowed(of_peer(NODE_PEER_UP, i)));
		ck_assert(allowed(of_peer(NODE_PEER_DOWN, i)));
		ck_assert(allowed(of_peer(NODE_PEER_UP, i)));
	}
	assert_left_out(0, "");
}
END_TEST

/* 480 times a second it goes down, and comes up. */
START_TEST(peer_that_flaps_costs_its_own_lines_only)
{
	unsigned int said = 0;

	for (int i = 0; i < 480 * 100; i++, now_us += CLOCK_S / 480) {
		said += allowed(of_peer(NODE_PEER_UP, 1));
		said += allowed(of_peer(NODE_PEER_DOWN, 1));
	}
	ck_assert_uint_le(said, 2 * (EVENT_LIMIT_PEER_BURST + 11));
	ck_assert(allowed(of_peer(NODE_PEER_UP, 2)));
	ck_assert(allowed(of_peer(NODE_PEER_RESTARTED, 1)));
	now_us += 11 * CLOCK_S;
	ck_assert(allowed(of_peer(NODE_PEER_DOWN, 1)));
}
END_TEST

START_TEST(keys_made_up_at_one_address_are_one_stranger)
{
	unsigned int said = 0;

	for (int i = 0; i < 480 * 10; i++, now_us += CLOCK_S / 480)
		said += allowed(of_address(NODE_PEER_REFUSED, 0x0a090002));
	ck_assert_uint_le(said, EVENT_LIMIT_PEER_BURST + 2);
	ck_assert(allowed(of_address(NODE_PEER_REFUSED, 0x0a090003)));
}
END_TEST

START_TEST(keys_made_up_do_not_hide_what_is_wanted)
{
	static const enum node_event_type types[] = {
		NODE_PEER_UP,	    NODE_PEER_DOWN, NODE_PEER_RESTARTED,
		NODE_PEER_REFUSED,  NODE_OWN_KEY,   NODE_PEER_MOVED,
		NODE_DUPLICATE_KEY, NODE_SELF,
	};
	struct node_event wanted;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		unsigned int said = 0;

		for (uint32_t k = 0; k < 20000; k++, now_us += CLOCK_MS)
			said += allowed(of_address(types[i], 0x0b000000 + k));
		ck_assert_uint_le(said, EVENT_LIMIT_TYPE_BURST + 21);
		wanted = of_address(types[i], 0x0a090002);
		wanted.wanted = true;
		ck_assert(allowed(wanted));
	}
}
END_TEST

START_TEST(what_is_left_out_is_counted)
{
	for (int i = 0; i < EVENT_LIMIT_PEER_BURST + 3; i++)
		allowed(of_peer(NODE_PEER_UP, 1));
	for (int i = 0; i < EVENT_LIMIT_PEER_BURST + 1; i++)
		allowed(of_address(NODE_OWN_KEY, 7));
	assert_left_out(4, "3 up, 1 our own key");
	assert_left_out(0, "");
	for (int i = 0; i < NODE_EVENT_COUNT; i++)
		limit.left_out[i] = UINT64_MAX / 16;
	char text[256];
	event_limit_take_left_out(&limit, text, sizeof(text));
	ck_assert_uint_lt(strlen(text), sizeof(text));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("event_limit", .setup = setup),
	UNIT_TEST(who_is_behind_a_relay_is_not_at_its_address),
	UNIT_TEST(largest_mesh_comes_up_with_a_line_each),
	UNIT_TEST(peer_that_flaps_costs_its_own_lines_only),
	UNIT_TEST(keys_made_up_at_one_address_are_one_stranger),
	UNIT_TEST(keys_made_up_do_not_hide_what_is_wanted),
	UNIT_TEST(what_is_left_out_is_counted),
};

UNIT_MAIN("event_limit", tests)
