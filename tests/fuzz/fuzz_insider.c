/*
 * A node with an honest peer, against a member of their network that does what it
 * likes: with several keys, the node's own and its peer's among them, from several
 * addresses, at some of which it cannot read, in both roles of a handshake. An input
 * says where it cannot read, and then what it does, step by step; the node's owner
 * reloads and lets time pass between. None of it may take the honest peer down, have
 * more bytes sent to an address than came from there unless somebody has read there
 * what the node sent, repeat a nonce, or fill a table beyond its bound.
 */
#include <string.h>

#include "fuzz.h"
#include "insider_steps.h"
#include "node/ask.h"

#define STEPS_MAX   64
#define TIME_MAX_US (200 * CLOCK_S)
/* Longer than every pause between tries. */
#define QUIET_US      (60 * CLOCK_S)
#define RECEIVERS_MAX 256

static struct side victim, honest;
static struct member member;
/* The honest peer was up and nothing that the owner did since takes it down. */
static bool expected_up;
/* Of the honest peer's datagrams, how many the member still hands on from where. */
static unsigned diverted, diverted_at;
static bool diverted_away;
/* Which counters the node sealed for each index of another's: the highest, and bits for
 * those up to it. What is held while a path changes leaves after what goes other ways,
 * but nothing leaves twice. */
#define SEEN_WORDS 16
#define SEEN	   (SEEN_WORDS * 64)

static struct seals {
	uint32_t receiver;
	uint64_t next; /* above the highest */
	uint64_t seen[SEEN_WORDS];
} seals[RECEIVERS_MAX];
static size_t seals_count;

/* ---- what passes by ---- */

/* True if that counter is new; one so old that nobody knows any more is not. */
static bool note_counter(struct seals *e, uint64_t counter)
{
	const uint64_t bit = UINT64_C(1) << counter % 64;
	uint64_t *word = &e->seen[counter % SEEN / 64];

	if (counter + SEEN < e->next)
		return false;
	if (counter >= e->next + SEEN)
		memset(e->seen, 0, sizeof(e->seen));
	else
		for (uint64_t c = e->next; c <= counter; c++)
			e->seen[c % SEEN / 64] &= ~(UINT64_C(1) << c % 64);
	if (*word & bit)
		return false;
	*word |= bit;
	if (counter >= e->next)
		e->next = counter + 1;
	return true;
}

/* An index is a session's: each node draws its own, and the member counts. */
static void check_nonce(const uint8_t *bytes, size_t len)
{
	struct wire_data header;
	size_t i = 0;

	if (len < WIRE_DATA_OVERHEAD || bytes[0] != WIRE_DATA)
		return;
	wire_unpack_data(&header, bytes);
	while (i < seals_count && seals[i].receiver != header.receiver)
		i++;
	if (i == RECEIVERS_MAX)
		return;
	if (i == seals_count)
		seals[seals_count++] =
			(struct seals){ .receiver = header.receiver };
	HOLDS(note_counter(&seals[i], header.counter));
}

static bool victim_sends(struct side *s, const struct addr *to,
			 const uint8_t *bytes, size_t len)
{
	check_nonce(bytes, len);
	if (addr_equal(to, &s->other->addr))
		member_overhears(&member, bytes, len);
	member_sees(&member, to, bytes, len);
	return true;
}

static bool honest_sends(struct side *s, const struct addr *to,
			 const uint8_t *bytes, size_t len)
{
	if (!addr_equal(to, &s->other->addr))
		return true;
	member_overhears(&member, bytes, len);
	if (!diverted)
		return true;
	diverted--;
	member_passes_on(&member, diverted_at, bytes, len);
	return !diverted_away;
}

static void to_victim(void *user, const struct addr *from, const uint8_t *bytes,
		      size_t len)
{
	(void)user;
	side_receive(&victim, from, bytes, len);
}

static void turn(void)
{
	member_turn(&member);
}

/* ---- what holds ---- */

/* At those addresses nobody ever reads; and the node was not told to go there. */
static void check_reflection(void)
{
	for (unsigned i = MEMBER_WANTED; i < MEMBER_AT_HONEST; i++)
		HOLDS(!(member.world.blind & 1U << i) ||
		      member.to[i] <= member.from[i]);
}

static void check(void)
{
	bool up = side_has_other_up(&victim) && side_has_other_up(&honest);

	check_reflection();
	side_check(&victim);
	side_check(&honest);
	if (victim.lost || honest.lost || member.is_honest)
		expected_up = false;
	else if (expected_up)
		HOLDS(up);
	else
		expected_up = up;
}

/* ---- what the network does ---- */

static void divert(struct cursor *c)
{
	uint8_t how = cursor_u8(c);

	diverted_at = cursor_u8(c) % MEMBER_ADDRS;
	diverted = how & 3;
	/* Who holds back all there is takes anybody down. */
	diverted_away = how & 4 && diverted == 1;
}

/* ---- what its owner does ---- */

static void set_secrets(uint8_t how)
{
	static const uint8_t lists[][2] = { { 9, 10 }, { 10, 9 } };
	uint8_t secrets[2][KEY_LEN];
	size_t count = 1 + (how >> 1 & 1);

	memset(secrets[0], lists[how & 1][0], KEY_LEN);
	memset(secrets[1], lists[how & 1][1], KEY_LEN);
	node_set_secrets(victim.node, secrets, count, sides_now);
	node_set_secrets(honest.node, secrets, count, sides_now);
}

static void set_trusted(uint8_t how)
{
	struct public_key keys[MEMBER_KEYS];
	size_t n = 0;

	for (unsigned i = 0; i < MEMBER_KEYS; i++)
		if (i == MEMBER_KEY_HONEST || (how & 1U << i))
			keys[n++] = member.keys[i];
	HOLDS(node_set_trusted(victim.node, how & 1 ? NULL : keys, n,
			       sides_now));
}

static void set_wanted(uint8_t how)
{
	struct addr wanted[3] = { honest.addr };
	size_t n = 1;

	if (how & 1)
		wanted[n++] = member.addrs[MEMBER_AT_V4];
	if (how & 2)
		wanted[n++] = member.addrs[MEMBER_AT_V6];
	HOLDS(node_want(victim.node, NODE_SOURCE_PEERS, wanted, n, sides_now) ==
	      0);
}

static void reload(struct cursor *c)
{
	uint8_t what = cursor_u8(c), how = cursor_u8(c);
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, how };
	const char name[] = { 'n', (char)('a' + how % 26), 0 };

	switch (what % 10) {
	case 0:
		set_secrets(how);
		expected_up = false;
		break;
	case 1:
		set_trusted(how);
		break;
	case 2:
		set_wanted(how);
		break;
	case 3:
		node_set_name(victim.node, name, sides_now);
		break;
	case 4:
		node_set_tap_mac(victim.node, mac, sides_now);
		break;
	case 5:
		node_set_tap_mtu(victim.node, how & 1 ? SIDE_TAP_MTU : 1280,
				 sides_now);
		break;
	case 6:
		node_set_multicast(victim.node, how & 1, how & 2, sides_now);
		break;
	case 7:
		node_set_router_advertisements(victim.node, how & 1);
		break;
	case 8:
		node_set_liveness(victim.node, CLOCK_S + how * CLOCK_MS, 3,
				  300 * CLOCK_S, sides_now);
		expected_up = false;
		break;
	case 9:
		node_set_relay(victim.node, how & 1, sides_now);
		break;
	}
}

static void learn_honest_epoch(void)
{
	struct node_debug debug;

	node_debug(honest.node, &debug);
	member.honest_epoch = debug.epoch;
}

/* Keys anew: of either of the two. */
static void anew(struct cursor *c)
{
	uint8_t how = cursor_u8(c);
	struct side *s = how & 1 ? &honest : &victim;

	if (how & 2) {
		node_renew(s->node, sides_now);
	} else {
		node_forget(s->node, sides_now);
		learn_honest_epoch();
		expected_up = false;
	}
}

static void from_tap(struct cursor *c)
{
	uint8_t how = cursor_u8(c);
	uint8_t frame[64] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
			      0,    0,	  0,	0,    how,  8,	  6 };
	const uint8_t *bytes;
	size_t len;

	if (how & 0x40) {
		side_from_tap(how & 0x80 ? &honest : &victim, frame,
			      sizeof(frame));
		return;
	}
	bytes = insider_take(c, &len);
	if (cursor_ok(c))
		side_from_tap(how & 0x80 ? &honest : &victim, bytes, len);
}

/* A ping of anybody; its number, or -1. */
static int begin_ping(const struct public_key *key, bool largest)
{
	return largest ? node_ping_largest(victim.node, key, sides_now)
		       : node_ping_begin(victim.node, key, 1000, sides_now);
}

/* What peers say to whatever is asked is taken for what it is, and no more. */
static void look_at_answers(void)
{
	const struct node *n = victim.node;
	struct node_test_host heard;

	HOLDS(node_test_sent(n) <= NODE_TEST_FRAMES_MAX);
	for (unsigned i = 0; i < MEMBER_KEYS; i++)
		if (node_test_host(n, &member.keys[i], &heard))
			HOLDS(heard.answered || !heard.heard);
	for (size_t i = 0; i < node_mesh_count(n); i++)
		for (size_t j = 0; j < node_mesh_count(n); j++) {
			const struct node_mesh_link *l =
				&node_mesh_links(n, i)[j];

			HOLDS(l->known ? l->loss >= 0 && l->loss <= 1
				       : !l->rtt_us);
			HOLDS(!l->known || i != j);
		}
}

/* The owner asks peers: bits of how say what; 0x80: no more. */
static void ask_peers(struct cursor *c)
{
	static const uint8_t group[16] = { [10] = 0xff, 0xff, 239, 1, 2, 3 };
	const uint8_t how = cursor_u8(c);
	struct node_ping ping;
	int number;

	look_at_answers();
	if (how & 0x80) {
		node_test_end(victim.node);
		node_mesh_end(victim.node);
		return;
	}
	if (how & 1)
		(void)node_test_begin(victim.node, group, 1 + how / 8,
				      sides_now);
	if (how & 2)
		(void)node_mesh_begin(victim.node, sides_now);
	number = how & 4 ? begin_ping(&member.keys[how / 8 % MEMBER_KEYS],
				      how & 0x40)
			 : -1;
	if (number < 0)
		return;
	sides_pass(&victim, &honest, 100 * CLOCK_MS, turn);
	node_ping_look(victim.node, number, &ping, sides_now);
	HOLDS(ping.size <= NODE_PING_SIZE_MAX);
	node_ping_end(victim.node, number);
}

static void pass(struct cursor *c)
{
	uint64_t us = cursor_u16(c) % 16384 * CLOCK_MS;

	if (sides_now.mono_us + us < TIME_MAX_US)
		sides_pass(&victim, &honest, us, turn);
}

/* ---- an input ---- */

/* What happens in a step, by the input's number for it: by the network or the owner, or
 * by the member. */
static const struct {
	void (*happens)(struct cursor *c);
	void (*does)(struct member *m, struct cursor *c);
} kinds[] = {
	{ .happens = pass },
	{ .does = insider_initiate },
	{ .does = insider_replay },
	{ .does = insider_hello },
	{ .does = insider_say },
	{ .does = insider_behave },
	{ .does = insider_garbage },
	{ .does = insider_raw },
	{ .does = insider_rekey },
	{ .happens = divert },
	{ .happens = reload },
	{ .happens = anew },
	{ .happens = from_tap },
	{ .does = insider_flood },
	{ .does = insider_rewind_counter },
	{ .happens = ask_peers },
	{ .does = insider_leg },
	{ .does = insider_relay },
	{ .does = insider_addresses },
};

static void step(struct cursor *c)
{
	uint8_t kind = cursor_u8(c) % (sizeof(kinds) / sizeof(kinds[0]));

	if (kinds[kind].happens)
		kinds[kind].happens(c);
	else
		kinds[kind].does(&member, c);
}

static void steps(struct cursor *c)
{
	for (int i = 0; i < STEPS_MAX && c->left; i++) {
		step(c);
		turn();
		side_deliver(&victim);
		side_deliver(&honest);
		turn();
		check();
	}
}

/* When the member is silent the two find each other again. */
static void quiet(void)
{
	member.does = 0;
	diverted = 0;
	sides_pass(&victim, &honest, CLOCK_S, turn);
	check();
	victim.lost = honest.lost = 0;
	if (side_has_other_up(&victim) && side_has_other_up(&honest))
		return;
	sides_pass(&victim, &honest, QUIET_US, turn);
	check();
	HOLDS(member.is_honest ||
	      (side_has_other_up(&victim) && side_has_other_up(&honest)));
}

static void begin(uint8_t blind)
{
	const struct node_config limits = side_limits();
	struct member_world world = { .deliver = to_victim,
				      .now = &sides_now,
				      .record = insider_hears,
				      .blind = blind };

	sides_begin();
	insider_forget();
	side_start(&victim, &honest, 1, &limits);
	side_start(&honest, &victim, 2, &limits);
	world.victim = victim.addr;
	world.honest = honest.addr;
	member_start(&member, &world);
	learn_honest_epoch();
	seals_count = 0;
	diverted = 0;
	victim.sends = victim_sends;
	honest.sends = honest_sends;
	set_wanted(blind & 3);
	node_tap_up(victim.node, sides_now);
	node_tap_up(honest.node, sides_now);
	sides_pass(&victim, &honest, 2 * CLOCK_S, turn);
	expected_up = true;
	check();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	member_init(&member);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_init(data, size);

	begin(cursor_u8(&c));
	steps(&c);
	quiet();
	member_stop(&member);
	side_stop(&victim);
	side_stop(&honest);
	return 0;
}
