/* lib/node: a member floods longer than keys live, and takes nobody's session. */
#include <check.h>

#include "support/main.h"
#include "support/outsider.h"
#include "support/three.h"

/* Keys die at 180 s. */
#define FLOOD_US (190 * CLOCK_S)

enum flood { INITIATIONS, INITIATIONS_OF_MANY, REKEYS, FLOODS };

static struct outsider o;
static struct public_key trusted[3];
static uint64_t said_a, said_b;

/* a and b have a session; the member is a's peer if its key is trusted. */
static void meet(bool with_trust, bool member_trusted)
{
	hosts_mesh(&h, 2);
	trusted[0] = a->key;
	trusted[1] = b->key;
	trusted[2] = o.key;
	if (with_trust)
		ck_assert(node_set_trusted(a->node, trusted,
					   member_trusted ? 3 : 2,
					   hosts_clock(a)));
	if (member_trusted || !with_trust)
		outsider_join(&o, a);
}

/* An initiation with an honest host's key, which it does not prove: so it is past
 * trusted_keys. With a cookie, if one is asked for. */
static void initiate(const struct addr *from)
{
	uint8_t initiation[WIRE_INITIATION_LEN];
	struct outsider liar = o;
	size_t since = h.log_count;
	const struct flight *cookie;

	liar.key = b->key;
	liar.at = *from;
	liar.has_cookie = false;
	outsider_initiate(&liar, HOSTS_WALL + h.net.now_us, initiation);
	host_receive(a, from, initiation, sizeof(initiation));
	cookie = hosts_sent(&h, WIRE_COOKIE, a, NULL, since, 0);
	if (cookie && outsider_take_cookie(&liar, cookie->bytes, initiation))
		host_receive(a, from, initiation, sizeof(initiation));
	o.rng = liar.rng;
}

/* Several in a datagram. */
static void rekey(void)
{
	uint8_t records[3 * WIRE_REKEY_1_LEN];
	struct outsider liar = o;

	for (size_t i = 0; i < 3; i++)
		outsider_rekey(&liar, records + i * WIRE_REKEY_1_LEN);
	o.rng = liar.rng;
	outsider_send(&o, a, records, sizeof(records));
}

static void flood_once(enum flood kind, uint32_t n)
{
	struct addr many = addr_v4(0x0a090200 + n % 64, WIRE_PORT);

	if (kind == REKEYS)
		rekey();
	else
		initiate(kind == INITIATIONS ? &o.at : &many);
}

/* Its session ends at 180 s, for it has none renewed. */
static bool member_is_up(void)
{
	return h.net.now_us < o.session.born_us + 170 * CLOCK_S;
}

START_TEST(attack_sessions_outlive_a_members_flood)
{
	enum flood kind = (enum flood)(_i % FLOODS);
	bool with_trust = _i / FLOODS;
	uint64_t end;
	uint32_t n = 0;

	outsider_init(&o, 1);
	meet(with_trust, kind == REKEYS);
	end = h.net.now_us + FLOOD_US;
	while (h.net.now_us < end) {
		/* Twice the half-open places there are. */
		flood_once(kind, n++);
		host_say(a, ++said_a);
		host_say(b, ++said_b);
		hosts_run(&h, 10 * CLOCK_MS);
		hosts_forget_log(&h);
		if (kind == REKEYS && !member_is_up())
			outsider_join(&o, a);
	}
	arrive();
	ck_assert(hosts_pair_up(&h));
	ck_assert_uint_eq(host_events(b, NODE_PEER_DOWN), 0);
	ck_assert_uint_eq(b->written_count, said_a);
	ck_assert_uint_eq(a->written_count, said_b);
	outsider_free(&o);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("floods", .setup = three_setup, .teardown = three_teardown,
		  .timeout_s = 60),
	/* With trusted_keys it is the same but for who is let in. */
	UNIT_LOOP(attack_sessions_outlive_a_members_flood,
		  UNIT_SEEDS_PERCENT < 100 ? FLOODS : 2 * FLOODS),
};

UNIT_MAIN("node flood", tests)
